//! Standard error, behind a thread of its own: a terminal or a pipe that blocks never holds up the files.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::fault_injection::{self, Fault};
use crate::platform;
use crate::stats::Stats;
use crate::worker::Worker;

/// Batches the thread may lag behind; beyond, lines are dropped and counted.
const BATCHES: usize = 64;
const BYTES: u64 = 1 << 20;
/// Batches whose memory is kept for others: one is filled while one is shown.
const SPARE: usize = 1;
/// A console that shows nothing for so long is blocked.
const BLOCKED: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
struct Counts {
    /// Bytes sent and not yet written.
    pending: AtomicU64,
    /// Batches that are no longer pending, and how many there were when the console was last found blocked.
    passed: AtomicU64,
    blocked: AtomicU64,
    /// Whether number 2 was found to be no standard error.
    taken: AtomicBool,
}

#[derive(Debug)]
struct Batch {
    bytes: Vec<u8>,
    lines: u64,
}

#[derive(Debug)]
pub struct ConsoleSink {
    /// Where lines are counted: they go on over sinks that take each other's place.
    stats: Arc<Stats>,
    counts: Arc<Counts>,
    thread: Option<Thread>,
}

#[derive(Debug)]
struct Thread {
    /// None once it is to end, which it does when all that it was sent is shown.
    batches: Option<Sender<Batch>>,
    /// Memory that comes back, so that none is asked for at each batch.
    spare: Receiver<Vec<u8>>,
    worker: Worker,
}

impl ConsoleSink {
    /// Starts nothing: the thread comes with the first line.
    #[must_use]
    pub fn new(stats: Arc<Stats>) -> Self {
        Self { stats, counts: Arc::default(), thread: None }
    }

    /// Hands over `lines` whole lines, and leaves `bytes` empty. Never waits: what finds no room is dropped and counted.
    pub fn send(&mut self, bytes: &mut Vec<u8>, lines: u64) {
        let counts = &self.counts;
        let size = bytes.len() as u64;
        let full = counts.pending.load(Ordering::Relaxed) > 0
            && counts.pending.load(Ordering::Relaxed).saturating_add(size) > BYTES;
        // One that is to end and does not yet is blocked: a second would show lines before those that it has.
        if self.thread.as_ref().is_none_or(|thread| thread.batches.is_none() && thread.worker.is_at_its_end()) {
            self.thread = start(Arc::clone(&self.stats), Arc::clone(counts));
        }
        counts.pending.fetch_add(size, Ordering::Relaxed);
        let sent = match &self.thread {
            Some(Thread { batches: Some(batches), spare, .. }) if !full => {
                let spare = spare.try_recv().unwrap_or_default();
                batches.try_send(Batch { bytes: std::mem::replace(bytes, spare), lines }).is_ok()
            }
            _ => false,
        };
        if !sent {
            bytes.clear();
            counts.pending.fetch_sub(size, Ordering::Relaxed);
            self.stats.console_dropped.add(lines);
        }
    }

    /// Ends the thread, unless what it was sent is not shown at `deadline`; the next line starts another.
    pub fn rest(&mut self, deadline: Instant) {
        if !self.progress().wait(deadline.saturating_duration_since(Instant::now())) {
            return;
        }
        if let Some(Thread { batches, worker, .. }) = self.thread.take() {
            drop(batches);
            // One that is slow to go has nothing left to do.
            let _ = worker.end(deadline);
        }
    }

    /// Ends the thread: at once, if what it was sent is shown at `deadline`, else as soon as it is. A line that comes later starts
    /// another.
    pub fn end(&mut self, deadline: Instant) {
        self.rest(deadline);
        if let Some(thread) = &mut self.thread {
            thread.batches = None;
        }
    }

    /// Whether it has turned out that there is no standard error, but something else in its place. Tells it once.
    #[must_use]
    pub fn was_taken(&self) -> bool {
        self.counts.taken.load(Ordering::Relaxed) && self.counts.taken.swap(false, Ordering::Relaxed)
    }

    #[must_use]
    pub fn progress(&self) -> ConsoleProgress {
        ConsoleProgress(Arc::clone(&self.counts))
    }
}

/// How far a console has come.
#[derive(Clone, Debug)]
pub struct ConsoleProgress(Arc<Counts>);

impl ConsoleProgress {
    /// Waits until everything sent is shown, at most `timeout`, and not again while the console stays blocked.
    #[must_use]
    pub fn wait(&self, timeout: Duration) -> bool {
        let counts = &self.0;
        let started = Instant::now();
        while counts.pending.load(Ordering::Acquire) > 0 {
            // One more than passed: nought is for a console that was never found blocked.
            let passed = counts.passed.load(Ordering::Relaxed) + 1;
            if counts.blocked.load(Ordering::Relaxed) == passed {
                return false;
            }
            if started.elapsed() >= timeout {
                if timeout >= BLOCKED {
                    counts.blocked.store(passed, Ordering::Relaxed);
                }
                return false;
            }
            thread::sleep(Duration::from_micros(200));
        }
        true
    }
}

fn start(stats: Arc<Stats>, counts: Arc<Counts>) -> Option<Thread> {
    let (batches, receiver) = bounded(BATCHES);
    let (back, spare) = bounded(SPARE);
    let worker = Worker::start("unified_console", move || run(&receiver, &back, &stats, &counts)).ok()?;
    Some(Thread { batches: Some(batches), spare, worker })
}

/// Ends when the sink goes.
fn run(batches: &Receiver<Batch>, back: &Sender<Vec<u8>>, stats: &Stats, counts: &Counts) {
    let mut told = false;
    for mut batch in batches {
        let write = || {
            fault_injection::pass(Fault::Console);
            platform::write_stderr_patiently(&batch.bytes)
        };
        let count = match catch_unwind(AssertUnwindSafe(write)) {
            Ok(Ok(())) => &stats.console_written,
            // Closed, most likely, or a panic: nowhere is left to tell it but the statistics.
            Ok(Err(_)) | Err(_) => {
                if !told && platform::is_standard_error_taken() {
                    told = true;
                    counts.taken.store(true, Ordering::Relaxed);
                }
                &stats.console_dropped
            }
        };
        count.add(batch.lines);
        counts.passed.fetch_add(1, Ordering::Relaxed);
        counts.pending.fetch_sub(batch.bytes.len() as u64, Ordering::Release);
        batch.bytes.clear();
        // Where there is enough of it already, it goes.
        let _ = back.try_send(batch.bytes);
    }
}
