//! The facts about a logger that are known before a call.

use pyo3::prelude::*;
use unified_logger_core::level;

use super::{Name, wanted};

/// A bit for each of `level::NAMES`.
pub const ALL: u8 = (1 << level::NAMES.len()) - 1;
pub const NONE: u8 = 0;

/// The level of a call, and the bit of its bucket in `level::NAMES`.
#[derive(Clone, Copy)]
pub struct Level {
    pub number: i32,
    bit: u8,
}

impl Level {
    #[inline]
    pub fn of(number: i32) -> Self {
        Self { number, bit: 1 << level::bucket(number) }
    }
}

/// The levels at which something takes records, a bit for each of `level::NAMES`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Levels {
    /// Whether it takes the standard level itself.
    standard: u8,
    /// Whether it may take a level between this one and the next standard one.
    between: u8,
}

impl Levels {
    pub const NONE: Self = Self { standard: NONE, between: NONE };
    pub const ALL: Self = Self { standard: ALL, between: ALL };

    /// The levels from one on.
    pub fn from(least: i32) -> Self {
        let bits = |takes: &dyn Fn(usize) -> bool| {
            (0..level::NAMES.len()).fold(NONE, |bits, bucket| bits | u8::from(takes(bucket)) << bucket)
        };
        let number = |bucket: usize| (bucket as i32 + 1) * 10;
        Self {
            standard: bits(&|bucket| number(bucket) >= least),
            between: bits(&|bucket| bucket + 1 == level::NAMES.len() || number(bucket + 1) > least),
        }
    }

    /// The buckets in which it may take a level, a bit for each of `level::NAMES`.
    pub fn buckets(self) -> u8 {
        self.between
    }

    pub fn and(self, other: Self) -> Self {
        Self { standard: self.standard | other.standard, between: self.between | other.between }
    }
}

/// A copy of what a guard has found out. Asking may run Python code, which may replace the guard.
#[derive(Clone, Copy)]
pub struct Answers {
    /// The levels for which the logger is enabled, a bit for each of `level::NAMES`.
    enabled: u8,
    /// The levels about which a filter wants to be asked.
    wanted: u8,
    /// The levels at which others must be given a `LogRecord`.
    listened: Levels,
    /// The levels at which a record is kept for somebody who may ask for it later.
    kept: Levels,
    /// The levels at which an enabled call needs no further question: no filter asks, nobody else listens, and nothing
    /// is kept.
    at_once: u8,
    /// Levels up to this one are off, even if a context has a lower level.
    off: i32,
}

impl Answers {
    pub fn new(enabled: u8, wanted: u8, listened: Levels, kept: Levels, off: i32) -> Self {
        Self { enabled, wanted, listened, kept, at_once: !(wanted | listened.standard | kept.standard), off }
    }

    /// The answers if no logger is asked, or none can be asked: it logs at every level.
    pub fn unknown(py: Python<'_>, logger: Name<'_, '_>, listened: Levels) -> Self {
        Self::new(ALL, wanted(py, logger), listened, Levels::NONE, i32::MIN)
    }

    /// The same answers, as if nobody else listened.
    pub fn natively(self) -> Self {
        Self::new(self.enabled, self.wanted, Levels::NONE, Levels::NONE, self.off)
    }

    /// The same answers for a level that may be between the standard ones, for which `logging` was asked.
    pub fn between(self, level: Level, enabled: bool) -> Self {
        let others = self.enabled & !level.bit;
        let is_standard = level::is_standard(level.number);
        let at = |levels: Levels| if is_standard { levels } else { Levels { standard: levels.between, ..levels } };
        let enabled = if enabled { others | level.bit } else { others };
        Self::new(enabled, self.wanted, at(self.listened), at(self.kept), self.off)
    }

    #[inline]
    pub fn is_enabled(&self, level: Level) -> bool {
        self.enabled & level.bit != 0
    }

    #[inline]
    pub fn is_at_once(&self, level: Level) -> bool {
        self.at_once & level.bit != 0
    }

    pub fn is_wanted(&self, level: Level) -> bool {
        self.wanted & level.bit != 0
    }

    pub fn is_listened(&self, level: Level) -> bool {
        self.listened.standard & level.bit != 0
    }

    pub fn is_kept(&self, level: Level) -> bool {
        self.kept.standard & level.bit != 0
    }

    /// Whether the logger makes no record at any level.
    pub fn is_disabled(&self) -> bool {
        self.off == i32::MAX
    }

    /// Whether a context may decide on a level.
    pub fn is_open_to(&self, level: Level) -> bool {
        level.number > self.off
    }
}
