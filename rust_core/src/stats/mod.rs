//! What the pipeline counts. One for the process: counts go on over re-initialisation.
//!
//! After a flush, accepted = written + dropped + failed, exactly.

mod counts;
mod named;

pub use counts::{COUNTS, Counted, FILE_COUNTS, FUNCTION_COUNTS, Kind, STREAM_COUNTS};
pub use named::Named;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::level;
use crossbeam_utils::CachePadded;

/// Why a record was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// The queue was full (`drop_new`).
    New,
    /// Room was made for a newer record (`drop_old`).
    Old,
    /// The queue passed the mark of the record's level (`drop_low`).
    Low,
    /// Waited `overflow_timeout` for room, or came while another had waited in vain.
    Timeout,
    /// Not written before shutdown ran out of time.
    Shutdown,
    /// There was no memory to hold it.
    Memory,
    /// Capturing it failed in a way that never should be.
    Panic,
}

pub const REASONS: [&str; 7] = ["drop_new", "drop_old", "drop_low", "timeout", "shutdown", "memory", "panic"];

/// The files that are counted from the beginning, whether they are written or not.
const FILES: [&str; 3] = ["app", "errors", "ai"];
/// The stream that is counted from the beginning.
pub const CONSOLE: &str = "console";

/// A plain count.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    #[inline]
    pub fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    #[inline]
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes back what was counted before it came to something.
    pub fn take_back(&self, amount: u64) {
        self.0.fetch_sub(amount, Ordering::Relaxed);
    }

    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Tells what it was before.
    pub fn raise_to(&self, value: u64) -> u64 {
        self.0.fetch_max(value, Ordering::Relaxed)
    }
}

/// Calls below their logger's level, and records represented in part. They are counted where there may be no engine.
pub static FILTERED: Count = Count::new();
pub static MALFORMED: Count = Count::new();
/// Calls of processors that raised or returned what cannot be used.
pub static PROCESSOR_ERRORS: Count = Count::new();
/// Headers of requests that name no trace as they should. Counted by the facade, by name: see `Counted::add_one`.
pub(crate) static TRACE_HEADERS_IGNORED: Count = Count::new();

/// Counts of one log file.
#[derive(Debug, Default)]
pub struct FileStats {
    pub written: Count,
    pub bytes: Count,
    pub rotations: Count,
    /// Rotated files that were deleted since their bounds did not keep them.
    pub deleted: Count,
    /// Those of them that a shipper had not taken.
    pub deleted_unshipped: Count,
    /// Rotated files that were packed or indexed, those that waited for it after the last round, and failures of it.
    pub archived: Count,
    pub archive_waiting: Count,
    pub archive_errors: Count,
    /// Writes that failed and were tried again.
    pub errors: Count,
    /// Lines that were given up, because the file took none while others did.
    pub dropped: Count,
    /// Times the file was brought to the device, and times that it or its name could not be.
    pub syncs: Count,
    pub sync_errors: Count,
}

/// Counts of the console, or of another stream.
#[derive(Debug, Default)]
pub struct StreamStats {
    pub written: Count,
    /// Lines that were dropped, because it takes no more.
    pub dropped: Count,
    /// Lines on their way behind a thread, which will be one or the other.
    pub waiting: Count,
}

/// Counts of a function of the program that gets records.
#[derive(Debug, Default)]
pub struct FunctionStats {
    pub lines: Arc<StreamStats>,
    /// Records for which it raised.
    pub failed: Count,
}

impl Default for Named<FunctionStats> {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl Default for Named<FileStats> {
    fn default() -> Self {
        Self::new(&FILES)
    }
}

impl Default for Named<StreamStats> {
    fn default() -> Self {
        Self::new(&[CONSOLE])
    }
}

/// What went through one queue. Its two counts are written by different threads.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Records that entered the queue; numbers them too.
    pub queued: CachePadded<AtomicU64>,
    /// Records that left the queue: released by the writer, or dropped from it.
    pub departed: CachePadded<AtomicU64>,
}

impl Traffic {
    /// Records in the queue, or on their way through the writer.
    #[inline]
    #[must_use]
    pub fn depth(&self) -> u64 {
        // `departed` first: read the other way round, records passing through between the reads would count twice.
        let departed = self.departed.load(Ordering::Relaxed);
        self.queued.load(Ordering::Relaxed).saturating_sub(departed)
    }
}

#[derive(Debug, Default)]
pub struct Stats {
    /// Traffic of all queues. While one queue replaces another, both are at work.
    traffic: Mutex<Vec<Arc<Traffic>>>,
    /// Records that went through queues that are gone.
    past: Count,
    /// Records handed to every file they are routed to.
    pub written: Count,
    /// Records that could not be written, and had to go.
    pub failed: Count,
    /// Records refused before they entered the queue, also part of `dropped`.
    pub refused: Count,
    dropped: [[Count; level::NAMES.len()]; REASONS.len()],
    /// How many of the dropped records are reported in the log.
    pub dropped_reported: Count,
    /// By the names of their outputs, as streams are.
    pub files: Named<FileStats>,
    pub streams: Named<StreamStats>,
    pub functions: Named<FunctionStats>,
    /// Records of the pipeline itself ("N records dropped"), beside the application's.
    pub notices: Count,
    pub queue_high_water: Count,
    /// Age of the oldest record of the last batch when it was drained, in microseconds.
    pub lag_us: Count,
    pub lag_max_us: Count,
    pub writer_restarts: Count,
    pub lock_timeouts: Count,
    /// Batches written without the directory's lock: its file could not be opened, or the file system has no locks.
    pub lock_unopened: Count,
    pub lock_unsupported: Count,
    pub errors: Count,
    /// 1 while there is a black box, else 0.
    pub protected: Count,
    /// Records that found no room in the black box and would not survive the process.
    pub unprotected: Count,
    /// Records of processes that died, written by this one.
    pub recovered: Count,
    /// Values and texts of records that were replaced, in part or whole.
    pub redacted: Count,
}

impl Stats {
    pub fn drop_one(&self, reason: Dropped, level: i32) {
        self.dropped[reason as usize][level::bucket(level)].add(1);
    }

    /// Records dropped for each reason, by level.
    pub fn dropped(&self) -> impl Iterator<Item = (&'static str, [u64; level::NAMES.len()])> {
        REASONS.iter().zip(&self.dropped).map(|(reason, counts)| (*reason, counts.each_ref().map(Count::get)))
    }

    /// A forked child starts its own count.
    pub fn restart(&self) {
        // The lock may have been held by a thread that exists only in the parent.
        if let Ok(mut traffic) = self.traffic.try_lock() {
            traffic.clear();
        }
        self.past.set(0);
        COUNTS.iter().for_each(|counted| counted.restart(self));
        for (_, file) in self.files.iter() {
            FILE_COUNTS.iter().for_each(|counted| counted.restart(file));
        }
        for (_, stream) in self.streams.iter() {
            STREAM_COUNTS.iter().for_each(|counted| counted.restart(stream));
            stream.waiting.set(0);
        }
        for (_, function) in self.functions.iter() {
            FUNCTION_COUNTS.iter().for_each(|counted| counted.restart(function));
            function.lines.waiting.set(0);
        }
        for count in self.dropped.iter().flatten().chain([&self.refused, &self.dropped_reported]) {
            count.set(0);
        }
    }

    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().flatten().map(Count::get).sum()
    }

    /// Whether the log is still to report some drops.
    #[must_use]
    pub fn has_unreported_drops(&self) -> bool {
        self.dropped_total() > self.dropped_reported.get()
    }

    #[must_use]
    pub fn accepted(&self) -> u64 {
        let queued: u64 = self.traffic().iter().map(|traffic| traffic.queued.load(Ordering::Relaxed)).sum();
        self.past.get() + queued + self.refused.get()
    }

    /// Records in all queues.
    #[must_use]
    pub fn depth(&self) -> u64 {
        self.traffic().iter().map(|traffic| traffic.depth()).sum()
    }

    /// Counts for a new queue.
    pub fn new_traffic(&self) -> Arc<Traffic> {
        let mut all = self.traffic();
        all.retain(|traffic| {
            let gone = Arc::strong_count(traffic) == 1;
            if gone {
                self.past.add(traffic.queued.load(Ordering::Relaxed));
            }
            !gone
        });
        let traffic = Arc::<Traffic>::default();
        all.push(Arc::clone(&traffic));
        traffic
    }

    fn traffic(&self) -> MutexGuard<'_, Vec<Arc<Traffic>>> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
