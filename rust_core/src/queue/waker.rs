//! Wakes the writer, at the cost of a system call only while it sleeps.

use std::time::Duration;

use crate::sync::{AtomicBool, Mutex, OnceLock, Ordering, PoisonError, Thread, fence, park_timeout};

/// A sleep no longer than this is a doze, which who logs an error does not end: that takes several times as long as the rest of
/// his call.
const DOZE: Duration = Duration::from_millis(4);

#[derive(Debug, Default)]
pub struct Waker {
    asleep: AtomicBool,
    /// Whether the sleep under way, or the last one, is a doze.
    dozes: AtomicBool,
    writer: OnceLock<Mutex<Thread>>,
}

impl Waker {
    /// The thread to wake from now on.
    pub fn attach(&self, writer: Thread) {
        let slot = self.writer.get_or_init(|| Mutex::new(writer.clone()));
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = writer;
    }

    /// Wakes the writer without fail.
    pub fn wake_at_once(&self) {
        // Orders what there is to do before the look; pairs with the fence in `sleep`.
        fence(Ordering::SeqCst);
        self.wake();
    }

    /// Wakes the writer without fail, unless it dozes: then it comes by itself.
    #[inline]
    pub fn wake_sleeper(&self) {
        // As in `wake_at_once`: a doze seen here ends after it, and then the record is seen.
        fence(Ordering::SeqCst);
        if !self.dozes.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    /// Wakes the writer unless it is just falling asleep: then the next call does, or its short sleep ends.
    #[inline]
    pub fn wake(&self) {
        // Acquires, from `sleep`, that the writer is attached: else one that has just started is not found, and nobody wakes it.
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::Acquire) {
            self.unpark();
        }
    }

    #[cold]
    fn unpark(&self) {
        if let Some(writer) = self.writer.get() {
            writer.lock().unwrap_or_else(PoisonError::into_inner).unpark();
        }
    }

    /// Sleeps at most `time` unless woken, or `busy` says there is something to do.
    pub fn sleep(&self, time: Duration, busy: impl FnOnce() -> bool) {
        self.dozes.store(time <= DOZE, Ordering::Relaxed);
        self.asleep.store(true, Ordering::Release);
        fence(Ordering::SeqCst);
        if !busy() {
            park_timeout(time);
        }
        self.asleep.store(false, Ordering::Relaxed);
    }
}
