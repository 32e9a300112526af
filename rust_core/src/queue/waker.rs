//! Wakes the writer, at the cost of a system call only while it sleeps.

use std::time::Duration;

use crate::sync::{AtomicBool, Mutex, OnceLock, Ordering, PoisonError, Thread, fence, park_timeout};

#[derive(Debug, Default)]
pub struct Waker {
    asleep: AtomicBool,
    writer: OnceLock<Mutex<Thread>>,
}

impl Waker {
    /// The thread to wake from now on.
    pub fn attach(&self, writer: Thread) {
        let slot = self.writer.get_or_init(|| Mutex::new(writer.clone()));
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = writer;
    }

    /// Wakes the writer without fail.
    #[inline]
    pub fn wake_at_once(&self) {
        // Orders the record just sent before the look; pairs with the fence in `sleep`.
        fence(Ordering::SeqCst);
        self.wake();
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
        self.asleep.store(true, Ordering::Release);
        fence(Ordering::SeqCst);
        if !busy() {
            park_timeout(time);
        }
        self.asleep.store(false, Ordering::Relaxed);
    }
}
