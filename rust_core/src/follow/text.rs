//! What a line of text begins with, if a record begins there: its time, and its level.

use jiff::tz::TimeZone;

use crate::archive::{Keys, TimeForm, parse_time};
use crate::level;

/// The beginning of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'l> {
    /// In nanoseconds since 1970 UTC. `None` for a time of day, which has no date.
    pub time: Option<i64>,
    /// The level as the line has it: its name, or the first letter of that. `None` if none is found.
    pub level: Option<&'l [u8]>,
}

/// Zones that programs write behind a time, and that are no levels.
const ZONES: [&str; 15] =
    ["UTC", "GMT", "BST", "CET", "CEST", "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "IST", "JST"];

impl<'l> Head<'l> {
    /// That of a line of text. `given` are levels that the reader has named. `None` for a line that goes on with the record before.
    #[must_use]
    pub fn of(line: &'l [u8], keys: &Keys, given: &[(String, i32)]) -> Option<Self> {
        // Perhaps in brackets.
        let start = line.iter().position(u8::is_ascii_digit).filter(|at| *at < 4)?;
        let text = &line[start..];
        if let Some((stamp, rest)) = stamp(text) {
            let time = parse_time(stamp, TimeForm::Iso).or_else(|| local(stamp));
            return time.map(|time| Self { time: Some(time), level: level_in(rest, keys, given) });
        }
        let rest = behind_time_of_day(text)?;
        let letter = first_word(rest).filter(|word| word.len() == 1 && word[0].is_ascii_uppercase());
        Some(Self { time: None, level: letter.or_else(|| level_in(rest, keys, given)) })
    }

    /// The name of the level. Of a letter, it is the standard level that begins with it.
    #[must_use]
    pub fn name(&self) -> Option<&[u8]> {
        let level = self.level?;
        let standard = level::NAMES.iter().find(|name| level.len() == 1 && name.as_bytes()[0] == level[0]);
        Some(standard.map_or(level, |name| name.as_bytes()))
    }
}

/// Date and time at the beginning, and what follows them.
fn stamp(text: &[u8]) -> Option<(&[u8], &[u8])> {
    text.first_chunk::<19>().filter(|head| head[4] == b'-' && head[13] == b':')?;
    let end = (19..text.len().min(40))
        .find(|at| !(text[*at].is_ascii_digit() || matches!(text[*at], b'.' | b',' | b'+' | b'-' | b':' | b'Z')))
        .unwrap_or(text.len().min(40));
    Some((text[..end].trim_ascii_end(), &text[end..]))
}

/// Without an offset it is local time.
fn local(stamp: &[u8]) -> Option<i64> {
    let utc = parse_time(&[stamp, b"Z"].concat(), TimeForm::Iso)?;
    let there = jiff::Timestamp::from_nanosecond(utc.into()).ok()?;
    let time = TimeZone::system().to_timestamp(TimeZone::UTC.to_datetime(there)).ok()?;
    i64::try_from(time.as_nanosecond()).ok()
}

/// What follows `10:30:00` or `10:30:00.123`.
fn behind_time_of_day(text: &[u8]) -> Option<&[u8]> {
    let (head, rest) = text.split_first_chunk::<8>()?;
    let is_time = head.iter().enumerate().all(|(at, byte)| match at {
        2 | 5 => *byte == b':',
        _ => byte.is_ascii_digit(),
    });
    let fraction = match rest.first() {
        Some(b'.' | b',') => 1 + rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count(),
        _ => 0,
    };
    let rest = &rest[fraction..];
    let ends = rest.first().is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b']' | b')' | b'|' | b'Z'));
    (is_time && ends).then_some(rest)
}

/// The first word that is more than signs.
fn first_word(text: &[u8]) -> Option<&[u8]> {
    let start = &text[..text.len().min(160)];
    let mut words = start.split(u8::is_ascii_whitespace).filter(|word| word.iter().any(u8::is_ascii_alphanumeric));
    let word = words.find(|word| !ZONES.iter().any(|zone| zone.as_bytes() == *word))?;
    Some(word.strip_suffix(b":").unwrap_or(word))
}

/// The name of a level behind a time. A word of capitals that stands where this library has the level is one, also if nobody knows it. Otherwise it is
/// the first known name among the first words.
fn level_in<'l>(rest: &'l [u8], keys: &Keys, given: &[(String, i32)]) -> Option<&'l [u8]> {
    let start = &rest[..rest.len().min(160)];
    if let Some(word) = first_word(start) {
        let is_given = given.iter().any(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word));
        let is_name = word.len() > 2
            && word.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
            && word[0].is_ascii_uppercase();
        if is_given || is_name {
            return Some(word);
        }
        // A level without a name is `Level 35`.
        let digits = |from: &[u8]| from.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let at = start.len() - start.trim_ascii_start().len();
        if word == b"Level" && start[at..].starts_with(b"Level ") && digits(&start[at + 6..]) > 0 {
            return Some(&start[at..at + 6 + digits(&start[at + 6..])]);
        }
    }
    let words = start.split(|byte| !byte.is_ascii_alphabetic()).filter(|word| word.len() > 2).take(8);
    let mut names = words.filter(|word| word.iter().all(u8::is_ascii_uppercase));
    names.find(|word| std::str::from_utf8(word).is_ok_and(|word| keys.level_number(word).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head<'l>(line: &'l str, given: &[(String, i32)]) -> Option<Head<'l>> {
        Head::of(line.as_bytes(), &Keys::default(), given)
    }

    #[test]
    fn text_tells_its_time_and_its_level() {
        let noon = Some(1_771_502_400_000_000_000);
        for line in
            ["2026-02-19T12:00:00+00:00 INFO x", "[2026-02-19 12:00:00Z] INFO", "2026-02-19T13:00:00.000+01:00\tINFO"]
        {
            assert_eq!(head(line, &[]), Some(Head { time: noon, level: Some(b"INFO") }), "{line}");
        }
        assert!(head("2026-02-19 12:00:00,123 INFO x", &[]).is_some_and(|head| head.time.is_some()));
        for line in ["", "Traceback (most recent call last):", "2026", "12 is not a time of any kind, is it", "  │ 7"]
        {
            assert_eq!(head(line, &[]), None, "{line}");
        }
    }

    #[test]
    fn the_level_is_the_word_behind_the_time_whether_it_is_known_or_not() {
        let given = [("Audit".to_owned(), 35)];
        for (rest, level) in [
            ("SECURITY shop DEBUG is on", Some("SECURITY")),
            ("FATAL2   shop m", Some("FATAL2")),
            ("Level 35 shop m", Some("Level 35")),
            ("Level of water", None),
            ("Audit shop m", Some("Audit")),
            ("UTC [123] ERROR:  m", Some("ERROR")),
            ("[MAIN] WARNING m", Some("WARNING")),
            ("- ERROR - m", Some("ERROR")),
            ("| INFO | m", Some("INFO")),
            ("shop: it is 5", None),
            ("", None),
        ] {
            let line = format!("2026-02-19T12:00:00Z {rest}");
            assert_eq!(head(&line, &given).unwrap().level, level.map(str::as_bytes), "{rest}");
        }
    }

    #[test]
    fn a_time_of_day_has_a_level_and_no_date() {
        for (line, level, name) in [
            ("10:30:00 W stock is low", Some("W"), Some("WARNING")),
            ("10:30:00 S refused", Some("S"), Some("S")),
            ("[10:30:00.123] ERROR m", Some("ERROR"), Some("ERROR")),
            ("10:30:00 and more", None, None),
        ] {
            let head = head(line, &[]).unwrap();
            assert_eq!((head.time, head.level), (None, level.map(str::as_bytes)), "{line}");
            assert_eq!(head.name(), name.map(str::as_bytes), "{line}");
        }
        for line in ["10:30", "10:30:00:7 x", "1:30:00 x", "10:30:007 x"] {
            assert_eq!(head(line, &[]), None, "{line}");
        }
    }
}
