//! Counts the forks that led to this process. What was made before the last is another process's.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::platform;

static FORKS: AtomicU32 = AtomicU32::new(0);

/// In a forked child: what was made until now belongs to its parent.
pub fn note() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// How often this process was forked on the way to what it is.
#[inline]
#[must_use]
pub fn count() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// Whether what was made after so many forks belongs to the process that this one was forked from, noticed or not.
#[inline]
#[must_use]
pub fn is_anothers(forks: u32) -> bool {
    forks != count() || platform::has_forked()
}
