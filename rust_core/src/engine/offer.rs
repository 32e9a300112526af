//! The way of a record into the queue, and how callers write it if there is no writer.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Engine, LATE_PATIENCE};
use crate::level;
use crate::queue::Offered;
use crate::record::{self, add_flags, flag};
use crate::slab::{Buffer, Pool};
use crate::stats::Dropped;
use crate::value::Put;
use crate::writer;

/// Time between two attempts to start a writer that could not be started.
const START_INTERVAL: Duration = Duration::from_millis(100);

impl Engine {
    /// Offers a captured record. It never waits while there is a writer. If there is none, it writes the record
    /// itself.
    #[inline]
    pub fn offer(&self, record: Buffer) -> Offered {
        let offered = self.hand_in(record);
        if self.is_unattended() { self.see_to(offered) } else { offered }
    }

    /// The first half of `offer`, which never waits. If `is_unattended` is true afterwards, `see_to` is the other
    /// half.
    #[inline]
    pub fn hand_in(&self, record: Buffer) -> Offered {
        let record = match &self.shared.pool {
            Some(pool) if !pool.owns(&record) => Self::bring_in(pool, record),
            _ => record,
        };
        self.shared.queue.offer(record)
    }

    /// The same as `hand_in` for a record that is for metrics alone.
    pub fn offer_aside(&self, mut record: Buffer) -> Offered {
        add_flags(record.as_mut_slice(), flag::ASIDE);
        self.shared.stats.aside.add(1);
        if self.shared.queue.has_room(record::level_of(record.as_slice())) {
            self.hand_in(record)
        } else {
            Offered::Full(record)
        }
    }

    /// Keeps a captured record in the black box, outside of the queue. What is dropped before it is handed in is forgotten.
    #[must_use]
    pub fn record(&self, record: Buffer) -> Buffer {
        let mut record = match &self.shared.pool {
            Some(pool) if !pool.owns(&record) => Self::bring_in(pool, record),
            _ => record,
        };
        self.shared.queue.record(&mut record);
        record
    }

    /// As `hand_in`, also for a record that `record` has returned, which stays as it is.
    pub fn hand_in_again(&self, record: Buffer) -> Offered {
        // Another engine may have kept it.
        let is_here = self.shared.pool.as_ref().is_some_and(|pool| pool.owns(&record));
        if is_here && record.is_accepted() { self.shared.queue.offer_recorded(record) } else { self.hand_in(record) }
    }

    /// Whether there is no writer, and callers write their own records.
    #[inline]
    #[must_use]
    pub fn is_unattended(&self) -> bool {
        self.shared.unattended.load(Ordering::Relaxed)
    }

    /// Moves a record into a buffer of this engine's pool, if there is room. It was captured before a start or for
    /// another engine, or has outgrown its slot.
    #[cold]
    fn bring_in(pool: &Pool, record: Buffer) -> Buffer {
        match pool.alloc(record.as_slice().len()) {
            Some(mut own) => {
                own.put(record.as_slice());
                own
            }
            None => record,
        }
    }

    fn write_late(&self) {
        writer::wait_for_endings(&self.shared, Duration::MAX);
        let patience = if self.shared.stuck.load(Ordering::Relaxed) { Duration::ZERO } else { LATE_PATIENCE };
        writer::write_now(&self.shared, patience, Duration::ZERO);
    }

    /// Tries to start the missing writer, unless that was just tried. True if there is a writer.
    fn attend(&self) -> bool {
        {
            // Another caller is trying.
            let Ok(mut tried) = self.tried.try_lock() else { return false };
            if tried.is_some_and(|last| last.elapsed() < START_INTERVAL) {
                return false;
            }
            *tried = Some(Instant::now());
        }
        self.go_on_writing();
        !self.is_unattended()
    }

    /// Writes a record that was handed in without a writer, unless a writer can be started. May wait.
    #[cold]
    pub fn see_to(&self, offered: Offered) -> Offered {
        if !self.is_closed() && self.attend() {
            return offered;
        }
        self.write_late();
        match offered {
            Offered::Full(record) => match self.hand_in_again(record) {
                Offered::Full(record) if self.is_closed() => self.refuse(record, Dropped::Shutdown),
                full @ Offered::Full(_) => full,
                other => {
                    self.write_late();
                    other
                }
            },
            other => other,
        }
    }

    /// Waits for room in the queue, at most for `slice`. True if the record should be offered again.
    pub fn wait_for_room(&self, slice: Duration) -> bool {
        self.go_on_writing();
        self.shared.queue.wait_for_room(slice)
    }

    /// Makes room in the queue for the thread that forks, while the writer is paused. No other thread would, and this
    /// thread releases its locks before the fork.
    pub fn make_room(&self, slice: Duration) {
        writer::write_now(&self.shared, slice, Duration::ZERO);
    }

    /// Drops a record that found no room. After `Timeout`, no caller waits until the writer has caught up.
    #[cold]
    pub fn refuse(&self, record: Buffer, reason: Dropped) -> Offered {
        if reason == Dropped::Timeout {
            self.shared.queue.give_up_waiting();
        }
        if record::level_of(record.as_slice()) >= level::ERROR {
            self.shared
                .errors
                .handle("keep a record of level ERROR", &"the queue is full and its sink does not follow");
        }
        self.shared.queue.refuse(record, reason)
    }
}
