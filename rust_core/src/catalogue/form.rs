//! What the lines of a set look like, so that a file of which nothing is known is told from another program's.

use crate::archive::{Found, Keys, Scanner, TimeForm, Value, pair, parse_time};
use crate::encoder::{Format, Process};
use crate::level;

/// More of a first line is not looked at.
pub const FIRST_LINE: usize = 64 << 10;
/// Where a line of text has its time and its level, in bytes.
const TEXT_START: usize = 512;

/// The form of the lines of a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Nobody has said, and any file may be of the set.
    #[default]
    Any,
    /// Objects of JSON with these keys.
    Json(Keys),
    /// `key=value`, with these keys.
    Logfmt(Keys),
    /// Lines for people.
    Text,
}

impl Form {
    #[must_use]
    pub fn of(format: &Format, process: &Process) -> Self {
        match format {
            Format::Json(shape) => Self::Json(Keys::of(shape, process)),
            Format::Logfmt(shape) => Self::Logfmt(Keys::of(shape, process)),
            Format::Text(_) => Self::Text,
        }
    }

    /// Whether a file with this beginning may be of the set: its first line has what a record must have. Lines of JSON with the record's own keys count
    /// for every set, since files are older than options.
    #[must_use]
    pub fn fits(&self, beginning: &[u8]) -> bool {
        let line = first_line(beginning);
        match self {
            Self::Any => true,
            Self::Json(keys) => is_json(line, keys) || is_json(line, &Keys::default()),
            Self::Logfmt(keys) => is_logfmt(line, keys) || is_json(line, &Keys::default()),
            Self::Text => is_text(line) || is_json(line, &Keys::default()),
        }
    }

    /// The time of the first line of a file with this beginning, in nanoseconds since the epoch. `None` if it tells none, or not of which zone it is.
    #[must_use]
    pub fn time(&self, beginning: &[u8]) -> Option<i64> {
        let line = first_line(beginning);
        let own = match self {
            Self::Any => None,
            Self::Json(keys) => time_of_json(line, keys),
            Self::Logfmt(keys) => pair(line, &keys.time).and_then(|time| parse_time(time, keys.time_form)),
            Self::Text => parse_time(line.split(u8::is_ascii_whitespace).next()?, TimeForm::Iso),
        };
        own.or_else(|| time_of_json(line, &Keys::default()))
    }
}

fn first_line(beginning: &[u8]) -> &[u8] {
    let line = beginning.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn time_of_json(line: &[u8], keys: &Keys) -> Option<i64> {
    let mut scanner = Scanner::new(keys);
    let found = scanner.scan(line)?;
    scanner.time(&found)
}

/// Whether it is an object with a time, a level that somebody knows, and a logger, as far as the shape has them.
fn is_json(line: &[u8], keys: &Keys) -> bool {
    let Some(found) = Scanner::new(keys).scan(line) else { return false };
    let Found { time, level, logger, .. } = found;
    let is_there = |key: &str, value: Value<'_>| key.is_empty() || !matches!(value, Value::Absent | Value::Unknown);
    let mut room = Vec::new();
    // A number may be a level of any scale.
    let is_level = |bytes: &[u8]| str::from_utf8(bytes).is_ok_and(|name| !name.is_empty() && name.len() < 64);
    is_there(&keys.time, time)
        && (keys.level.is_empty() || level.bytes(&mut room).is_some_and(is_level))
        && is_there(&keys.logger, logger)
}

fn is_logfmt(line: &[u8], keys: &Keys) -> bool {
    let Some(text) = printable(line) else { return false };
    let has = |key: &String| pair(text.as_bytes(), key).is_some();
    [&keys.time, &keys.level, &keys.logger].into_iter().filter(|key| !key.is_empty()).all(has)
}

/// Whether a line begins as a record for people does: with a time and the name of a level among its first words.
fn is_text(line: &[u8]) -> bool {
    let Some(text) = printable(&line[..line.len().min(TEXT_START)]) else { return false };
    let is_between = |character: char| !character.is_ascii_alphanumeric();
    let has_level = text.split(is_between).any(|word| level::NAMES.contains(&word));
    let digits = |pattern: &[u8]| {
        let fits = |window: &[u8]| {
            let mut pairs = pattern.iter().zip(window);
            pairs.all(|(wanted, byte)| if *wanted == b'0' { byte.is_ascii_digit() } else { byte == wanted })
        };
        text.as_bytes().windows(pattern.len()).any(fits)
    };
    has_level && (digits(b"00:00:00") || digits(b"0000-00-00"))
}

/// The text of a line without characters that no log has; colours are in some. `None` if it is something else.
fn printable(line: &[u8]) -> Option<&str> {
    let text = match str::from_utf8(line) {
        Ok(text) => text,
        // Cut within a character.
        Err(error) if error.error_len().is_none() => str::from_utf8(&line[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    let is_odd = |character: char| character.is_control() && !matches!(character, '\t' | '\x1b');
    (!text.is_empty() && !text.contains(is_odd)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = r#"{"timestamp":"2026-02-19T10:30:00.1Z","level":"INFO","logger":"shop","message":"m"}"#;

    #[test]
    fn lines_of_records_are_told_from_those_of_other_programs() {
        let form = Form::Json(Keys::default());
        assert!(form.fits(format!("{OWN}\nanything").as_bytes()));
        // As the standard library's formatters write it: with spaces, and a time without an offset.
        assert!(
            form.fits(
                br#"{"timestamp": "2026-02-19 10:30:00,123", "level": "INFO", "logger": "shop", "message": "m"}"#
            )
        );
        for other in [
            "",
            "\n",
            "2026-02-19 10:30:00 INFO shop: m",
            r#"{"ts": 1, "msg": "of another program"}"#,
            r#"{"timestamp":"2026-02-19T10:30:00Z","level":"INFO"}"#,
            r#"{"timestamp":"2026-02-19T10:30:00Z","level":{"a":1},"logger":"x"}"#,
            &OWN[..40],
            "app.log.1\0\0\0\0\0\0",
        ] {
            assert!(!form.fits(other.as_bytes()), "{other}");
            assert!(Form::Any.fits(other.as_bytes()));
        }
        let keys =
            Keys { time: "@timestamp".into(), level: "log.level".into(), logger: String::new(), ..Keys::default() };
        let form = Form::Json(keys);
        assert!(form.fits(br#"{"@timestamp":"2026-02-19T10:30:00Z","log":{"level":"info"}}"#));
        assert!(form.fits(OWN.as_bytes()), "written before the shape was another");
        assert!(!form.fits(br#"{"@timestamp":"2026-02-19T10:30:00Z"}"#));
    }

    #[test]
    fn lines_for_people_and_of_logfmt_have_a_time_and_a_level() {
        for line in
            ["2026-02-19 10:30:00.123 INFO shop: m", "\x1b[32m10:30:00\x1b[0m WARNING m", "[ERROR] 2026-02-19 m"]
        {
            assert!(Form::Text.fits(line.as_bytes()), "{line}");
        }
        for line in ["m", "2026-02-19 m", "INFO m", "\x1f\u{8b}10:30:00 INFO", "INFORM 10:30:00"] {
            assert!(!Form::Text.fits(line.as_bytes()), "{line}");
        }
        let form = Form::Logfmt(Keys::default());
        assert!(form.fits(b"timestamp=2026-02-19T10:30:00Z level=INFO logger=shop message=m"));
        assert!(!form.fits(b"ts=2026-02-19T10:30:00Z level=INFO logger=shop"));
        assert!(!Form::Text.fits(&[0xff, 0xfe]) && !form.fits(&[0xff, 0xfe]));
    }

    #[test]
    fn the_first_line_tells_its_time_in_each_form() {
        const TIME: i64 = 1_771_497_000_100_000_000;
        let json = Form::Json(Keys::default());
        assert_eq!(json.time(format!("{OWN}\r\nanything").as_bytes()), Some(TIME));
        assert_eq!(Form::Any.time(OWN.as_bytes()), Some(TIME));
        let nanoseconds = Keys { time: "at".into(), time_form: TimeForm::Nanoseconds, ..Keys::default() };
        let line = format!(r#"{{"at":{TIME},"level":"INFO"}}"#);
        assert_eq!(Form::Json(nanoseconds.clone()).time(line.as_bytes()), Some(TIME));
        assert_eq!(Form::Json(nanoseconds.clone()).time(OWN.as_bytes()), Some(TIME), "of an earlier version");
        let line = format!("level=INFO at={TIME} message=\"at=5\"\n");
        assert_eq!(Form::Logfmt(nanoseconds).time(line.as_bytes()), Some(TIME));
        assert_eq!(Form::Text.time(b"2026-02-19T10:30:00.100Z INFO     shop m"), Some(TIME));
        for unclear in ["", "\n", "10:30:00 INFO shop m", "2026-02-19T10:30:00.100 INFO m", &OWN[..40]] {
            for form in [&json, &Form::Text, &Form::Any, &Form::Logfmt(Keys::default())] {
                assert_eq!(form.time(unclear.as_bytes()), None, "{unclear}");
            }
        }
    }
}
