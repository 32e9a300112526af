//! What callers and the writer share.

use crossbeam_channel::Sender;
use crossbeam_queue::SegQueue;
use crossbeam_utils::CachePadded;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::sweep::Swept;
use super::turn::Turn;
use crate::blackbox::Watch;
use crate::error_handler::ErrorHandler;
use crate::pipeline::{self, Batch, Pipeline};
use crate::queue::Queue;
use crate::sink::Progress;
use crate::slab::{self, Pool};
use crate::stats::{Count, Stats};
use crate::value::Value;

/// Asks to be told when everything accepted so far is on disk.
#[derive(Debug)]
pub struct Flush {
    pub done: Sender<bool>,
    /// Waits for a failing sink to mend instead of answering false at once.
    pub patient: bool,
}

/// The states of a pipeline, in order.
pub mod state {
    pub const OPEN: u8 = 0;
    /// The writer finishes what is queued, then ends.
    pub const CLOSING: u8 = 1;
    /// Callers write themselves.
    pub const CLOSED: u8 = 2;
}

/// Whether there is a writer at work.
pub mod pause {
    pub const RUNS: u8 = 0;
    /// It is to end for a fork.
    pub const ASKED: u8 = 1;
    /// It has ended, or is about to.
    pub const PAUSED: u8 = 2;
}

/// What callers and the writer share.
#[derive(Debug)]
pub struct Shared {
    pub queue: Queue,
    pub flushes: SegQueue<Flush>,
    /// Records of the library's own that wait to be written.
    pub notices: SegQueue<Vec<u8>>,
    /// How far the sinks behind threads have come.
    pub behind: Vec<Progress>,
    pub watch: Option<Arc<Watch>>,
    /// Apart, as the turn is: the writer locks it for each batch.
    pub swept: CachePadded<Mutex<Swept>>,
    /// Whether what is done for other log directories is to go on.
    pub strays_go_on: Arc<AtomicBool>,
    /// What the queue holds is of this pool, or on the heap.
    pub pool: Option<Pool>,
    /// Apart from what every call reads: the writer stores here for each record, and each store would take the line from all callers.
    pub turn: CachePadded<Mutex<Turn>>,
    pub state: AtomicU8,
    /// Whether the writer is to pause, one of `pause`.
    pub pause: AtomicU8,
    /// Whether the writer waits with everything: another engine may have records to write first.
    pub held: AtomicBool,
    /// There is no writer, since it has ended or none could be started: callers see to what they log.
    pub unattended: AtomicBool,
    /// Records that have left the queue and are not written, and those of them that are on the heap: told by the thread whose turn it is,
    /// to those who wait for it. Apart, as the turn is.
    pub in_hand: CachePadded<[Count; 2]>,
    /// A shutdown has left something unwritten.
    pub given_up: AtomicBool,
    pub stats: Arc<Stats>,
    pub errors: Arc<ErrorHandler>,
    /// Shutdowns that are at what is left: callers do not get between.
    pub endings: AtomicU32,
    /// A caller waited in vain for a writer that shutdown could not stop: until it is done, no other does.
    pub stuck: AtomicBool,
}

impl Shared {
    pub(super) fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that callers find memory that is there.
    pub fn prepare_pool(&self) {
        if let Some(pool) = &self.pool {
            pool.prepare();
        }
    }

    /// Queues a record of the library's own, to be written with the next batch.
    pub fn notice(&self, level: i32, function: &str, message: &str, fields: &[(&str, Value<'_>)]) {
        if let Some(notice) = pipeline::build_notice(&self.errors, level, function, message, fields) {
            self.notices.push(notice);
        }
    }

    pub(super) fn note_in_hand(&self, batch: &Batch, pipeline: &Pipeline) {
        let (taken, held) = (batch.held(), pipeline.held());
        self.in_hand[0].set((taken.len() + held.len()) as u64);
        // Mostly no record is on the heap, and none is looked at.
        let on_heap =
            if slab::heap_bytes() > 0 { taken.chain(held).filter(|record| record.heap_size() > 0).count() } else { 0 };
        self.in_hand[1].set(on_heap as u64);
    }

    /// How many of the records that were accepted are not written, and how many of them wait on the heap, and end with the process.
    #[must_use]
    pub fn unwritten(&self) -> (u64, u64) {
        let (queued, on_heap) = self.queue.count();
        (queued + self.in_hand[0].get(), on_heap + self.in_hand[1].get())
    }

    pub(super) fn is_ending(&self) -> bool {
        self.endings.load(Ordering::SeqCst) > 0
    }

    /// How many records have been taken once all that are in the queue now are.
    pub(super) fn all_that_is_there(&self, turn: &Turn) -> u64 {
        turn.taken + self.queue.len() as u64
    }

    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.notices.is_empty()
    }

    /// Whoever ends the engine does not wait for another.
    pub(super) fn is_held(&self) -> bool {
        self.held.load(Ordering::SeqCst) && self.state.load(Ordering::SeqCst) == state::OPEN
    }

    pub(super) fn is_asked_to_pause(&self) -> bool {
        self.pause.load(Ordering::SeqCst) == pause::ASKED
    }

    /// Whether the writer may end now: it was asked to, and the asking was not taken back.
    pub(super) fn begins_pause(&self) -> bool {
        self.pause.compare_exchange(pause::ASKED, pause::PAUSED, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Answers flushes that came too late for the writer.
    pub fn answer_flushes(&self, on_disk: bool) {
        while let Some(flush) = self.flushes.pop() {
            // Whoever asked may have stopped waiting.
            let _ = flush.done.send(on_disk);
        }
    }

    pub(super) fn count_panic(&self) {
        self.stats.writer_restarts.add(1);
        self.errors.handle("go on writing", &"the writer panicked and was started again");
    }
}
