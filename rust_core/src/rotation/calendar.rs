//! Periods that get files of their own.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Unit};
use serde::{Deserialize, Serialize};

use crate::clock::Zone;

/// Days of any date are counted from here, so that periods of several days begin on the same dates everywhere.
const FIRST: Date = jiff::civil::date(1970, 1, 1);
const DAY: u32 = 24 * 60 * 60;

/// How long periods are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// Counted from the beginning of each day, at the end of which the last one ends: so an hour is one of the clock. Less than a day.
    Seconds(u32),
    /// Counted from the first of January 1970.
    Days(u32),
    /// So many weeks, and the day on which they begin: 0 for Monday.
    Weeks(u32, u8),
}

/// Periods that follow one another without a gap, as instants of one zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    pub every: Every,
    /// When a day begins: seconds after midnight, by the clock.
    pub at: u32,
    pub zone: Zone,
}

/// One period, in seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    pub start: i64,
    /// The start of the next one.
    pub end: i64,
}

impl Period {
    #[must_use]
    pub const fn holds(self, now: i64) -> bool {
        self.start <= now && now < self.end
    }

    #[must_use]
    pub const fn length(self) -> i64 {
        self.end - self.start
    }
}

/// A calendar with the rules of its zone. These may change while a program runs, so it is made anew for each file.
#[derive(Clone, Debug)]
pub struct Periods {
    every: Every,
    at: Time,
    zone: TimeZone,
}

impl Calendar {
    #[must_use]
    pub fn periods(&self) -> Periods {
        let at = i8::try_from(self.at / 3600 % 24).ok().and_then(|hour| {
            let (minute, second) = (self.at / 60 % 60, self.at % 60);
            Time::new(hour, minute.try_into().ok()?, second.try_into().ok()?, 0).ok()
        });
        Periods { every: self.every, at: at.unwrap_or(Time::midnight()), zone: self.zone.rules() }
    }
}

impl Periods {
    /// The period in which an instant lies. Beyond the years that calendars know there is a single one.
    #[must_use]
    pub fn at(&self, now: i64) -> Period {
        self.find(now).unwrap_or(Period { start: i64::MIN / 2, end: i64::MAX / 2 })
    }

    fn find(&self, now: i64) -> Option<Period> {
        let day = self.whole_days(now)?;
        let Every::Seconds(length) = self.every else { return Some(day) };
        let length = i64::from(length.clamp(1, DAY));
        let start = day.start + (now - day.start) / length * length;
        Some(Period { start, end: (start + length).min(day.end) })
    }

    /// The period of whole days in which an instant lies.
    fn whole_days(&self, now: i64) -> Option<Period> {
        let (unit, first) = match self.every {
            Every::Seconds(_) => (1, 0),
            Every::Days(count) => (i64::from(count.max(1)), 0),
            // The first of January 1970 was a Thursday.
            Every::Weeks(count, day) => (7 * i64::from(count.max(1)), (i64::from(day) + 4) % 7),
        };
        let today = self.zone.to_datetime(Timestamp::from_second(now).ok()?).date();
        let days = FIRST.until((Unit::Day, today)).ok()?.get_days();
        // A day may begin late, or be left out: then the one after it begins at the same instant.
        let mut number = (i64::from(days) + 1 - first).div_euclid(unit);
        while self.begins(number * unit + first)? > now {
            number -= 1;
        }
        let start = self.begins(number * unit + first)?;
        loop {
            number += 1;
            let end = self.begins(number * unit + first)?;
            if end > now {
                return Some(Period { start, end });
            }
        }
    }

    /// The instant at which a day begins. Where the clock leaves out that time, as much later; where it shows it twice, the first.
    fn begins(&self, day: i64) -> Option<i64> {
        let date = FIRST.checked_add(i32::try_from(day).ok()?.days()).ok()?;
        let begins = self.zone.to_ambiguous_timestamp(date.to_datetime(self.at)).compatible().ok()?;
        Some(begins.as_second())
    }

    /// How a file of the period is dated: by its start, by the clock of the zone.
    #[must_use]
    pub fn label(&self, period: Period) -> String {
        let form = match self.every {
            Every::Days(_) | Every::Weeks(..) => "%Y-%m-%d",
            Every::Seconds(length) if length % 3600 == 0 => "%Y-%m-%dT%H",
            Every::Seconds(length) if length % 60 == 0 => "%Y-%m-%dT%H%M",
            Every::Seconds(_) => "%Y-%m-%dT%H%M%S",
        };
        let start = Timestamp::from_second(period.start).unwrap_or(Timestamp::UNIX_EPOCH);
        self.zone.to_datetime(start).strftime(form).to_string()
    }
}

/// The number of a day of the week, by its name in English or its first three letters.
#[must_use]
pub fn weekday(name: &str) -> Option<u8> {
    let days = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];
    let name = name.to_ascii_lowercase();
    let found = days.into_iter().find(|day| {
        let full = format!("{day:?}").to_ascii_lowercase();
        name == full || name == full[..3]
    })?;
    u8::try_from(found.to_monday_zero_offset()).ok()
}

#[cfg(test)]
mod tests;
