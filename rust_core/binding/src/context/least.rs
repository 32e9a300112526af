//! The level that a context may have. It decides which records are made in the context, whatever the levels of their
//! loggers.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pyo3::prelude::*;

use crate::interpreter::gil::Gil;

/// How many reasons there are to ask more than the logger about a call's level: the time before the start, and each
/// living context with a level. One number for all reasons, so that a call asks once.
static REASONS: AtomicU64 = AtomicU64::new(1);
/// A bit above their number: the recorder is on.
const RECORDER: u64 = 1 << 32;

static IS_BEFORE_START: AtomicBool = AtomicBool::new(true);

/// Whether more than the logger may decide on a call's level.
#[inline]
pub fn may_decide_on_levels() -> bool {
    REASONS.load(Ordering::Relaxed) as u32 != 0
}

/// Whether a call that its logger refuses is wanted by nobody else.
#[inline]
pub fn is_left_to_loggers() -> bool {
    REASONS.load(Ordering::Relaxed) == 0
}

/// Notes whether records below their level are recorded.
pub fn note_recorder(on: bool) {
    if on {
        REASONS.fetch_or(RECORDER, Ordering::Relaxed);
    } else {
        REASONS.fetch_and(!RECORDER, Ordering::Relaxed);
    }
}

type Follow = fn(Python<'_>) -> PyResult<()>;

/// Makes `logging` follow the levels of contexts. Called before the first context gets a level.
static FOLLOW: Gil<Option<Follow>> = Gil::new(None);

/// Sets the function that is called before a context gets a level of its own.
pub fn set_follow(py: Python<'_>, function: Follow) {
    FOLLOW.replace(py, Some(function));
}

/// Prepares for a context that gets a level of its own.
pub fn follow(py: Python<'_>) -> PyResult<()> {
    FOLLOW.copied(py).map_or(Ok(()), |function| function(py))
}

/// Notes that logging has started.
pub fn end_the_beginning() {
    IS_BEFORE_START.store(false, Ordering::Relaxed);
    REASONS.fetch_sub(1, Ordering::Relaxed);
}

/// Whether logging has not started yet.
pub fn is_before_start() -> bool {
    IS_BEFORE_START.load(Ordering::Relaxed)
}

/// The least level of records in a context.
pub struct Least(i32);

impl Least {
    const NONE: i32 = i32::MIN;

    pub fn new(level: Option<i32>) -> Self {
        let level = level.unwrap_or(Self::NONE);
        if level != Self::NONE {
            REASONS.fetch_add(1, Ordering::Relaxed);
        }
        Self(level)
    }

    #[inline]
    pub fn get(&self) -> Option<i32> {
        (self.0 != Self::NONE).then_some(self.0)
    }

    /// Whether a level is below it.
    #[inline]
    pub fn is_above(&self, level: i32) -> bool {
        level < self.0
    }
}

impl Clone for Least {
    fn clone(&self) -> Self {
        Self::new(self.get())
    }
}

impl Drop for Least {
    fn drop(&mut self) {
        if self.0 != Self::NONE {
            REASONS.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
