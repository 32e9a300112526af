//! The time of a record, settable in tests. Durations use `std::time::Instant`, never this clock.

mod counter;
mod zone;

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use jiff::tz::TimeZone;

pub use zone::Zone;

use crate::digits::digits;
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

/// Where the fraction of a second begins in a time's text.
const FRACTION: usize = 20;

/// Writes times as `2026-02-19T10:30:00.123456+00:00`, in a zone. It keeps the text of the second last written.
#[derive(Debug)]
pub struct Formatter {
    rules: TimeZone,
    second: Option<i64>,
    /// The text of that second's beginning.
    text: [u8; 32],
}

impl Default for Formatter {
    fn default() -> Self {
        Self::new(&Zone::Utc)
    }
}

impl Formatter {
    #[must_use]
    pub fn new(zone: &Zone) -> Self {
        Self { rules: zone.rules(), second: None, text: *b"1970-01-01T00:00:00.000000+00:00" }
    }

    pub fn write(&mut self, time: i64, out: &mut Vec<u8>) {
        let second = time.div_euclid(1_000_000_000);
        if self.second != Some(second) {
            self.begin(second);
        }
        let micros = (time.rem_euclid(1_000_000_000) / 1_000) as u32;
        // Of the eight digits, six are the fraction's. They are written behind the copy: to copy what was just written would be to wait for it.
        let fraction = digits(micros) | u64::from_le_bytes([b'0'; 8]);
        let start = out.len();
        out.extend_from_slice(&self.text);
        out[start + FRACTION..start + FRACTION + 6].copy_from_slice(&fraction.to_le_bytes()[2..]);
    }

    fn begin(&mut self, second: i64) {
        let time = jiff::Timestamp::from_second(second).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let time = time.to_zoned_datetime(self.rules.clone());
        // Before zones were agreed on, offsets had seconds, which a stamp has no place for.
        let minutes = time.offset().seconds() / 60;
        let (sign, minutes) = (if minutes < 0 { '-' } else { '+' }, minutes.abs());
        let second_text = time.strftime("%Y-%m-%dT%H:%M:%S");
        let text = format!("{second_text}.000000{sign}{:02}:{:02}", minutes / 60, minutes % 60);
        // Nanoseconds reach from 1677 to 2262: years have four digits.
        self.text = text.as_bytes().try_into().unwrap_or(self.text);
        self.second = Some(second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(time: i64) -> String {
        text_in("utc", time)
    }

    fn text_in(zone: &str, time: i64) -> String {
        let mut out = Vec::new();
        Formatter::new(&Zone::from(zone.to_owned())).write(time, &mut out);
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

    #[test]
    fn times_of_a_zone_have_its_offset() {
        assert_eq!(text_in("Asia/Kolkata", 1_771_497_000_123_456_789), "2026-02-19T16:00:00.123456+05:30");
        assert_eq!(text_in("America/St_Johns", 1_771_497_000_123_456_789), "2026-02-19T07:00:00.123456-03:30");
    }

    #[test]
    fn the_offset_changes_with_the_time_of_the_year() {
        let mut formatter = Formatter::new(&Zone::from("Europe/Berlin".to_owned()));
        let mut text = |time: i64| {
            let mut out = Vec::new();
            formatter.write(time, &mut out);
            String::from_utf8(out).unwrap()
        };
        let forward = 1_774_746_000_000_000_000;
        assert_eq!(text(forward - 1_000), "2026-03-29T01:59:59.999999+01:00");
        assert_eq!(text(forward), "2026-03-29T03:00:00.000000+02:00");
        let back = 1_792_890_000_000_000_000;
        assert_eq!(text(back - 1_000), "2026-10-25T02:59:59.999999+02:00");
        assert_eq!(text(back), "2026-10-25T02:00:00.000000+01:00");
    }

    #[test]
    fn a_zone_is_known_by_its_name() {
        for (name, is_known) in
            [("utc", true), ("local", true), ("Asia/Shanghai", true), ("Asia/Nowhere", false), ("", false)]
        {
            let zone = Zone::from(name.to_owned());
            assert_eq!(zone.is_known(), is_known, "{name}");
            assert_eq!(String::from(zone), name);
        }
        assert_eq!(text_in("Asia/Nowhere", 0), text(0));
    }
}
