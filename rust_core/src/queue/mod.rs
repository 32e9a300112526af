//! The bounded queue between callers and the writer, and what happens when it is full.

mod waker;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use crossbeam_utils::CachePadded;
use serde::{Deserialize, Deserializer};

use crate::clock;
use crate::level;
use crate::record;
use crate::slab::{self, Buffer};
use crate::stats::{Dropped, Stats, Traffic};

pub use waker::Waker;

/// One call in so many is timed.
const TIMED: u64 = 1_024;

/// What happens to a record below ERROR when the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overflow {
    Block,
    DropNew,
    DropOld,
    DropLow,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Records.
    pub size: u32,
    /// Bytes of the heap that queued records may hold.
    pub bytes: u64,
    pub overflow: Overflow,
    /// Seconds, in text: how long a call waits for room.
    #[serde(deserialize_with = "seconds")]
    pub overflow_timeout: Duration,
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    f64::deserialize(deserializer).map(clock::seconds)
}

/// What became of a record offered to the queue.
#[derive(Debug)]
pub enum Offered {
    Taken,
    /// Dropped and counted.
    Dropped,
    /// No room: wait for some and offer again, or give up with `refuse`.
    Full(Buffer),
}

#[derive(Debug)]
pub struct Queue {
    sender: Sender<Buffer>,
    receiver: Receiver<Buffer>,
    /// Records that `drop_old` passed over on its way to one that it may drop. The writer drains them first. The lock
    /// is held while a record is moved here, so that none is overlooked. On a cache line of its own: the writer locks
    /// it for each batch.
    rescued: CachePadded<Mutex<VecDeque<Buffer>>>,
    stats: Arc<Stats>,
    /// Whether records survive the process. Then records that cannot survive are counted, and no record is given back
    /// unwritten.
    protected: bool,
    traffic: Arc<Traffic>,
    overflow: Overflow,
    /// How long callers wait before a record is dropped.
    patience: Duration,
    size: u64,
    bytes: u64,
    waker: Waker,
    /// Set when a caller has waited in vain. No caller waits until the writer has caught up.
    stalled: AtomicBool,
    waiting: AtomicU32,
    /// How many records have waited outside of the queue.
    recorded: AtomicU64,
    room: (Mutex<()>, Condvar),
}

impl Queue {
    /// Bytes of a queue of `size` records.
    #[must_use]
    pub fn bytes_of(size: u32) -> usize {
        Self::capacity(size) * (size_of::<Buffer>() + 16)
    }

    /// An eighth more for errors, and some for threads that pass the check together.
    fn capacity(size: u32) -> usize {
        size as usize + size as usize / 8 + 64
    }

    #[must_use]
    pub fn new(settings: Settings, stats: Arc<Stats>, protected: bool) -> Self {
        let Settings { size, bytes, overflow, overflow_timeout } = settings;
        let (sender, receiver) = bounded(Self::capacity(size));
        stats.queue_capacity.set(u64::from(size));
        Self {
            sender,
            receiver,
            rescued: CachePadded::default(),
            traffic: stats.new_traffic(),
            stats,
            protected,
            overflow,
            patience: if overflow == Overflow::Block { overflow_timeout } else { Duration::ZERO },
            size: u64::from(size),
            bytes,
            waker: Waker::new(u64::from(size) / 8),
            stalled: AtomicBool::new(false),
            waiting: AtomicU32::new(0),
            recorded: AtomicU64::new(0),
            room: (Mutex::new(()), Condvar::new()),
        }
    }

    /// Whether a record of this level would be taken now.
    pub fn has_room(&self, level: i32) -> bool {
        self.depth() < self.limit(level)
    }

    /// Offers a captured record. Takes no lock, makes no system call unless the writer has to be woken, never waits.
    #[inline]
    pub fn offer(&self, record: Buffer) -> Offered {
        self.enqueue::<false>(record)
    }

    /// Offers a record that has waited outside of the queue. It survives the process at every moment, since nothing of it is changed.
    pub fn offer_recorded(&self, record: Buffer) -> Offered {
        self.enqueue::<true>(record)
    }

    /// Notes in the black box a record that waits outside of the queue. A recovery puts it before those that are queued from now on.
    pub fn record(&self, record: &mut Buffer) {
        let own = self.recorded.fetch_add(1, Ordering::Relaxed);
        let sequence = record::waiting_sequence(self.traffic.queued.load(Ordering::Relaxed), own);
        record::set_sequence(record.as_mut_slice(), sequence);
        if self.protected {
            record.accept(sequence);
        }
    }

    #[inline]
    fn enqueue<const RECORDED: bool>(&self, mut record: Buffer) -> Offered {
        let level = record::level_of(record.as_slice());
        let depth = self.depth();
        if depth >= self.limit(level) {
            return self.overflowing(record, level, false);
        }
        if record.heap_size() > 0 && !self.bytes_fit(&record, level) {
            return self.overflowing(record, level, true);
        }
        // Before the record can be seen, so that `departed` never overtakes.
        // Sequentially consistent: see `Waker::wake_for`.
        let sequence = self.traffic.queued.fetch_add(1, Ordering::SeqCst);
        // Read before the record is another thread's.
        let timed = if sequence % TIMED == TIMED - 1 { record::time_of(record.as_slice()) } else { 0 };
        if !RECORDED {
            record::set_sequence(record.as_mut_slice(), sequence);
            if self.protected && !record.accept(sequence) {
                self.stats.unprotected.add(1);
            }
        }
        if let Err(TrySendError::Full(record) | TrySendError::Disconnected(record)) = self.sender.try_send(record) {
            return self.lost_the_race(record);
        }
        if level >= level::ERROR {
            self.waker.wake_sleeper();
        } else {
            self.waker.wake_for(depth);
        }
        if timed != 0 {
            self.time_call(timed);
        }
        Offered::Taken
    }

    /// How long it is since the time of a record.
    #[cold]
    fn time_call(&self, since: i64) {
        #[expect(clippy::cast_precision_loss, reason = "a call takes no days")]
        let seconds = (clock::now() - since).max(0) as f64 / 1e9;
        self.stats.call_duration.observe(seconds);
    }

    #[cold]
    fn lost_the_race(&self, record: Buffer) -> Offered {
        self.traffic.departed.fetch_add(1, Ordering::Relaxed);
        self.count_dropped(Dropped::New, &record);
        Offered::Dropped
    }

    /// Records in the queue. They are counted, because asking the channel would touch the writer's cache line twice.
    #[inline]
    pub fn depth(&self) -> u64 {
        self.traffic.depth()
    }

    #[inline]
    fn limit(&self, level: i32) -> u64 {
        if level >= level::ERROR {
            self.size + self.size / 8
        } else if self.overflow == Overflow::DropLow && level < level::WARNING {
            if level < level::INFO { self.size / 2 } else { self.size - self.size / 4 }
        } else {
            self.size
        }
    }

    fn bytes_fit(&self, record: &Buffer, level: i32) -> bool {
        let reserve = if level >= level::ERROR { self.bytes / 8 } else { 0 };
        // A single record larger than the bound still goes when nothing else is queued.
        slab::heap_bytes() as u64 <= self.bytes + reserve || slab::heap_bytes() == record.heap_size()
    }

    #[cold]
    fn overflowing(&self, record: Buffer, level: i32, for_bytes: bool) -> Offered {
        self.stats.queue_records.set(self.depth());
        self.stats.queue_high_water.raise_to(self.depth());
        self.waker.wake();
        let error = level >= level::ERROR;
        let reason = match self.overflow {
            _ if error || self.overflow == Overflow::Block => {
                if !self.stalled.load(Ordering::Relaxed) {
                    return Offered::Full(record);
                }
                Dropped::Timeout
            }
            Overflow::DropOld => {
                if self.drop_oldest(for_bytes) {
                    return if record.is_accepted() { self.offer_recorded(record) } else { self.offer(record) };
                }
                Dropped::New
            }
            Overflow::DropLow if level < level::WARNING => Dropped::Low,
            _ => Dropped::New,
        };
        self.refuse(record, reason)
    }

    /// Drops a record that never entered the queue.
    #[cold]
    pub fn refuse(&self, record: Buffer, reason: Dropped) -> Offered {
        if record::is_aside(record.as_slice()) {
            self.stats.aside.take_back(1);
        } else {
            self.stats.refused.add(1);
        }
        self.count_dropped(reason, &record);
        Offered::Dropped
    }

    /// One for metrics alone is no loss of the application's.
    fn count_dropped(&self, reason: Dropped, record: &Buffer) {
        if record::is_aside(record.as_slice()) {
            self.stats.metrics_missed.add(1);
        } else {
            self.stats.drop_one(reason, record::level_of(record.as_slice()));
        }
    }

    /// Makes room by dropping the oldest record below ERROR, or for bytes the oldest that is on the heap. False if
    /// none is left. Records that it passes over are drained first from then on, and so keep their order.
    fn drop_oldest(&self, for_bytes: bool) -> bool {
        let mut rescued = self.rescued();
        while let Ok(oldest) = self.receiver.try_recv() {
            let level = record::level_of(oldest.as_slice());
            if level >= level::ERROR || for_bytes && oldest.heap_size() == 0 {
                rescued.push_back(oldest);
            } else {
                self.traffic.departed.fetch_add(1, Ordering::Relaxed);
                self.count_dropped(Dropped::Old, &oldest);
                return true;
            }
        }
        false
    }

    /// Waits until a quarter of the queue is free, at most `slice`. True if the record should be offered again.
    pub fn wait_for_room(&self, slice: Duration) -> bool {
        let (lock, room) = &self.room;
        let guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let free = self.is_roomy() || {
            let (_guard, _) = room.wait_timeout(guard, slice).unwrap_or_else(PoisonError::into_inner);
            self.is_roomy()
        };
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        free
    }

    /// Whether there is no room, and the policy drops records, or will if the writer drains none for twice as long as `time`. Callers
    /// that wait must not have done so in vain before the writer acts.
    #[must_use]
    pub fn loses_after(&self, time: Duration) -> bool {
        time >= self.patience / 2 && (self.depth() >= self.size || slab::heap_bytes() as u64 >= self.bytes)
    }

    fn is_roomy(&self) -> bool {
        self.depth() <= self.size - self.size / 4 && slab::heap_bytes() as u64 <= self.bytes - self.bytes / 4
    }

    /// A caller has waited its whole patience: until the writer catches up, others need not try.
    pub fn give_up_waiting(&self) {
        self.stalled.store(true, Ordering::Relaxed);
    }

    /// Frees every waiting caller, for shutdown.
    pub fn release_waiters(&self) {
        let _guard = self.room.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.room.1.notify_all();
    }

    /// Drains up to `most` records into `batch`, rescued ones first. For the writer.
    pub fn drain(&self, batch: &mut Vec<Buffer>, most: usize) {
        let mut rescued = self.rescued();
        let count = rescued.len().min(most.saturating_sub(batch.len()));
        batch.extend(rescued.drain(..count));
        while batch.len() < most
            && let Ok(record) = self.receiver.try_recv()
        {
            batch.push(record);
        }
    }

    /// Counts a batch that has left, and wakes callers that waited for room. For the writer.
    pub fn depart(&self, records: usize) {
        self.traffic.departed.fetch_add(records as u64, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 && self.is_roomy() {
            self.release_waiters();
        }
        if self.stalled.load(Ordering::Relaxed) && self.is_roomy() {
            self.stalled.store(false, Ordering::Relaxed);
        }
    }

    /// Whether callers wake the writer for the records in the queue.
    #[must_use]
    pub fn is_filling(&self) -> bool {
        self.depth() >= self.size / 8
    }

    /// Records that the writer has yet to drain. Everything accepted before this call is among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rescued().len() + self.receiver.len()
    }

    /// The same, and how many of them are on the heap. To see them, they are moved to the rescued records of
    /// `drop_old`, which keep their order.
    pub fn count(&self) -> (u64, u64) {
        let mut rescued = self.rescued();
        let waiting = self.receiver.len();
        rescued.extend(self.receiver.try_iter().take(waiting));
        let on_heap = rescued.iter().filter(|record| record.heap_size() > 0).count();
        (rescued.len() as u64, on_heap as u64)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn rescued(&self) -> MutexGuard<'_, VecDeque<Buffer>> {
        self.rescued.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub fn waker(&self) -> &Waker {
        &self.waker
    }
}

impl Drop for Queue {
    /// Records that were never written stay in the black box, for a recovery.
    fn drop(&mut self) {
        if self.protected {
            let mut left = Vec::new();
            self.drain(&mut left, usize::MAX);
            left.into_iter().for_each(std::mem::forget);
        }
    }
}

#[cfg(test)]
mod tests;
