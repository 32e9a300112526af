//! The level that a context may have: which records are made in it, whatever the levels of their loggers.

use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::prelude::*;

use crate::interpreter::gil::Gil;

/// Reasons why a call below its logger's level may be a record all the same: the time before the start, and each context with a level that is
/// alive. One number for all, so that a refused call is asked once.
static REASONS: AtomicUsize = AtomicUsize::new(1);

/// Whether a call below its logger's level is worth a second look.
#[inline]
pub fn are_worth_a_look() -> bool {
    REASONS.load(Ordering::Relaxed) != 0
}

type Follow = fn(Python<'_>) -> PyResult<()>;

/// Has others follow the levels of contexts, as soon as one has a level.
static FOLLOW: Gil<Option<Follow>> = Gil::new(None);

/// Says what is to be done before a context gets a level of its own.
pub fn set_follow(py: Python<'_>, function: Follow) {
    FOLLOW.replace(py, Some(function));
}

/// A context gets a level of its own.
pub fn follow(py: Python<'_>) -> PyResult<()> {
    FOLLOW.copied(py).map_or(Ok(()), |function| function(py))
}

/// Tells that logging has started.
pub fn end_the_beginning() {
    REASONS.fetch_sub(1, Ordering::Relaxed);
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

    pub fn get(&self) -> Option<i32> {
        (self.0 != Self::NONE).then_some(self.0)
    }

    /// Keeps a record out that the logger would make.
    #[inline]
    pub fn refuses(&self, level: i32) -> bool {
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
