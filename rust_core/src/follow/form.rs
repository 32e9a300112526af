//! What the lines of a file look like: which keys they have.

use std::sync::LazyLock;

use crate::archive::{Keys, Scanner, Value, pair};
use crate::encoder::{Process, Shape, preset_names};

/// The form of the lines of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// An object of JSON on each line.
    Json(Keys),
    /// `key=value`, as logfmt has it.
    Pairs(Keys),
    /// Anything else.
    Text,
}

/// The keys that lines have which nobody has told about: those of a record, and those of each preset.
static KNOWN: LazyLock<Vec<Keys>> = LazyLock::new(|| {
    let process = Process::here();
    let mut known = vec![Keys::default()];
    for name in preset_names() {
        let preset = serde_json::from_value(name.into()).ok();
        let keys = Keys::of(&Shape { preset, ..Shape::default() }, &process);
        if !known.contains(&keys) {
            known.push(keys);
        }
    }
    known
});

/// So many of the first lines are looked at.
const LOOKED_AT: usize = 16;

/// What the indices have of them.
static FINGERPRINTS: LazyLock<Vec<u64>> = LazyLock::new(|| KNOWN.iter().map(Keys::fingerprint).collect());

/// The keys with which an index was made, if they are known.
#[must_use]
pub fn keys_of(fingerprint: u64, given: Option<&Keys>) -> Option<Keys> {
    if let Some(given) = given.filter(|given| given.fingerprint() == fingerprint) {
        return Some(given.clone());
    }
    let at = FINGERPRINTS.iter().position(|known| *known == fingerprint)?;
    KNOWN.get(at).cloned()
}

impl Form {
    /// The form of lines, by the first of them. `given` are the keys if they are known.
    #[must_use]
    pub fn of(lines: &[u8], given: Option<&Keys>) -> Self {
        let lines: Vec<&[u8]> = lines
            .split(|byte| *byte == b'\n')
            .map(without_noise)
            .filter(|line| !line.is_empty())
            .take(LOOKED_AT)
            .collect();
        if !lines.iter().any(|line| line.first() == Some(&b'{')) {
            let keys = given.cloned().unwrap_or_default();
            let is_pairs = lines.iter().any(|line| {
                pair(line, &keys.time).is_some() || pair(line, &keys.level).is_some() && pair(line, "message").is_some()
            });
            return if is_pairs { Self::Pairs(keys) } else { Self::Text };
        }
        if let Some(given) = given {
            return Self::Json(given.clone());
        }
        let score = |keys: &Keys| {
            let mut scanner = Scanner::new(keys);
            let of_line = |line: &&[u8]| {
                let Some(found) = scanner.scan(line) else { return 0 };
                let is_there = |value| usize::from(!matches!(value, Value::Absent | Value::Unknown));
                2 * usize::from(scanner.time(&found).is_some())
                    + is_there(found.level)
                    + is_there(found.logger)
                    + is_there(found.trace)
            };
            lines.iter().map(of_line).sum::<usize>()
        };
        // The first of those that fit best.
        let best = KNOWN.iter().rev().max_by_key(|keys| score(keys));
        Self::Json(best.cloned().unwrap_or_default())
    }
}

/// A line without what is no part of it: zeros, which a file system leaves after a loss of power, and the mark of UTF-8 that editors of Windows write.
#[must_use]
pub fn without_noise(line: &[u8]) -> &[u8] {
    match line.first() {
        Some(0) => &line[line.iter().position(|byte| *byte != 0).unwrap_or(line.len())..],
        Some(0xEF) => line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line),
        // An empty line of Windows.
        Some(b'\r') if line.len() == 1 => &[],
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_shows_in_the_first_lines() {
        assert_eq!(Form::of(b"", None), Form::Text);
        assert_eq!(Form::of(b"2026-02-19 12:00:00 INFO x\n", None), Form::Text);
        assert_eq!(Form::of(b"timestamp=2026-02-19T12:00:00Z level=INFO\n", None), Form::Pairs(Keys::default()));
        let line = br#"{"timestamp":"2026-02-19T12:00:00Z","level":"INFO","logger":"a"}"#;
        assert_eq!(Form::of(line, None), Form::Json(Keys::default()));
        let ecs = br#"{"@timestamp":"2026-02-19T12:00:00Z","log.level":"INFO","message":"x","log.logger":"a"}"#;
        let Form::Json(keys) = Form::of(ecs, None) else { panic!() };
        assert_eq!((&*keys.time, &*keys.level), ("@timestamp", "log.level"));
        assert_eq!(keys_of(keys.fingerprint(), None), Some(keys));
        assert_eq!(keys_of(7, None), None);
    }
}
