//! Writing on the threads of callers, after the writer has ended.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::TryLockError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::turn::{Turn, Written};
use super::{NOTICE_INTERVAL, Rotation, SHORTEST_SLEEP, Shared};

/// Writes the queue of a closed pipeline on the caller's thread. False if a writer that cannot finish keeps its turn
/// for longer than `patience`, or if a sink fails for longer than `patience_with_sinks`.
pub fn write_now(shared: &Shared, patience: Duration, patience_with_sinks: Duration) -> bool {
    wait_for_endings(shared, patience) && write_by(shared, patience, patience_with_sinks, write_queued)
}

/// As `write_now`, and changes the files for new ones after that. True if all of them are.
pub fn rotate_now(shared: &Shared, rotation: Rotation, patience: Duration) -> bool {
    wait_for_endings(shared, patience)
        && write_by(shared, patience, patience, |shared, turn| {
            write_queued(shared, turn) && turn.pipeline.rotate(rotation.spared)
        })
}

/// Waits while a shutdown writes the records from before it. Records that a call queued later are written after that.
/// False if the shutdown takes longer than `patience`.
pub fn wait_for_endings(shared: &Shared, patience: Duration) -> bool {
    let started = Instant::now();
    while shared.is_ending() {
        if started.elapsed() >= patience {
            return false;
        }
        std::thread::sleep(SHORTEST_SLEEP);
    }
    true
}

/// While this value lives, only shutdowns write the queue. Threads that log and write without a break would otherwise
/// keep a shutdown from its turn, and give it more and more to write.
pub struct Ending<'a>(&'a Shared);

impl<'a> Ending<'a> {
    pub fn begin(shared: &'a Shared) -> Self {
        shared.endings.fetch_add(1, Ordering::SeqCst);
        Self(shared)
    }

    /// Writes the records that are in the queue now, and none that come later. False if that takes longer than
    /// `patience`.
    pub fn write(&self, patience: Duration) -> bool {
        write_by(self.0, patience, patience, write_what_is_there)
    }
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.endings.fetch_sub(1, Ordering::SeqCst);
    }
}

fn write_by(
    shared: &Shared,
    patience: Duration,
    patience_with_sinks: Duration,
    write: impl Fn(&Shared, &mut Turn) -> bool,
) -> bool {
    let started = Instant::now();
    loop {
        let turn = match shared.turn.try_lock() {
            Ok(turn) => Some(turn),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        let held = turn.is_none();
        if let Some(mut turn) = turn {
            shared.stuck.store(false, Ordering::Relaxed);
            match catch_unwind(AssertUnwindSafe(|| write(shared, &mut turn))) {
                Ok(true) => return true,
                Ok(false) if started.elapsed() >= patience_with_sinks => return false,
                Ok(false) => {}
                Err(_) => shared.count_panic(),
            }
        }
        if started.elapsed() >= patience {
            shared.stuck.store(held, Ordering::Relaxed);
            return false;
        }
        std::thread::sleep(SHORTEST_SLEEP);
    }
}

fn write_what_is_there(shared: &Shared, turn: &mut Turn) -> bool {
    let last = shared.all_that_is_there(turn);
    loop {
        let Written { count, passed, clear, .. } = turn.write(shared, NOTICE_INTERVAL);
        if count == 0 || passed >= last {
            return clear;
        }
    }
}

fn write_queued(shared: &Shared, turn: &mut Turn) -> bool {
    loop {
        let Written { count, clear, .. } = turn.write(shared, NOTICE_INTERVAL);
        if count == 0 {
            return clear;
        }
    }
}
