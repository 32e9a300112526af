//! The way of a batch behind the queue: route, encode, pass to the sinks, and account for every record.

mod batch;
mod locked;
mod notices;
mod rotate;
mod settings;
mod stuck;

pub use batch::Batch;
pub use notices::build_notice;
pub use settings::Settings;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::blackbox::{BlackBox, Journal};
use crate::clock;
use crate::encoder::{Process, Whose};
use crate::error::Result;
use crate::error_handler::ErrorHandler;
use crate::fault_injection::{self, Fault};
use crate::level;
use crate::memory;
use crate::names;
use crate::outputs::{Opening, Outputs};
use crate::queue::Queue;
use crate::record::{self, Record, flag};
use crate::record_metrics::RecordMetrics;
use crate::router::Route;
use crate::sink::{DirectoryLock, Fsync, Held, Progress, Sink};
use crate::slab::{self, Buffer};
use crate::stats::{REASONS, Stats, tally};
use crate::value::{OutOfMemory, Value};
use locked::{report_lock, write_sinks};
use notices::{DAMAGED, NO_MEMORY, lost};
use stuck::Streaks;

/// How long a batch waits for the batch of another process. Then it is written without the lock.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// Bytes of one batch that are encoded before they are written. Without a bound, a batch of large records would take
/// as much memory again.
const GATHER: usize = 1 << 20;

#[derive(Debug)]
pub struct Pipeline {
    outputs: Outputs,
    consoles: Route,
    /// None where no file is written.
    lock: Option<DirectoryLock>,
    no_locks_reported: bool,
    fsync: Fsync,
    stats: Arc<Stats>,
    errors: Arc<ErrorHandler>,
    /// The metrics that records make, if there are any.
    metrics: Option<RecordMetrics<'static>>,
    /// Records whose lines a failing sink still holds, by their positions. The black box keeps them until they are
    /// written.
    held: Vec<(u64, Buffer)>,
    /// Bytes encoded since the last write.
    gathered: usize,
    /// Records seen, which also numbers them, and how many of them were written or failed.
    delivered: u64,
    /// Records seen that are not counted by level yet.
    levels: [u64; tally::COUNTS],
    settled: u64,
    failed: u64,
    /// Records seen that are for metrics alone.
    aside: u64,
    drops_reported_at: Option<Instant>,
    streaks: Streaks,
    stuck_reported_at: Option<Instant>,
}

impl Pipeline {
    /// Opens every output.
    ///
    /// # Errors
    /// When the directory or a file cannot be made or written.
    pub fn open(
        settings: &Settings,
        black_box: Option<&BlackBox>,
        stats: &Arc<Stats>,
        errors: &Arc<ErrorHandler>,
    ) -> Result<Self> {
        let directory = settings.directory.as_deref();
        directory.map_or(Ok(()), |directory| crate::sink::prepare_directory(directory, settings.directory_mode))?;
        let outputs = Outputs::open(
            &settings.to,
            Opening {
                directory,
                directory_mode: settings.directory_mode,
                fsync: settings.fsync,
                journal: &|file| black_box.map_or(Journal::Off, |black_box| black_box.journal(file)),
                stats,
                redaction: settings.redaction.clone(),
                process: Process::here(),
                goes_on: false,
                is_start: true,
            },
        )?;
        // Their counts are there from the start.
        settings.to.metrics.iter().for_each(|rule| drop(stats.metrics.of(&rule.name)));
        Ok(Self {
            consoles: outputs.consoles(),
            outputs,
            lock: directory.map(|directory| DirectoryLock::open(directory, settings.file_mode)).transpose()?,
            no_locks_reported: false,
            fsync: settings.fsync,
            stats: Arc::clone(stats),
            errors: Arc::clone(errors),
            metrics: RecordMetrics::open(
                &settings.to.metrics,
                &settings.to.ai,
                &stats.words(),
                settings.redaction.clone(),
                names::here(),
            ),
            held: Vec::new(),
            gathered: 0,
            delivered: 0,
            levels: [0; tally::COUNTS],
            settled: 0,
            failed: 0,
            aside: 0,
            drops_reported_at: None,
            streaks: Streaks::default(),
            stuck_reported_at: None,
        })
    }

    /// Drains a batch from the queue, and returns how many records that were. It is none while the last batch is not given back, and while
    /// a failing sink holds as much as it may.
    pub fn drain(&mut self, queue: &Queue, batch: &mut Batch) -> usize {
        if !batch.records.is_empty() || !self.may_take_more(queue) {
            return 0;
        }
        self.stats.queue_records.set(queue.depth());
        self.stats.queue_high_water.raise_to(queue.depth());
        let count = batch.drain(queue);
        if let Some(oldest) = batch.records.first() {
            let lag = (clock::now() - record::time_of(oldest.as_slice())).max(0).unsigned_abs() / 1_000;
            self.stats.lag_us.set(lag);
            self.stats.lag_max_us.raise_to(lag);
        }
        count
    }

    /// Routes and encodes a batch into the sinks' memory. One record that fails never takes another with it.
    pub fn deliver(&mut self, batch: &mut Batch) {
        if !batch.records.is_empty() {
            fault_injection::pass(Fault::Taken);
        }
        while let Some(record) = batch.next() {
            self.delivered += 1;
            record.note_position(self.delivered);
            let is_aside = record::is_aside(record.as_slice());
            if is_aside {
                self.aside += 1;
            } else {
                self.levels[level::bucket(record::level_of(record.as_slice()))] += 1;
                self.levels[level::NAMES.len()] += record::suppressed_of(record.as_slice());
            }
            let line = catch_unwind(AssertUnwindSafe(|| self.deliver_one(record.as_slice(), Whose::Application)));
            if !matches!(line, Ok(true)) && !is_aside {
                self.failed += 1;
                self.stats.failed.add(1);
                self.errors.handle("encode a record", &DAMAGED);
            }
            if self.gathered >= GATHER {
                self.write();
            }
        }
        if !batch.records.is_empty() {
            // Before any of them is given back: a recovery finds each in the box, or counted.
            self.stats.taken.add(self.delivered, std::mem::take(&mut self.levels));
            fault_injection::pass(Fault::Delivered);
        }
    }

    fn deliver_one(&mut self, bytes: &[u8], whose: Whose) -> bool {
        // SAFETY: only capture and `Builder` fill buffers, and both write texts as UTF-8.
        let Some(record) = (unsafe { Record::read(bytes) }) else { return false };
        let is_counted = record.header.flags & flag::COUNTED != 0;
        if let (Some(metrics), Whose::Application, false) = (&mut self.metrics, whose, is_counted) {
            let (words, position) = (self.stats.words(), self.delivered);
            // A metric that fails takes no record with it.
            if catch_unwind(AssertUnwindSafe(|| metrics.count(&record, position, &words))).is_err() {
                self.errors.handle("count a record in metrics", &DAMAGED);
            }
        }
        if record.header.flags & flag::ASIDE != 0 {
            return true;
        }
        memory::expect_to_encode(bytes);
        let mut route = self.outputs.route(&record);
        if record.header.flags & flag::CONSOLE_DONE != 0 {
            route &= !self.consoles;
        }
        self.gathered += self.outputs.put(&record, whose, route, self.delivered, bytes.len());
        let is_synced = match self.fsync {
            Fsync::Never => false,
            Fsync::Error => record.header.level >= level::ERROR,
            Fsync::Always => true,
        };
        if is_synced {
            self.outputs.of_route(route).for_each(|sink| sink.want_sync());
        }
        let redacted = self.outputs.take_redacted();
        if redacted > 0 {
            self.stats.redacted.add(redacted);
        }
        true
    }

    /// Hands what the sinks hold to the system. True when nothing is left in memory.
    pub fn commit(&mut self) -> bool {
        self.write();
        self.settle()
    }

    fn write(&mut self) {
        self.gathered = 0;
        let now = Instant::now();
        let Self { outputs, lock, no_locks_reported, stats, errors, .. } = self;
        write_sinks(outputs, false, now, Held::NotOpened, errors);
        let is_due = |sink: &dyn Sink| sink.needs_lock() && sink.pending_bytes() > 0 && sink.is_due(now);
        if let Some(lock) = lock
            && outputs.sinks().any(is_due)
        {
            lock.hold(LOCK_PATIENCE, |held| {
                report_lock(held, stats, errors, no_locks_reported);
                write_sinks(outputs, true, now, held, errors);
            });
        }
        for sink in self.outputs.sinks_mut() {
            if let Err(error) = sink.sync(now) {
                self.errors.handle("sync", &error);
            }
        }
        self.give_up_broken();
        self.streaks.note(&self.outputs);
        self.errors.report_remarks();
        self.report_complaints();
    }

    fn report_complaints(&mut self) {
        let complaints: Vec<_> = self.outputs.sinks_mut().filter_map(|sink| sink.take_complaint()).collect();
        for message in complaints {
            self.notice(level::WARNING, "console", &message, &[]);
        }
    }

    fn settle(&mut self) -> bool {
        let waiting = self.waiting();
        let settled = self.delivered.saturating_sub(self.failed + self.aside + waiting);
        self.stats.written.add(settled.saturating_sub(self.settled));
        self.settled = settled.max(self.settled);
        self.outputs.sinks().all(Sink::is_clear)
    }

    /// Records that at least one sink still holds in memory.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        if self.has_nothing_pending() { 0 } else { self.waiting_positions().len() as u64 }
    }

    /// Whether no sink has anything to write.
    #[must_use]
    pub fn has_nothing_pending(&self) -> bool {
        self.outputs.sinks().all(|sink| sink.pending_bytes() == 0)
    }

    fn waiting_positions(&self) -> BTreeSet<u64> {
        let mut positions = BTreeSet::new();
        self.outputs.sinks().for_each(|sink| sink.put_waiting(&mut positions));
        positions
    }

    /// Gives back the buffers of a delivered batch, and of earlier batches, whose lines are all written. Returns how
    /// many records leave the queue by this.
    pub fn release(&mut self, batch: &mut Batch) -> usize {
        let count = batch.records.len();
        if count > 0 {
            fault_injection::pass(Fault::Committed);
            self.give_back(&mut batch.records);
        } else if !self.held.is_empty() && self.has_nothing_pending() {
            slab::give_back(&mut self.held.drain(..).map(|(_, record)| record).collect());
        }
        count
    }

    /// Whether a sink has more to write, and is waited for by its own writing.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.outputs.sinks().any(Sink::goes_on)
    }

    /// Whether a sink has lost the lines that it was given last.
    #[must_use]
    pub fn has_lost(&self) -> bool {
        self.outputs.sinks().any(Sink::has_lost)
    }

    /// Whether what is not written yet has failed, and is not only slow.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.outputs.sinks().any(Sink::has_failed)
    }

    /// The records of earlier batches whose lines a failing sink still holds.
    pub fn held(&self) -> impl ExactSizeIterator<Item = &Buffer> {
        self.held.iter().map(|(_, record)| record)
    }

    fn give_back(&mut self, records: &mut Vec<Buffer>) {
        if self.held.is_empty() && self.has_nothing_pending() {
            return slab::give_back(records);
        }
        let first = self.delivered - records.len() as u64;
        self.held.extend((first + 1..).zip(records.drain(..)));
        let waiting = self.waiting_positions();
        self.held.retain(|(position, _)| waiting.contains(position));
    }

    /// Ends the threads of sinks until there is more to write. Waits for them until `deadline` at most.
    pub fn pause_sinks(&mut self, deadline: Instant) {
        self.outputs.sinks_mut().for_each(|sink| sink.pause(deadline));
    }

    /// Ends the threads of sinks once they have written what they were given. Waits for them until `deadline` at most.
    pub fn end_sinks(&mut self, deadline: Instant) {
        self.outputs.sinks_mut().for_each(|sink| sink.end(deadline));
    }

    /// The progress of the sinks behind threads, for threads that do not hold the pipeline.
    #[must_use]
    pub fn progress(&self) -> Vec<Progress> {
        self.outputs.sinks().filter_map(Sink::progress).collect()
    }

    /// Reports in the log how many records were dropped since the last report.
    pub fn report_drops(&mut self, interval: Duration) {
        let dropped = self.stats.dropped_total();
        if self.drops_reported_at.is_some_and(|last| last.elapsed() < interval) {
            return;
        }
        // One pipeline may follow another, and each drop is reported once.
        let count = dropped.saturating_sub(self.stats.dropped_reported.raise_to(dropped));
        if count == 0 {
            return;
        }
        self.drops_reported_at = Some(Instant::now());
        let message = format!("{count} records dropped");
        let integer = |count: u64| Value::Integer(i64::try_from(count).unwrap_or(i64::MAX));
        let mut fields = [("dropped", integer(count)); REASONS.len() + 1];
        let mut last = 1;
        for (reason, levels) in self.stats.dropped() {
            let total = levels.iter().sum();
            if total > 0 {
                fields[last] = (reason, integer(total));
                last += 1;
            }
        }
        if !self.notice(level::WARNING, "overflow", &message, &fields[..last]) {
            // Reported with the next drops.
            self.stats.dropped_reported.take_back(count);
        }
    }

    /// Writes a record of the library's own. False if that failed, which was reported.
    pub fn notice(&mut self, level: i32, function: &str, message: &str, fields: &[(&str, Value<'_>)]) -> bool {
        let made = build_notice(&self.errors, level, function, message, fields);
        made.is_some_and(|notice| self.write_notice(&notice))
    }

    /// Writes a record that `build_notice` made. False if that failed, which was reported.
    pub fn write_notice(&mut self, notice: &[u8]) -> bool {
        let deliver = || self.deliver_one(notice, Whose::Library);
        let reason = match catch_unwind(AssertUnwindSafe(deliver)) {
            Ok(true) => {
                self.stats.notices.add(1);
                return true;
            }
            Err(payload) if payload.is::<OutOfMemory>() => NO_MEMORY,
            Ok(false) | Err(_) => DAMAGED,
        };
        // SAFETY: as in `deliver_one`.
        let record = unsafe { Record::read(notice) };
        lost(&self.errors, record.and_then(|record| record.message).unwrap_or_default(), reason);
        false
    }
}

impl Drop for Pipeline {
    /// Records that were never written stay in the black box, for a recovery.
    fn drop(&mut self) {
        self.held.drain(..).for_each(std::mem::forget);
    }
}
