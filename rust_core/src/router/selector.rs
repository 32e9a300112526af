//! Which records an output takes, as it is configured.

use serde::{Deserialize, Serialize};
use serde_json::Value as Expected;

use crate::level;
use crate::value::Value;

/// A record is taken where all of it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selector {
    /// The least level.
    pub level: i32,
    /// The greatest level; `None` has no bound.
    #[serde(default)]
    pub max_level: Option<i32>,
    /// Only loggers that one of these names: see `named::Pattern`. `None` takes all.
    #[serde(default)]
    pub loggers: Option<Vec<String>>,
    /// Only AI records, or only the others; `None` takes both.
    #[serde(default)]
    pub ai: Option<bool>,
    /// Fields that the record has, of its call or its context.
    #[serde(default)]
    pub fields_present: Vec<String>,
    /// Fields that the record has with this value, which is no list and no mapping.
    #[serde(default)]
    pub fields_equal: Vec<(String, Expected)>,
    /// The beginning of the names of threads whose records are not taken.
    #[serde(default)]
    pub except_threads: Option<String>,
}

impl Selector {
    /// Takes every record from a level on.
    #[must_use]
    pub fn from_level(level: i32) -> Self {
        Self { level, ..Self::default() }
    }

    #[must_use]
    pub fn takes_level(&self, level: i32) -> bool {
        level >= self.level && self.max_level.is_none_or(|most| level <= most)
    }

    /// Whether it takes records of level ERROR and above alone.
    #[must_use]
    pub fn takes_errors_alone(&self) -> bool {
        self.level >= level::ERROR
    }

    /// Whether fields decide.
    #[must_use]
    pub(super) fn asks_for_fields(&self) -> bool {
        !self.fields_present.is_empty() || !self.fields_equal.is_empty()
    }

    /// `find` gives the value of a field by its name.
    pub(super) fn takes_fields<'v>(&self, mut find: impl FnMut(&str) -> Option<Value<'v>>) -> bool {
        self.fields_present.iter().all(|name| find(name).is_some())
            && self
                .fields_equal
                .iter()
                .all(|(name, expected)| find(name).is_some_and(|value| is_equal(value, expected)))
    }
}

/// Compares as JSON does, but for numbers: 1 and 1.0 are equal.
#[allow(clippy::float_cmp, clippy::cast_precision_loss)] // an exact value is asked for
fn is_equal(value: Value<'_>, expected: &Expected) -> bool {
    match (value, expected) {
        (Value::Null, Expected::Null) => true,
        (Value::Bool(value), Expected::Bool(expected)) => value == *expected,
        (Value::Text(value), Expected::String(expected)) => value == expected,
        (Value::Integer(value), Expected::Number(expected)) => {
            expected.as_i64() == Some(value) || expected.is_f64() && expected.as_f64() == Some(value as f64)
        }
        (Value::Float(value), Expected::Number(expected)) => expected.as_f64() == Some(value),
        // An integer that is too long for the machine is written as it stands.
        (Value::Json(value), Expected::Number(expected)) => value == expected.to_string(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_compared_as_json_has_them() {
        for (value, expected, equal) in [
            (Value::Null, json!(null), true),
            (Value::Null, json!(false), false),
            (Value::Bool(true), json!(true), true),
            (Value::Bool(true), json!(1), false),
            (Value::Integer(7), json!(7), true),
            (Value::Integer(7), json!(7.0), true),
            (Value::Integer(7), json!("7"), false),
            (Value::Float(0.5), json!(0.5), true),
            (Value::Float(7.0), json!(7), true),
            (Value::Text("a"), json!("a"), true),
            (Value::Text("a"), json!("A"), false),
            (Value::Json("[1]"), json!("[1]"), false),
            (Value::Json("18446744073709551615"), json!(u64::MAX), true),
        ] {
            assert_eq!(is_equal(value, &expected), equal, "{value:?} {expected}");
        }
    }

    #[test]
    fn a_level_is_taken_within_its_bounds() {
        let selector = Selector { level: 20, max_level: Some(30), ..Selector::default() };
        assert_eq!([19, 20, 30, 31].map(|level| selector.takes_level(level)), [false, true, true, false]);
        assert!(Selector::from_level(20).takes_level(i32::MAX));
    }
}
