//! The time between two readings of the system's clock, by the processor's counter.
//!
//! A reading of the clock costs several times what a reading of the counter does. So after each reading, time goes on
//! along a straight line for a few milliseconds. The next reading shows how fast the clock went, and corrects the
//! line. Linux's own clock is made of the same counter in the same way, and the counter is used only where Linux uses
//! it.

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering, fence};

/// How long a line holds, in nanoseconds. A clock that was set is noticed after this time.
const HOLDS: u64 = 5_000_000;
/// Readings that are less than this apart, in nanoseconds, show no rate.
const APART: i64 = 2_000_000;
/// One part in so many by which the rates between readings may differ, unless the clock was set.
const AGREE: u64 = 1_000;
/// Rates are nanoseconds to a tick, in units of 2^-32.
const FRACTION: u32 = 32;
/// A counter of 15 MHz to one of 16 GHz.
const RATES: std::ops::Range<u64> = 1 << 28..1 << 38;

/// The counter and the clock at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    pub counter: u64,
    /// In nanoseconds since the epoch.
    pub time: i64,
}

/// How time goes on from a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    reading: Reading,
    /// The time it starts with: that of the reading, unless a later time was given out before.
    start: i64,
    rate: u64,
    /// The rate as it was seen, not corrected; 0 if it is not known yet.
    seen: u64,
    /// Ticks that it holds for.
    limit: u64,
}

impl Line {
    /// A line without a rate yet.
    const fn unknown(reading: Reading) -> Self {
        Self { reading, start: reading.time, rate: 0, seen: 0, limit: 0 }
    }

    /// The line after one more reading.
    fn next(&self, reading: Reading) -> Self {
        if self.reading.time == 0 {
            return Self::unknown(reading);
        }
        let ticks = reading.counter.wrapping_sub(self.reading.counter);
        let apart = reading.time.saturating_sub(self.reading.time);
        // Too close to show a rate: another thread has just read the clock, perhaps a little later.
        let close = ticks.min(ticks.wrapping_neg()) < self.limit;
        if apart.abs() < APART && (close || self.seen == 0 && apart >= 0) {
            return *self;
        }
        let seen = (u128::from(apart.max(0).unsigned_abs()) << FRACTION) / u128::from(ticks.max(1));
        let Some(seen) = u64::try_from(seen).ok().filter(|seen| RATES.contains(seen)) else {
            return Self::unknown(reading);
        };
        if self.seen != 0 && seen.abs_diff(self.seen) > self.seen / AGREE {
            return Self::unknown(reading);
        }
        // The time that was given out last, at most. Time does not go back: it goes slower until the clock has caught
        // up.
        let estimate = self.start + along(self.rate, ticks.min(self.limit));
        let ahead = (estimate - reading.time).max(0);
        let slower = u128::from(seen) * u128::from(ahead.unsigned_abs()) / u128::from(HOLDS);
        let rate = seen - u64::try_from(slower).map_or(seen / 2, |slower| slower.min(seen / 2));
        Self { reading, start: reading.time + ahead, rate, seen, limit: (HOLDS << FRACTION) / seen }
    }
}

/// Nanoseconds in this many ticks. The line holds for as many, so the product is at most `HOLDS` with its fraction.
#[inline]
fn along(rate: u64, ticks: u64) -> i64 {
    ((ticks * rate) >> FRACTION) as i64
}

/// The line that holds now, for all threads.
#[derive(Debug)]
pub struct Counter {
    /// Odd while the line is changed.
    version: AtomicU32,
    start: AtomicI64,
    rate: AtomicU64,
    limit: AtomicU64,
    read_counter: AtomicU64,
    read_time: AtomicI64,
    seen: AtomicU64,
}

impl Counter {
    pub const fn new() -> Self {
        Self {
            version: AtomicU32::new(0),
            start: AtomicI64::new(0),
            rate: AtomicU64::new(0),
            limit: AtomicU64::new(0),
            read_counter: AtomicU64::new(0),
            read_time: AtomicI64::new(0),
            seen: AtomicU64::new(0),
        }
    }

    /// The time when the counter stands there; `None` when another reading is due.
    #[inline]
    pub fn time(&self, counter: u64) -> Option<i64> {
        let version = self.version.load(Ordering::Acquire);
        let ticks = counter.wrapping_sub(self.read_counter.load(Ordering::Relaxed));
        if ticks >= self.limit.load(Ordering::Relaxed) {
            return None;
        }
        let time = self.start.load(Ordering::Relaxed) + along(self.rate.load(Ordering::Relaxed), ticks);
        // What was read is of one line only if the version is still the same.
        fence(Ordering::Acquire);
        (version & 1 == 0 && self.version.load(Ordering::Relaxed) == version).then_some(time)
    }

    /// Continues from this reading, and returns its time. Nothing changes while another thread does so.
    #[cold]
    pub fn correct(&self, reading: Reading) -> i64 {
        let version = self.version.load(Ordering::Relaxed);
        let free = version & 1 == 0
            && self.version.compare_exchange(version, version | 1, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if !free {
            return reading.time;
        }
        fence(Ordering::Release);
        let line = self.line().next(reading);
        self.set(&line);
        self.version.store(version.wrapping_add(2), Ordering::Release);
        if line.reading == reading { line.start } else { reading.time }
    }

    /// Forgets the line, once no other thread is changing it.
    pub fn forget(&self) {
        loop {
            let version = self.version.load(Ordering::Relaxed) & !1;
            if self.version.compare_exchange(version, version | 1, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                fence(Ordering::Release);
                self.set(&Line::unknown(Reading { counter: 0, time: 0 }));
                return self.version.store(version.wrapping_add(2), Ordering::Release);
            }
            std::hint::spin_loop();
        }
    }

    /// In a forked child: a thread that it does not have may have been changing the line.
    pub fn start_anew(&self) {
        self.set(&Line::unknown(Reading { counter: 0, time: 0 }));
        self.version.store(0, Ordering::Release);
    }

    fn line(&self) -> Line {
        Line {
            reading: Reading {
                counter: self.read_counter.load(Ordering::Relaxed),
                time: self.read_time.load(Ordering::Relaxed),
            },
            start: self.start.load(Ordering::Relaxed),
            rate: self.rate.load(Ordering::Relaxed),
            seen: self.seen.load(Ordering::Relaxed),
            limit: self.limit.load(Ordering::Relaxed),
        }
    }

    fn set(&self, line: &Line) {
        self.read_counter.store(line.reading.counter, Ordering::Relaxed);
        self.read_time.store(line.reading.time, Ordering::Relaxed);
        self.start.store(line.start, Ordering::Relaxed);
        self.rate.store(line.rate, Ordering::Relaxed);
        self.seen.store(line.seen, Ordering::Relaxed);
        self.limit.store(line.limit, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Ticks to a nanosecond, times ten.
    const SPEED: u64 = 26;
    const MILLISECOND: u64 = 1_000_000;

    /// A machine whose clock can be set, and whose readings may be late.
    struct Machine {
        counter: Counter,
        age: u64,
        offset: i64,
    }

    impl Machine {
        fn new() -> Self {
            Self { counter: Counter::new(), age: 1_000, offset: 1_771_497_000_000_000_000 }
        }

        fn clock(&self) -> i64 {
            self.age as i64 + self.offset
        }

        /// The time as a caller gets it, when the reading is late by so much; and whether a reading was due.
        fn now(&self, late: i64) -> (i64, bool) {
            let counter = self.age * SPEED / 10;
            match self.counter.time(counter) {
                Some(time) => (time, false),
                None => (self.counter.correct(Reading { counter, time: self.clock() + late }), true),
            }
        }
    }

    #[test]
    fn few_looks_are_needed_once_the_rate_is_known() {
        let mut machine = Machine::new();
        let mut readings = 0;
        for step in 0..100_000 {
            machine.age += 1_000;
            let (time, was_read) = machine.now(0);
            assert!((time - machine.clock()).abs() <= 1, "step {step}: {}", time - machine.clock());
            readings += u32::from(was_read && step > 5_000);
        }
        assert!((15..25).contains(&readings), "{readings} in 95 ms");
    }

    #[test]
    fn a_clock_that_was_set_is_followed() {
        let mut machine = Machine::new();
        for change in [3_600_000_000_000, -3_600_000_000_000, 1_000_000, -1_000_000, 20_000_000_000] {
            for _ in 0..20 {
                machine.age += MILLISECOND;
                machine.now(0);
            }
            machine.offset += change;
            machine.age += HOLDS;
            assert_eq!(machine.now(0).0, machine.clock());
        }
    }

    #[test]
    fn a_machine_that_slept_or_moved_is_asked_anew() {
        let mut machine = Machine::new();
        for _ in 0..20 {
            machine.age += MILLISECOND;
            machine.now(0);
        }
        machine.age += 3_600_000 * MILLISECOND;
        assert_eq!(machine.now(0).0, machine.clock());
        // On another machine the counter stands elsewhere.
        machine.offset += machine.age as i64 - 5_000;
        machine.age = 5_000;
        assert_eq!(machine.now(0).0, machine.clock());
    }

    #[test]
    fn the_first_look_tells_no_rate() {
        // A machine that has been up for a year: the counter alone, against all the time there was, would give a likely rate.
        let first = Reading { counter: 1 << 56, time: 1_795_000_000_000_000_000 };
        let none = Line::unknown(Reading { counter: 0, time: 0 });
        assert_eq!(none.next(first), Line::unknown(first));
    }

    #[test]
    fn two_looks_at_once_leave_the_rate_as_it_is() {
        let reading =
            |nanoseconds: u64| Reading { counter: nanoseconds * SPEED / 10, time: nanoseconds as i64 + 1_000 };
        let known = Line::unknown(reading(1_000)).next(reading(3 * MILLISECOND));
        let line = known.next(reading(9 * MILLISECOND));
        assert!(line.limit > 0);
        assert_eq!(line.next(reading(9 * MILLISECOND + 100)), line);
        assert_eq!(line.next(reading(9 * MILLISECOND - 100)), line);
    }

    #[test]
    fn a_child_forked_in_the_middle_of_a_change_goes_on() {
        let counter = Counter::new();
        counter.version.store(7, Ordering::Relaxed);
        let reading = Reading { counter: 10, time: 1 << 60 };
        assert_eq!(counter.correct(reading), reading.time);
        assert_eq!(counter.line().reading.time, 0);
        counter.start_anew();
        assert_eq!(counter.correct(reading), reading.time);
        assert_eq!(counter.line().reading, reading);
    }

    proptest! {
        #[test]
        fn time_stays_near_the_clock_and_never_goes_back(steps in prop::collection::vec((1_u64..4_000_000, 0_i64..500), 1..400)) {
            let mut machine = Machine::new();
            let mut last = 0;
            for (step, late) in steps {
                machine.age += step;
                let (time, _) = machine.now(late);
                prop_assert!((time - machine.clock()).abs() <= 2_500, "{} off", time - machine.clock());
                prop_assert!(time >= last || last - time <= 500, "back by {}", last - time);
                last = time;
            }
        }
    }
}
