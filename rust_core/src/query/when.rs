//! Times and spans of time, as people write them.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::archive::{TimeForm, parse_time};
use crate::clock;

/// What a question refers to without saying it.
#[derive(Clone, Debug)]
pub struct Now {
    /// In nanoseconds since 1970 UTC.
    pub time: i64,
    /// That of times without an offset, and of days.
    pub zone: TimeZone,
    /// Numbers of levels that somebody has named.
    pub levels: Vec<(String, i32)>,
}

/// What times may look like, for messages.
pub const TIMES: &str = "a time such as 2026-02-19T10:30, 2026-02-19, 10:30, -15m, today, yesterday or now";

/// A length of time, in nanoseconds: `500ms`, `10s`, `5m`, `1h30m`, `1d`, `1w`.
pub fn span(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut sum = 0_i64;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let letters = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
        let number: i64 = rest[..digits].parse().ok()?;
        let unit = match &rest[digits..digits + letters] {
            "ms" => 1_000_000,
            "s" | "sec" => 1_000_000_000,
            "m" | "min" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            "w" => 604_800_000_000_000,
            _ => return None,
        };
        sum = sum.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[digits + letters..];
    }
    Some(sum).filter(|sum| *sum > 0)
}

impl Now {
    /// The present moment, in the zone of the system or in UTC.
    #[must_use]
    pub fn here(is_utc: bool, levels: Vec<(String, i32)>) -> Self {
        let zone = if is_utc { TimeZone::UTC } else { TimeZone::system() };
        Self { time: clock::now(), zone, levels }
    }

    /// A time, in nanoseconds since 1970 UTC.
    #[must_use]
    pub fn time(&self, text: &str) -> Option<i64> {
        let text = text.trim();
        if let Some(time) = parse_time(text.as_bytes(), TimeForm::Iso) {
            return Some(time);
        }
        if let Some(ago) = text.strip_prefix('-').or_else(|| text.strip_suffix(" ago")).and_then(span) {
            return self.time.checked_sub(ago);
        }
        // With an offset, and without seconds.
        if let Ok(time) = text.parse::<Timestamp>() {
            return i64::try_from(time.as_nanosecond()).ok();
        }
        if let Some(seconds) = text.strip_prefix('@') {
            return parse_time(seconds.as_bytes(), TimeForm::Seconds);
        }
        let today = || self.civil().map(|now| now.date());
        match text {
            "now" => return Some(self.time),
            "today" => return self.at(today()?.at(0, 0, 0, 0)),
            "yesterday" => return self.at(today()?.checked_sub(1.day()).ok()?.at(0, 0, 0, 0)),
            _ => {}
        }
        if let Ok(time) = text.parse::<jiff::civil::Time>()
            && text.contains(':')
            && !text.contains('-')
        {
            return self.at(today()?.to_datetime(time));
        }
        if let Ok(date) = text.parse::<Date>()
            && text.len() == 10
        {
            return self.at(date.at(0, 0, 0, 0));
        }
        self.at(text.parse::<DateTime>().ok()?)
    }

    fn civil(&self) -> Option<DateTime> {
        Some(self.zone.to_datetime(Timestamp::from_nanosecond(self.time.into()).ok()?))
    }

    fn at(&self, time: DateTime) -> Option<i64> {
        i64::try_from(self.zone.to_timestamp(time).ok()?.as_nanosecond()).ok()
    }

    /// The beginning of the span of this length that a time is in. Spans are counted from the local beginning of 1970, so that days begin at midnight,
    /// also where clocks are changed.
    #[must_use]
    pub fn floor(&self, time: i64, span: i64) -> i64 {
        const HOUR: i64 = 3_600_000_000_000;
        let begin = |offset: i64| {
            let local = time.saturating_add(offset).div_euclid(span).saturating_mul(span);
            local.saturating_sub(offset)
        };
        let found = begin(self.offset(time));
        if span <= HOUR {
            return found;
        }
        // The beginning of the span has an offset of its own.
        let there = begin(self.offset(found));
        if there > time { found } else { there }
    }

    /// How far local time is ahead of UTC, in nanoseconds.
    fn offset(&self, time: i64) -> i64 {
        Timestamp::from_nanosecond(time.into())
            .map_or(0, |time| i64::from(self.zone.to_offset(time).seconds()) * 1_000_000_000)
    }
}
