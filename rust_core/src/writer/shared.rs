//! What callers and the writer share.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_queue::SegQueue;
use crossbeam_utils::CachePadded;

use super::answer::Answer;
use super::sweep::Swept;
use super::turn::Turn;
use super::upkeep::Rounds;
use crate::blackbox::Watch;
use crate::error_handler::ErrorHandler;
use crate::pipeline::{self, Batch, Pipeline};
use crate::queue::Queue;
use crate::record_metrics::Interest;
use crate::sampling::rules::Sampler;
use crate::sink::Progress;
use crate::slab::{self, Pool};
use crate::stats::Stats;
use crate::upkeep;
use crate::value::Value;

/// A request for an answer once everything accepted so far is on disk.
#[derive(Debug)]
pub struct Flush {
    pub answer: Answer,
    /// Waits until a failing sink works again, instead of answering false at once.
    pub patient: bool,
    /// Whether files are to be changed for new ones before the answer.
    pub rotation: Option<Rotation>,
}

/// A request for new files.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// Files that were changed within this time stay.
    pub spared: Duration,
    /// How long it is tried again where it fails; None for a single try.
    pub until: Option<Instant>,
    /// When it is tried next.
    pub due: Instant,
}

impl Rotation {
    #[must_use]
    pub fn new(spared: Duration, patience: Option<Duration>) -> Self {
        let now = Instant::now();
        Self { spared, until: patience.and_then(|patience| now.checked_add(patience)), due: now }
    }
}

/// The states of a pipeline, in order.
pub mod state {
    pub const OPEN: u8 = 0;
    /// The writer finishes what is queued, then ends.
    pub const CLOSING: u8 = 1;
    /// Callers write themselves.
    pub const CLOSED: u8 = 2;
}

/// Whether the writer runs, or is paused for a fork.
pub mod pause {
    pub const RUNS: u8 = 0;
    /// The writer is asked to end for a fork.
    pub const ASKED: u8 = 1;
    /// The writer has ended, or is about to.
    pub const PAUSED: u8 = 2;
}

/// What callers and the writer share.
#[derive(Debug)]
pub struct Shared {
    pub queue: Queue,
    pub flushes: SegQueue<Flush>,
    /// Records of the library's own that wait to be written.
    pub notices: SegQueue<Vec<u8>>,
    /// The progress of the sinks behind threads.
    pub behind: Vec<Progress>,
    pub sampler: Option<Arc<Sampler>>,
    /// What metrics ask for of calls that sampling leaves out.
    pub interest: Option<Arc<Interest>>,
    pub watch: Option<Arc<Watch>>,
    pub box_is_harmed: AtomicBool,
    /// The counts of the process as they were when the box was last looked at.
    pub counts_copied: Mutex<Vec<u64>>,
    /// On a cache line of its own, as the turn is: the writer locks it for each batch.
    pub swept: CachePadded<Mutex<Swept>>,
    /// None where no file is written.
    pub directory: Option<PathBuf>,
    /// What is done for files that get no more records.
    pub upkeep: upkeep::Settings,
    pub rounds: CachePadded<Mutex<Rounds>>,
    /// Whether the recovery for other log directories may go on.
    pub strays_go_on: Arc<AtomicBool>,
    /// The pool of the records in the queue, unless they are on the heap.
    pub pool: Option<Pool>,
    /// On a cache line of its own, apart from what every call reads. The writer stores here for each record, and each
    /// store would take the line from all callers.
    pub turn: CachePadded<Mutex<Turn>>,
    pub state: AtomicU8,
    /// Whether the writer is to pause, one of `pause`.
    pub pause: AtomicU8,
    /// Whether the writer holds everything back, because another engine has records to write first.
    pub held: AtomicBool,
    /// There is no writer: it has ended, or could not be started. Callers write their own records.
    pub unattended: AtomicBool,
    /// Records that have left the queue and are not written, and how many of them are on the heap. The thread whose
    /// turn it is counts them for the threads that wait. On a cache line of its own, as the turn is.
    pub in_hand: CachePadded<[AtomicU64; 2]>,
    /// A shutdown has left something unwritten.
    pub given_up: AtomicBool,
    /// A sink has lost the lines that it was given last: nobody reads them.
    pub has_lost: AtomicBool,
    pub stats: Arc<Stats>,
    pub errors: Arc<ErrorHandler>,
    /// Shutdowns that are writing the remaining records. Callers do not write in between.
    pub endings: AtomicU32,
    /// A caller waited in vain for a writer that shutdown could not stop. No other caller waits until that writer is
    /// done.
    pub stuck: AtomicBool,
}

impl Shared {
    pub(super) fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the system for the memory of slots that callers will use next.
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
        self.in_hand[0].store((taken.len() + held.len()) as u64, Ordering::Relaxed);
        // Most of the time no record is on the heap, and then none is checked.
        let on_heap =
            if slab::heap_bytes() > 0 { taken.chain(held).filter(|record| record.heap_size() > 0).count() } else { 0 };
        self.in_hand[1].store(on_heap as u64, Ordering::Relaxed);
    }

    /// How many accepted records are not written, and how many of these are on the heap. Records on the heap are lost
    /// with the process.
    #[must_use]
    pub fn unwritten(&self) -> (u64, u64) {
        let (queued, on_heap) = self.queue.count();
        let [taken, taken_on_heap] = &*self.in_hand;
        (queued + taken.load(Ordering::Relaxed), on_heap + taken_on_heap.load(Ordering::Relaxed))
    }

    pub(super) fn is_ending(&self) -> bool {
        self.endings.load(Ordering::SeqCst) > 0
    }

    /// How many records will have been drained once the queue of this moment is empty.
    pub(super) fn all_that_is_there(&self, turn: &Turn) -> u64 {
        turn.drained + self.queue.len() as u64
    }

    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.notices.is_empty()
    }

    /// The end of an engine does not wait for another engine.
    pub(super) fn is_held(&self) -> bool {
        self.held.load(Ordering::SeqCst) && self.state.load(Ordering::SeqCst) == state::OPEN
    }

    pub(super) fn is_asked_to_pause(&self) -> bool {
        self.pause.load(Ordering::SeqCst) == pause::ASKED
    }

    /// Begins the pause if the writer was asked to pause and the request still stands. True if it did, and the writer
    /// ends.
    pub(super) fn begins_pause(&self) -> bool {
        self.pause.compare_exchange(pause::ASKED, pause::PAUSED, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Answers the flushes that the writer did not answer before its end. No file was changed for them.
    pub fn answer_flushes(&self, on_disk: bool) {
        while let Some(flush) = self.flushes.pop() {
            flush.answer.give(on_disk && flush.rotation.is_none());
        }
    }

    pub(super) fn count_panic(&self) {
        self.stats.writer_restarts.add(1);
        self.errors.handle("go on writing", &"the writer panicked and was started again");
    }
}
