//! The thread behind the queue: takes what is there, hands it on, sleeps while there is nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use crossbeam_queue::SegQueue;

use crate::clock;
use crate::error_handler::ErrorHandler;
use crate::pipeline::Pipeline;
use crate::queue::Queue;
use crate::record;
use crate::recovery;
use crate::slab::Buffer;
use crate::stats::Stats;

/// Records taken at once.
const BATCH: usize = 1_024;
/// Sleep after work, doubled up to the longest while there is none.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);
const LONGEST_SLEEP: Duration = Duration::from_millis(50);
/// Time between two looks for records of processes that died.
const SWEEP: Duration = Duration::from_secs(2);
/// Time between two records about dropped ones.
const NOTICE_PAUSE: Duration = Duration::from_secs(1);

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

/// What callers and the writer share.
#[derive(Debug)]
pub struct Shared {
    pub queue: Queue,
    pub flushes: SegQueue<Flush>,
    pub pipeline: Mutex<Pipeline>,
    pub state: AtomicU8,
    pub pause: AtomicBool,
    pub paused: AtomicBool,
    pub stats: Arc<Stats>,
    pub errors: Arc<ErrorHandler>,
}

impl Shared {
    pub fn pipeline(&self) -> MutexGuard<'_, Pipeline> {
        self.pipeline.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs until the pipeline is closed. After a panic the loop starts again, with the batch it was at.
pub fn run(shared: &Shared, directory: &Path) {
    let mut writer = Writer {
        shared,
        directory,
        batch: Vec::with_capacity(BATCH),
        undelivered: false,
        taken: 0,
        waiting: Vec::new(),
        sleep: SHORTEST_SLEEP,
        swept: None,
    };
    shared.queue.waker().attach(std::thread::current());
    while catch_unwind(AssertUnwindSafe(|| writer.run())).is_err() {
        shared.stats.writer_restarts.add(1);
        shared.errors.handle("go on writing", &"the writer panicked and was started again");
        let mut pipeline = shared.pipeline();
        if std::mem::take(&mut writer.undelivered) {
            pipeline.deliver(&writer.batch);
        }
        writer.finish_batch(pipeline);
    }
}

struct Writer<'a> {
    shared: &'a Shared,
    directory: &'a Path,
    batch: Vec<Buffer>,
    /// Whether the batch was taken and is not delivered yet.
    undelivered: bool,
    /// Records taken since the start.
    taken: u64,
    /// Flushes, and how many records must have been taken to answer them.
    waiting: Vec<(u64, Flush)>,
    sleep: Duration,
    /// When boxes of other processes were last looked for.
    swept: Option<Instant>,
}

impl Writer<'_> {
    fn run(&mut self) {
        loop {
            self.stand_still_if_asked();
            self.sweep();
            self.note_flushes();
            // Read before taking: what is queued when it says so is still written.
            let closing = self.shared.state.load(Ordering::SeqCst) != state::OPEN;
            let count = self.write_batch();
            let clear = self.commit();
            self.answer_flushes(clear);
            if closing && self.shared.queue.is_empty() && clear && self.waiting.is_empty() {
                return;
            }
            if count == 0 {
                self.rest();
            } else {
                self.sleep = SHORTEST_SLEEP;
            }
        }
    }

    /// Holds still while the process forks, so that no lock is held and no batch is half written in the child.
    fn stand_still_if_asked(&self) {
        while self.shared.pause.load(Ordering::SeqCst) {
            self.shared.paused.store(true, Ordering::SeqCst);
            std::thread::park_timeout(SHORTEST_SLEEP);
        }
        self.shared.paused.store(false, Ordering::SeqCst);
    }

    /// Writes what processes that died left for this directory.
    fn sweep(&mut self) {
        if self.swept.is_some_and(|last| last.elapsed() < SWEEP) {
            return;
        }
        // Before it begins: if it panics, it is not tried at once again.
        self.swept = Some(Instant::now());
        let Some(recovered) = recovery::sweep(self.directory) else { return };
        self.shared.stats.recovered.add(recovered.records);
        for (path, reason) in &recovered.aside {
            self.shared.errors.handle("recover a black box", &format!("{reason}: set aside as {}", path.display()));
        }
        for reason in &recovered.failed {
            self.shared.errors.handle("recover a black box", reason);
        }
    }

    fn note_flushes(&mut self) {
        while let Some(flush) = self.shared.flushes.pop() {
            self.waiting.push((self.taken + self.shared.queue.len() as u64, flush));
        }
    }

    fn write_batch(&mut self) -> usize {
        let mut pipeline = self.shared.pipeline();
        if pipeline.is_ready() {
            let stats = &self.shared.stats;
            stats.queue_high_water.raise_to(self.shared.queue.depth());
            self.shared.queue.take(&mut self.batch, BATCH);
            if let Some(oldest) = self.batch.first() {
                let lag = (clock::now() - record::time_of(oldest.as_slice())).max(0).unsigned_abs() / 1_000;
                stats.lag_us.set(lag);
                stats.lag_max_us.raise_to(lag);
            }
        }
        let count = self.batch.len();
        self.taken += count as u64;
        self.undelivered = true;
        pipeline.deliver(&self.batch);
        self.undelivered = false;
        count
    }

    fn commit(&mut self) -> bool {
        let mut pipeline = self.shared.pipeline();
        pipeline.tell_drops(if self.waiting.is_empty() { NOTICE_PAUSE } else { Duration::ZERO });
        let clear = pipeline.commit();
        self.finish_batch(pipeline);
        clear
    }

    fn finish_batch(&mut self, mut pipeline: MutexGuard<'_, Pipeline>) {
        let count = self.batch.len();
        pipeline.release(&mut self.batch);
        drop(pipeline);
        if count > 0 {
            self.shared.queue.depart(count);
        }
    }

    fn answer_flushes(&mut self, clear: bool) {
        let taken = self.taken;
        self.waiting.retain(|(target, flush)| {
            let answered = taken >= *target && (clear || !flush.patient);
            if answered {
                // Whoever asked may have stopped waiting.
                let _ = flush.done.send(clear);
            }
            !answered
        });
    }

    fn rest(&mut self) {
        let shared = self.shared;
        shared.queue.waker().sleep(self.sleep, || {
            !shared.queue.is_empty() || !shared.flushes.is_empty() || shared.pause.load(Ordering::SeqCst)
        });
        self.sleep = (self.sleep * 2).min(LONGEST_SLEEP);
        if !self.waiting.is_empty() || shared.state.load(Ordering::SeqCst) != state::OPEN {
            self.sleep = SHORTEST_SLEEP;
        }
    }
}

/// Writes on the caller's thread what is in the queue of a closed pipeline. False when the pipeline is held by a writer
/// that cannot finish.
pub fn write_now(shared: &Shared, patience: Duration) -> bool {
    let started = Instant::now();
    let mut batch = Vec::new();
    loop {
        let pipeline = shared.pipeline.try_lock();
        let mut pipeline = match pipeline {
            Ok(pipeline) => pipeline,
            Err(std::sync::TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(std::sync::TryLockError::WouldBlock) if started.elapsed() < patience => {
                std::thread::sleep(SHORTEST_SLEEP);
                continue;
            }
            Err(std::sync::TryLockError::WouldBlock) => return false,
        };
        shared.queue.take(&mut batch, BATCH);
        if batch.is_empty() {
            return pipeline.commit();
        }
        pipeline.deliver(&batch);
        pipeline.commit();
        let count = batch.len();
        pipeline.release(&mut batch);
        shared.queue.depart(count);
    }
}
