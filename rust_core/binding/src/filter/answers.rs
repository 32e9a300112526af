//! What is known of a logger before a call.

use pyo3::prelude::*;
use unified_logger_core::level;

use super::{Name, wanted};

/// A bit for each of `level::NAMES`.
const ALL: u8 = (1 << level::NAMES.len()) - 1;

/// The level of a call, and the bit of the one of `level::NAMES` that it counts as.
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

/// What a guard has found out, to be handed over: asking may run Python code, and that may put another guard in place of the one that knew it.
#[derive(Clone, Copy)]
pub struct Answers {
    /// A bit for each of `level::NAMES`: the logger is enabled for it.
    enabled: u8,
    /// A filter wants to be asked.
    wanted: u8,
    /// Nobody needs to be asked about a call for which the logger is enabled: no filter, and nobody else who listens.
    at_once: u8,
    /// Nobody else listens: no `LogRecord` is needed.
    native: bool,
    /// Levels up to this one are off whatever a context says.
    off: i32,
}

impl Answers {
    pub fn new(enabled: u8, wanted: u8, native: bool, off: i32) -> Self {
        Self { enabled, wanted, at_once: if native { !wanted } else { 0 }, native, off }
    }

    /// Where no logger is asked, or none could be: whatever the level, it logs.
    pub fn unknown(py: Python<'_>, logger: Name<'_, '_>, native: bool) -> Self {
        Self::new(ALL, wanted(py, logger), native, i32::MIN)
    }

    /// The same, as if nobody else listened.
    pub fn natively(self) -> Self {
        Self::new(self.enabled, self.wanted, true, self.off)
    }

    /// The same, with another answer for one level.
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
