//! Which members of a line a search asks for.

use crate::{checksum, level};

/// The keys of lines in a file. A key of an object inside the line follows a dot: `trace.id` is both a member of that name and the member
/// `id` of an object `trace`. A key that is empty stands for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    pub time: String,
    pub time_form: TimeForm,
    pub level: String,
    pub logger: String,
    pub trace: String,
    /// Levels that have other names than the standard ones, by these names.
    pub levels: Vec<(String, i32)>,
}

/// How a line tells its time. Each may be a text or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeForm {
    /// ISO 8601 with an offset or `Z`. A local time tells nothing, because an hour of each year stands for two.
    Iso,
    /// Since 1970 UTC.
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Default for Keys {
    /// Those of a record.
    fn default() -> Self {
        Self {
            time: "timestamp".into(),
            time_form: TimeForm::Iso,
            level: "level".into(),
            logger: "logger".into(),
            trace: "trace_id".into(),
            levels: Vec::new(),
        }
    }
}

/// Names of levels that other stores and libraries use, in capitals.
const OTHER_NAMES: [(&str, i32); 9] = [
    ("TRACE", 5),
    ("NOTICE", 25),
    ("WARN", level::WARNING),
    ("ERR", level::ERROR),
    ("FATAL", level::CRITICAL),
    ("ALERT", 60),
    ("EMERGENCY", 70),
    ("NOTSET", 0),
    ("DEFAULT", 0),
];

impl Keys {
    /// The number of a level by its name, in any case; `None` if nobody knows.
    #[must_use]
    pub fn level_number(&self, name: &str) -> Option<i32> {
        if let Some((_, number)) = self.levels.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)) {
            return Some(*number);
        }
        if let Some(at) = level::NAMES.iter().position(|standard| standard.eq_ignore_ascii_case(name)) {
            return i32::try_from(10 * (at + 1)).ok();
        }
        if let Some((_, number)) = OTHER_NAMES.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)) {
            return Some(*number);
        }
        let digits = match name.get(..6) {
            Some(start) if start.eq_ignore_ascii_case("level ") => &name[6..],
            _ => name,
        };
        digits.parse().ok()
    }

    /// Equal keys have equal fingerprints: an index that was made with other keys does not answer for these.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        checksum::of(format!("{self:?}").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_numbers_by_the_names_that_anybody_writes() {
        let keys = Keys { levels: vec![("AUDIT".into(), 25), ("warn".into(), 33)], ..Keys::default() };
        for (name, number) in [
            ("INFO", Some(20)),
            ("error", Some(40)),
            ("Audit", Some(25)),
            ("WARN", Some(33)),
            ("Level 25", Some(25)),
            ("35", Some(35)),
            ("fatal", Some(50)),
            ("loud", None),
            ("", None),
            ("订单是什么", None),
        ] {
            assert_eq!(keys.level_number(name), number, "{name}");
        }
    }

    #[test]
    fn other_keys_have_another_fingerprint() {
        let other = Keys { time_form: TimeForm::Seconds, ..Keys::default() };
        assert_ne!(other.fingerprint(), Keys::default().fingerprint());
        assert_eq!(Keys::default().fingerprint(), Keys::default().fingerprint());
    }
}
