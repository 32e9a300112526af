//! When a log file is changed for a new one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::calendar::{Calendar, Period, Periods};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// Before it gets larger than so many bytes; 0 for any size.
    pub max_bytes: u64,
    /// With the first record of each period.
    pub calendar: Option<Calendar>,
    /// When a program starts that finds records in it.
    pub at_start: bool,
    /// So many seconds after the end of a period at most. Each directory has its own delay, so that a fleet does not do it all at once.
    pub max_random_delay: u32,
}

impl When {
    /// By size; 0 never.
    #[must_use]
    pub fn of_size(max_bytes: u64) -> Self {
        Self { max_bytes, ..Self::default() }
    }

    /// Bytes that may be appended to a file of `size` bytes, `u64::MAX` where it may have any size.
    #[must_use]
    pub const fn room(&self, size: u64) -> u64 {
        if self.max_bytes == 0 { u64::MAX } else { self.max_bytes.saturating_sub(size) }
    }

    /// The delay of the directory that has this number, in seconds.
    #[must_use]
    pub fn delay(&self, directory: u64) -> i64 {
        // Any mix of the bits would do.
        let mixed = directory.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        i64::try_from((mixed * (u64::from(self.max_random_delay) + 1)) >> 32).unwrap_or(0)
    }
}

/// The period of the current file, as the clock goes on, or is set.
#[derive(Clone, Debug)]
pub struct Turns {
    periods: Periods,
    /// Seconds.
    delay: i64,
    period: Period,
}

impl Turns {
    /// Of a file whose period is known, or that begins `now`.
    #[must_use]
    pub fn new(calendar: &Calendar, delay: i64, period: Option<Period>, now: i64) -> Self {
        let periods = calendar.periods();
        let period = period.unwrap_or_else(|| periods.at(now));
        Self { periods, delay, period }
    }

    #[must_use]
    pub fn period(&self) -> Period {
        self.period
    }

    /// How the current file is dated.
    #[must_use]
    pub fn label(&self) -> String {
        self.periods.label(self.period)
    }

    /// The first second of a later file.
    #[must_use]
    pub fn ends(&self) -> i64 {
        self.period.end.saturating_add(self.delay)
    }

    /// The period of the file that a record of the time `now` needs, if that is not the current one.
    ///
    /// A clock that was set back by less than a period leaves the file as it is, until time has caught up: else a period would have two files. One
    /// that was set back further showed the wrong time before, or shows it now. Then the file is changed when it is as old as a period is long, by a
    /// clock that nobody sets. `age` says how old it is, None for a file of an earlier process.
    #[must_use]
    pub fn turn(&self, now: i64, age: Option<Duration>) -> Option<Period> {
        if now >= self.ends() {
            return Some(self.periods.at(now));
        }
        let length = self.period.length();
        let is_far_back = now < self.period.start.saturating_sub(length);
        let is_old = age.is_none_or(|age| i64::try_from(age.as_secs()).unwrap_or(i64::MAX) >= length);
        (is_far_back && is_old).then(|| self.periods.at(now))
    }

    /// Goes on with the file of another period.
    pub fn begin(&mut self, period: Period) {
        self.period = period;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Zone;
    use crate::rotation::Every;

    const HOUR: i64 = 3600;

    fn hourly() -> Calendar {
        Calendar { every: Every::Seconds(3600), at: 0, zone: Zone::Utc }
    }

    fn turns(now: i64) -> Turns {
        Turns::new(&hourly(), 0, None, now)
    }

    const YOUNG: Option<Duration> = Some(Duration::ZERO);

    #[test]
    fn a_period_ends_once_also_after_idle_hours() {
        let mut turns = turns(10 * HOUR + 5);
        assert_eq!(turns.turn(11 * HOUR - 1, YOUNG), None);
        assert_eq!(turns.turn(11 * HOUR, YOUNG), Some(Period { start: 11 * HOUR, end: 12 * HOUR }));
        let late = turns.turn(30 * HOUR + 7, YOUNG).unwrap();
        assert_eq!(late.start, 30 * HOUR);
        turns.begin(late);
        assert_eq!(turns.turn(30 * HOUR + 8, YOUNG), None);
    }

    #[test]
    fn a_clock_that_is_set_to_and_fro_makes_one_file_a_period() {
        for step in [HOUR, 2 * HOUR, 48 * HOUR] {
            let mut turns = turns(100 * HOUR);
            let mut rolls = Vec::new();
            for second in 0..7_000 {
                let now = 100 * HOUR + second + if second % 2 == 1 { step } else { 0 };
                if let Some(period) = turns.turn(now, YOUNG) {
                    assert!(!rolls.contains(&period), "{step} {period:?}");
                    rolls.push(period);
                    turns.begin(period);
                }
            }
            assert!((2..=3).contains(&rolls.len()), "{step} {}", rolls.len());
        }
    }

    #[test]
    fn a_clock_that_was_years_ahead_is_followed_back_after_a_period() {
        let turns = turns(90_000 * HOUR);
        let now = 100 * HOUR;
        assert_eq!(turns.turn(now, Some(Duration::from_secs(3599))), None);
        assert_eq!(turns.turn(now, Some(Duration::from_secs(3600))).unwrap().start, now);
        assert_eq!(turns.turn(now, None).unwrap().start, now, "an earlier process made the file");
    }

    #[test]
    fn a_delay_is_the_same_for_a_directory_and_spreads_a_fleet() {
        let when = When { max_random_delay: 300, ..When::default() };
        let delays: std::collections::BTreeSet<_> = (0..2_000).map(|directory| when.delay(directory)).collect();
        assert!(delays.iter().all(|delay| (0..=300).contains(delay)));
        assert!(delays.len() > 250, "{}", delays.len());
        assert_eq!(When::default().delay(7), 0);
        let turns = Turns::new(&hourly(), 20, None, 0);
        assert_eq!((turns.turn(HOUR + 19, YOUNG), turns.turn(HOUR + 20, YOUNG).is_some()), (None, true));
    }
}
