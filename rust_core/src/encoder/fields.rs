//! The fields of the process: what each of its records says of where it came from.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::record::{Builder, Record, call_fields};
use crate::redaction::Redactor;
use crate::value::Value;

/// Names by which the same field is known elsewhere, each with the short one.
const ALIASES: [(&str, &str); 9] = [
    ("service.name", "service"),
    ("service.version", "version"),
    ("deployment.environment.name", "env"),
    ("deployment.environment", "env"),
    ("k8s.pod.name", "pod"),
    ("k8s.namespace.name", "namespace"),
    ("k8s.node.name", "node"),
    ("host.name", "host"),
    ("cloud.account.id", "project"),
];

/// The short name of a field of the process, by which presets know it.
#[must_use]
pub fn short_name(name: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, short)| short)
}

/// Names and values, in their order. Values are no lists and no mappings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(pub Vec<(String, Json)>);

impl Fields {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The same without secrets. They are redacted as the fields of a record are.
    #[must_use]
    pub fn redacted(&self, redactor: &mut Redactor) -> Self {
        if self.is_empty() {
            return Self::default();
        }
        let texts: Vec<_> = self.0.iter().map(|(_, value)| value.to_string()).collect();
        let fields: Vec<_> =
            self.0.iter().zip(&texts).map(|((name, value), text)| (name.as_str(), as_value(value, text))).collect();
        let mut bytes = Vec::new();
        Builder { time: 0, level: 0, logger: "", function: "", message: "" }.put(&mut bytes, &fields);
        // SAFETY: built just above.
        let Some(record) = (unsafe { Record::read(&bytes) }) else { return Self::default() };
        let redacted = redactor.redact(&record);
        let (names, values) = call_fields(&redacted, std::iter::empty());
        let redacted = names.into_iter().map(str::to_owned).zip(values.into_iter().map(as_json)).collect();
        // What is replaced once at the start is no secret of a record.
        redactor.take_count();
        Self(redacted)
    }
}

fn as_value<'v>(value: &'v Json, text: &'v str) -> Value<'v> {
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::String(value) => Value::Text(value),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Value::Integer(number),
            (None, Some(number)) if number.fract() != 0.0 => Value::Float(number),
            _ => Value::Json(text),
        },
        Json::Array(_) | Json::Object(_) => Value::Json(text),
    }
}

fn as_json(value: Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => value.into(),
        Value::Integer(value) => value.into(),
        Value::Float(value) => value.into(),
        Value::Text(text) => text.into(),
        Value::Json(json) => serde_json::from_str(json).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names;
    use crate::redaction::{Rules, Spec};
    use serde_json::json;
    use std::sync::Arc;

    #[test]
    fn secrets_among_them_are_redacted_as_those_of_records() {
        let rules = Rules::new(Spec { keys: vec!["token".into()], ..Spec::default() }).unwrap();
        let mut redactor = Redactor::new(rules, Arc::clone(names::here()));
        let given =
            [("service", json!("orders")), ("token", json!("s3cr3t")), ("n", json!(7)), ("big", json!(u64::MAX))];
        let fields = Fields(given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
        let redacted = fields.redacted(&mut redactor);
        assert_eq!(redacted.0[0], fields.0[0]);
        assert_ne!(redacted.0[1].1, "s3cr3t");
        assert_eq!(redacted.0[2..], fields.0[2..]);
        assert_eq!(redactor.take_count(), 0);
    }

    #[test]
    fn a_field_is_known_by_its_short_name() {
        assert_eq!(["service.name", "service", "team"].map(short_name), ["service", "service", "team"]);
    }
}
