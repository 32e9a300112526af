//! Wakes the writer, at the cost of a system call only while it sleeps.

use std::time::Duration;

use crossbeam_utils::CachePadded;

use crate::sync::{AtomicBool, AtomicU64, Mutex, OnceLock, Ordering, PoisonError, Thread, fence, park_timeout};

/// A sleep no longer than this is a doze, which who logs an error does not end: that takes several times as long as the rest of
/// his call.
const DOZE: Duration = Duration::from_millis(4);

#[derive(Debug)]
pub struct Waker {
    /// Apart from what every call reads: the writer stores here up to a thousand times a second.
    sleep: CachePadded<Sleep>,
    /// A caller wakes the writer if there were so many records before its own. 0 while the writer sleeps soundly.
    from: AtomicU64,
    /// What `from` is otherwise.
    usually: u64,
    writer: OnceLock<Mutex<Thread>>,
}

#[derive(Debug, Default)]
struct Sleep {
    asleep: AtomicBool,
    /// Whether the sleep under way, or the last one, is a doze.
    dozes: AtomicBool,
}

impl Waker {
    /// One whose callers wake the writer where there are `usually` records, since it comes by itself soon.
    #[must_use]
    pub fn new(usually: u64) -> Self {
        Self { sleep: CachePadded::default(), from: AtomicU64::new(usually), usually, writer: OnceLock::default() }
    }

    /// Wakes the writer where it would not come by itself soon enough: there were `depth` records before the one just sent.
    ///
    /// Before, the caller has counted that record by a sequentially consistent update, which the writer looks at before it sleeps
    /// soundly. Either it sees the record there, or this sees its sleep.
    #[inline]
    pub fn wake_for(&self, depth: u64) {
        // In one order with that update.
        if depth >= self.from.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    /// The thread to wake from now on.
    pub fn attach(&self, writer: Thread) {
        let slot = self.writer.get_or_init(|| Mutex::new(writer.clone()));
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = writer;
    }

    /// Wakes the writer without fail.
    pub fn wake_at_once(&self) {
        // Orders what there is to do before the look; pairs with the fence in `park`.
        fence(Ordering::SeqCst);
        self.wake();
    }

    /// Wakes the writer without fail, unless it dozes: then it comes by itself.
    #[inline]
    pub fn wake_sleeper(&self) {
        // As in `wake_at_once`: a doze seen here ends after it, and then the record is seen.
        fence(Ordering::SeqCst);
        if !self.sleep.dozes.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    /// Wakes the writer unless it is just falling asleep: then the next call does, or its short sleep ends.
    #[inline]
    pub fn wake(&self) {
        // Acquires, from `sleep`, that the writer is attached: else one that has just started is not found, and nobody wakes it.
        let asleep = &self.sleep.asleep;
        if asleep.load(Ordering::Relaxed) && asleep.swap(false, Ordering::Acquire) {
            self.unpark();
        }
    }

    #[cold]
    fn unpark(&self) {
        if let Some(writer) = self.writer.get() {
            writer.lock().unwrap_or_else(PoisonError::into_inner).unpark();
        }
    }

    /// Sleeps at most `time` unless woken, or `busy` says there is something to do. Most records wake nobody: `time` is how long
    /// they may wait.
    pub fn sleep(&self, time: Duration, busy: impl FnOnce() -> bool) {
        self.sleep.dozes.store(time <= DOZE, Ordering::Relaxed);
        self.sleep.asleep.store(true, Ordering::Release);
        self.park(time, busy);
    }

    /// The same, but every record wakes: the first caller pays for that.
    pub fn sleep_soundly(&self, time: Duration, busy: impl FnOnce() -> bool) {
        self.sleep.dozes.store(false, Ordering::Relaxed);
        self.sleep.asleep.store(true, Ordering::Release);
        // Released: a caller who finds 0 finds the writer asleep. The fence that follows orders both before the look at the count.
        self.from.store(0, Ordering::Release);
        self.park(time, busy);
        self.from.store(self.usually, Ordering::Relaxed);
    }

    fn park(&self, time: Duration, busy: impl FnOnce() -> bool) {
        fence(Ordering::SeqCst);
        if !busy() {
            park_timeout(time);
        }
        self.sleep.asleep.store(false, Ordering::Relaxed);
    }
}
