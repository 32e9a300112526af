//! The time of a record, settable in tests. Durations use `std::time::Instant`, never this clock.

mod counter;

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use crate::platform;
use counter::{Counter, Reading};

const RUNNING: i64 = i64::MIN;
/// Ticks that a reading of the clock may take. A reading that was interrupted says nothing about the counter.
const QUICK: u64 = 1_024;

/// The time the clock stands at, or `RUNNING`.
static STOPPED_AT: AtomicI64 = AtomicI64::new(RUNNING);
/// Whether the processor's counter gives the time between readings of the clock.
static COUNTS: AtomicBool = AtomicBool::new(false);
/// Whether the application's clock may be moved at any moment. Then the counter is not used.
static MOVES: AtomicBool = AtomicBool::new(false);
/// How far the application's clock was ahead of the system's when a call asked it last.
static AHEAD: AtomicI64 = AtomicI64::new(0);
static COUNTER: Counter = Counter::new();

/// Seconds as a duration; what is beyond one counts as for ever, what is below zero as none.
#[must_use]
pub fn seconds(seconds: f64) -> Duration {
    if seconds > 0.0 { Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX / 4) } else { Duration::ZERO }
}

/// Nanoseconds since the epoch, UTC, outside of calls. It never reads the clock for the counter, which calls do.
#[inline]
pub fn now() -> i64 {
    estimate().unwrap_or_else(|| match STOPPED_AT.load(Ordering::Relaxed) {
        RUNNING => platform::wall_clock() + AHEAD.load(Ordering::Relaxed),
        stopped => stopped,
    })
}

/// The time of a call, by the counter. `None` if a reading of the clock is due.
#[inline]
pub fn estimate() -> Option<i64> {
    COUNTER.time(platform::counter())
}

/// The time of a call by a reading of the clock.
#[cold]
pub fn read() -> i64 {
    match STOPPED_AT.load(Ordering::Relaxed) {
        RUNNING => {}
        stopped => return stopped,
    }
    let before = platform::counter();
    let time = platform::wall_clock();
    let took = platform::counter().wrapping_sub(before);
    if took > QUICK || !COUNTS.load(Ordering::Relaxed) {
        return time;
    }
    COUNTER.correct(Reading { counter: before + took / 2, time })
}

/// Uses the processor's counter from now on, if it is one that can be relied on.
pub fn use_counter() {
    COUNTS.store(platform::is_counter_steady() && !MOVES.load(Ordering::Relaxed), Ordering::Relaxed);
}

/// From now on each call reads the clock, because the application's clock may be moved between any two calls.
pub fn expect_moves() {
    MOVES.store(true, Ordering::Relaxed);
    COUNTS.store(false, Ordering::Relaxed);
    COUNTER.forget();
}

/// Tells what the application's clock says now.
pub fn follow(time: i64) {
    AHEAD.store(time.saturating_sub(platform::wall_clock()), Ordering::Relaxed);
}

/// In a forked child.
pub fn after_fork_in_child() {
    COUNTER.start_anew();
}

/// Whether a test has stopped the clock.
#[must_use]
pub fn is_stopped() -> bool {
    STOPPED_AT.load(Ordering::Relaxed) != RUNNING
}

/// Stops the clock at a time (nanoseconds since the epoch), or lets it run again with `None`.
pub fn stop_at(time: Option<i64>) {
    STOPPED_AT.store(time.unwrap_or(RUNNING), Ordering::Relaxed);
    COUNTER.forget();
}

/// Writes times as `2026-02-19T10:30:00.123456+00:00`, keeping the text of the second last written.
#[derive(Debug, Default)]
pub struct Formatter {
    second: Option<i64>,
    text: String,
}

impl Formatter {
    pub fn write(&mut self, time: i64, out: &mut Vec<u8>) {
        let second = time.div_euclid(1_000_000_000);
        if self.second != Some(second) {
            self.text = jiff::Timestamp::from_second(second)
                .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
                .strftime("%Y-%m-%dT%H:%M:%S")
                .to_string();
            self.second = Some(second);
        }
        let mut micros = time.rem_euclid(1_000_000_000) / 1_000;
        let mut digits = *b".000000+00:00";
        for digit in digits[1..=6].iter_mut().rev() {
            *digit = b'0' + (micros % 10) as u8;
            micros /= 10;
        }
        out.extend_from_slice(self.text.as_bytes());
        out.extend_from_slice(&digits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(time: i64) -> String {
        let mut out = Vec::new();
        Formatter::default().write(time, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_counter_tells_the_time_of_the_clock() {
        use_counter();
        let start = platform::wall_clock();
        let mut before = start;
        while before - start < 50_000_000 {
            let now = estimate().unwrap_or_else(read);
            let after = platform::wall_clock();
            // A microsecond is the last digit of a record's time.
            assert!((before - 1_000..=after + 1_000).contains(&now), "{before} {now} {after}");
            before = after;
        }
    }

    #[test]
    fn times_are_utc_with_microseconds() {
        assert_eq!(text(1_771_497_000_123_456_789), "2026-02-19T10:30:00.123456+00:00");
    }

    #[test]
    fn times_before_the_epoch_count_forwards_within_the_second() {
        assert_eq!(text(-1_000), "1969-12-31T23:59:59.999999+00:00");
    }
}
