//! A sink behind a thread of its own, for all that may block: a terminal, a pipe, whatever is far away. It never holds up the files.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::error::Result;
use crate::memory;
use crate::stats::{Count, StreamStats};
use crate::value::Put;
use crate::worker::Worker;

use super::{Held, Origin, Sink};

/// Batches whose memory is kept for others: one is filled while one is written.
const SPARE: usize = 1;
/// A target that takes nothing for so long is blocked.
const BLOCKED: Duration = Duration::from_millis(500);

/// What is written to behind the thread.
pub trait Target: fmt::Debug + Clone + Send + 'static {
    /// The name of the thread.
    const THREAD: &'static str;
    /// Batches and bytes that the thread may lag behind; beyond, lines are dropped and counted.
    const BATCHES: usize = 64;
    const BYTES: u64 = 1 << 20;

    /// Writes the lines of a batch, however long that takes. What it opens for that it may keep: each thread has a clone of its own.
    /// Records that it does not count are counted when it returns.
    ///
    /// # Errors
    /// When it takes them no more. They are counted as dropped, and not tried again.
    fn write(&mut self, batch: &Arc<Batch>) -> io::Result<()>;

    /// What must be said, once, of a target that has just failed.
    fn complaint(&self) -> Option<String>;

    /// Whether this thread does what the target waits for, so that it must not wait for the target.
    #[must_use]
    fn is_waiting_for_this_thread() -> bool {
        false
    }
}

#[derive(Debug)]
struct Counts {
    /// See `Target::is_waiting_for_this_thread`.
    is_waiting_for_this_thread: fn() -> bool,
    /// Bytes sent and not yet written.
    pending: AtomicU64,
    /// How often records were counted, and how often that was when the target was last found blocked.
    passed: AtomicU64,
    blocked: AtomicU64,
    /// What the target has to complain of.
    complaint: OnceLock<String>,
}

impl Counts {
    fn of<T: Target>() -> Self {
        Self {
            is_waiting_for_this_thread: T::is_waiting_for_this_thread,
            pending: AtomicU64::new(0),
            passed: AtomicU64::new(0),
            blocked: AtomicU64::new(0),
            complaint: OnceLock::new(),
        }
    }
}

/// Lines of some records, one after the other, which are counted as they are written.
#[derive(Debug, Default)]
pub struct Records {
    bytes: Vec<u8>,
    /// Where the lines of each record end: a record may have several.
    ends: Vec<usize>,
}

impl Records {
    fn push(&mut self, lines: &[u8]) {
        if self.ends.try_reserve(1).is_err() {
            memory::give_up();
        }
        self.bytes.put(lines);
        self.ends.push(self.bytes.len());
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Whole lines of all records, newlines included.
    #[must_use]
    pub fn lines(&self) -> &[u8] {
        &self.bytes
    }

    /// The lines of one record, newlines included.
    #[must_use]
    pub fn of(&self, number: usize) -> Option<&[u8]> {
        let begin = number.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.bytes.get(begin..*self.ends.get(number)?)
    }

    #[must_use]
    pub fn count(&self) -> usize {
        self.ends.len()
    }
}

/// Records on their way to a target.
#[derive(Debug)]
pub struct Batch {
    records: Records,
    /// How many of them are counted as written or dropped.
    counted: AtomicU64,
    stats: Arc<StreamStats>,
    counts: Arc<Counts>,
}

impl Batch {
    #[must_use]
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// Counts the next record as written.
    pub fn count_written(&self) {
        self.count(1, &self.stats.written);
    }

    /// Counts all records that were not counted yet as dropped.
    pub fn count_dropped(&self) {
        self.count(self.left(), &self.stats.dropped);
    }

    fn left(&self) -> u64 {
        (self.records.ends.len() as u64).saturating_sub(self.counted.load(Ordering::Relaxed))
    }

    fn count(&self, records: u64, count: &Count) {
        count.add(records);
        self.stats.waiting.take_back(records);
        self.counted.fetch_add(records, Ordering::Relaxed);
        self.counts.passed.fetch_add(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
pub struct Behind<T> {
    target: T,
    /// Where lines are counted: they go on over sinks that take each other's place.
    stats: Arc<StreamStats>,
    counts: Arc<Counts>,
    thread: Option<Thread>,
    /// The next batch.
    records: Records,
    has_complained: bool,
}

#[derive(Debug)]
struct Thread {
    /// None once it is to end, which it does when all that it was sent is shown.
    batches: Option<Sender<Arc<Batch>>>,
    /// Memory that comes back, so that none is asked for at each batch.
    spare: Receiver<Records>,
    worker: Worker,
}

impl<T: Target> Behind<T> {
    /// Starts nothing: the thread comes with the first line.
    #[must_use]
    pub fn new(target: T, stats: Arc<StreamStats>) -> Self {
        let (records, counts) = (Records::default(), Arc::new(Counts::of::<T>()));
        Self { target, stats, counts, thread: None, records, has_complained: false }
    }
}

impl<T: Target> Sink for Behind<T> {
    fn push(&mut self, lines: &[u8], _origin: Origin) {
        self.records.push(lines);
    }

    fn pending_bytes(&self) -> usize {
        self.records.bytes.len()
    }

    /// Never waits, and never fails: what finds no room is dropped and counted.
    fn write(&mut self, _now: Instant, _held: Held) -> Result<()> {
        if self.records.bytes.is_empty() {
            return Ok(());
        }
        let (counts, lines) = (&self.counts, self.records.ends.len() as u64);
        let size = self.records.bytes.len() as u64;
        let full = counts.pending.load(Ordering::Relaxed) > 0
            && counts.pending.load(Ordering::Relaxed).saturating_add(size) > T::BYTES;
        // One that is to end and does not yet is blocked: a second would write lines before those that it has.
        if self.thread.as_ref().is_none_or(|thread| thread.batches.is_none() && thread.worker.is_at_its_end()) {
            self.thread = start(self.target.clone());
        }
        counts.pending.fetch_add(size, Ordering::Relaxed);
        self.stats.waiting.add(lines);
        let sent = match &self.thread {
            Some(Thread { batches: Some(batches), spare, .. }) if !full => {
                let records = std::mem::replace(&mut self.records, spare.try_recv().unwrap_or_default());
                let (stats, counts) = (Arc::clone(&self.stats), Arc::clone(counts));
                batches.try_send(Arc::new(Batch { records, counted: AtomicU64::new(0), stats, counts })).is_ok()
            }
            _ => false,
        };
        if !sent {
            self.records.clear();
            counts.pending.fetch_sub(size, Ordering::Relaxed);
            self.stats.waiting.take_back(lines);
            self.stats.dropped.add(lines);
        }
        Ok(())
    }

    fn take_complaint(&mut self) -> Option<String> {
        let complaint = self.counts.complaint.get().filter(|_| !self.has_complained)?;
        self.has_complained = true;
        Some(complaint.clone())
    }

    fn progress(&self) -> Option<Progress> {
        Some(Progress(Arc::clone(&self.counts)))
    }

    fn pause(&mut self, deadline: Instant) {
        if !Progress(Arc::clone(&self.counts)).wait(deadline.saturating_duration_since(Instant::now())) {
            return;
        }
        if let Some(Thread { batches, worker, .. }) = self.thread.take() {
            drop(batches);
            // One that is slow to go has nothing left to do.
            let _ = worker.end(deadline);
        }
    }

    fn end(&mut self, deadline: Instant) {
        self.pause(deadline);
        if let Some(thread) = &mut self.thread {
            thread.batches = None;
        }
    }
}

/// How far a sink behind a thread has come.
#[derive(Clone, Debug)]
pub struct Progress(Arc<Counts>);

impl Progress {
    /// Waits until everything sent is written, at most `timeout`, and not again while the target stays blocked. Does not wait for what this
    /// thread would have to do.
    #[must_use]
    pub fn wait(&self, timeout: Duration) -> bool {
        let counts = &self.0;
        if (counts.is_waiting_for_this_thread)() {
            return counts.pending.load(Ordering::Acquire) == 0;
        }
        let started = Instant::now();
        while counts.pending.load(Ordering::Acquire) > 0 {
            // One more than passed: nought is for a target that was never found blocked.
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

fn start<T: Target>(target: T) -> Option<Thread> {
    let (batches, receiver) = bounded(T::BATCHES);
    let (back, spare) = bounded(SPARE);
    let worker = Worker::start(T::THREAD, move || run(target, &receiver, &back)).ok()?;
    Some(Thread { batches: Some(batches), spare, worker })
}

/// Ends when the sink goes.
fn run<T: Target>(mut target: T, batches: &Receiver<Arc<Batch>>, back: &Sender<Records>) {
    for batch in batches {
        if let Ok(Ok(())) = catch_unwind(AssertUnwindSafe(|| target.write(&batch))) {
            batch.count(batch.left(), &batch.stats.written);
        } else {
            // Closed, most likely, or a panic: nowhere is left to tell it but the statistics.
            if let Some(complaint) = target.complaint() {
                let _ = batch.counts.complaint.set(complaint);
            }
            batch.count_dropped();
        }
        batch.counts.pending.fetch_sub(batch.records.bytes.len() as u64, Ordering::Release);
        if let Some(Batch { mut records, .. }) = Arc::into_inner(batch) {
            records.clear();
            // Where there is enough of it already, it goes.
            let _ = back.try_send(records);
        }
    }
}
