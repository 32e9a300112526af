//! The facts about a logger that are known before a call.

use pyo3::prelude::*;
use unified_logger_core::level;

use super::{Name, wanted};

/// A bit for each of `level::NAMES`.
pub const ALL: u8 = (1 << level::NAMES.len()) - 1;

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

/// A copy of what a guard has found out. Asking may run Python code, which may replace the guard.
#[derive(Clone, Copy)]
pub struct Answers {
    /// The levels for which the logger is enabled, a bit for each of `level::NAMES`.
    enabled: u8,
    /// The levels about which a filter wants to be asked.
    wanted: u8,
    /// The levels at which an enabled call needs no further question: no filter asks, and nobody else listens.
    at_once: u8,
    /// Nobody else listens, so no `LogRecord` is needed.
    native: bool,
    /// Levels up to this one are off, even if a context has a lower level.
    off: i32,
}

impl Answers {
    pub fn new(enabled: u8, wanted: u8, native: bool, off: i32) -> Self {
        Self { enabled, wanted, at_once: if native { !wanted } else { 0 }, native, off }
    }

    /// The answers if no logger is asked, or none can be asked: it logs at every level.
    pub fn unknown(py: Python<'_>, logger: Name<'_, '_>, native: bool) -> Self {
        Self::new(ALL, wanted(py, logger), native, i32::MIN)
    }

    /// The same answers, as if nobody else listened.
    pub fn natively(self) -> Self {
        Self::new(self.enabled, self.wanted, true, self.off)
    }

    /// The same answers, except for one level.
    pub fn with(self, level: Level, enabled: bool) -> Self {
        let others = self.enabled & !level.bit;
        Self { enabled: if enabled { others | level.bit } else { others }, ..self }
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

    #[inline]
    pub fn is_native(&self) -> bool {
        self.native
    }

    /// Whether a context may decide on a level.
    pub fn is_open_to(&self, level: Level) -> bool {
        level.number > self.off
    }
}
