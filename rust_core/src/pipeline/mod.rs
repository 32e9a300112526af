//! What happens to a batch behind the queue: route, encode, hand to the sinks, and account for every record.

mod batch;
mod notices;
mod settings;

pub use batch::Batch;
pub use notices::notice;
pub use settings::Settings;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::blackbox::{BlackBox, Journal};
use crate::clock;
use crate::encoder::{Format, Lines, Process, Whose};
use crate::error::Result;
use crate::error_handler::ErrorHandler;
use crate::fault_injection::{self, Fault};
use crate::level;
use crate::memory;
use crate::names;
use crate::outputs::FileKind;
use crate::queue::Queue;
use crate::record::{self, Record};
use crate::rotation::Rotation;
use crate::router::Router;
use crate::sink::{ConsoleProgress, ConsoleSink, DirectoryLock, FileSink, Fsync, Held};
use crate::slab::{self, Buffer};
use crate::stats::{FileStats, REASONS, Stats};
use crate::value::{OutOfMemory, Put, Value};
use notices::{DAMAGED, NO_MEMORY, lost};

/// How long a batch waits for another process to finish its own; then it is written without the lock.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// Bytes a failing sink may hold in memory before the queue is left to fill.
const BACKLOG: usize = 8 << 20;

/// Bytes encoded of one batch before they are written: a batch of large records would take as much memory again.
const GATHER: usize = 1 << 20;

#[derive(Debug)]
pub struct Pipeline {
    router: Router,
    lines: Lines,
    /// The numbers of the formats of files and console.
    file_format: usize,
    console_format: usize,
    outputs: Vec<Output>,
    console: Option<ConsoleSink>,
    lock: DirectoryLock,
    told_no_locks: bool,
    told_no_console: bool,
    fsync: Fsync,
    stats: Arc<Stats>,
    errors: Arc<ErrorHandler>,
    console_lines: Vec<u8>,
    console_count: u64,
    /// Records whose lines a failing sink still holds, by their places: until they are written, the black box keeps them too.
    held: Vec<(u64, Buffer)>,
    /// Bytes encoded since the last write.
    gathered: usize,
    /// Records seen, which also numbers them, and those of them that are known to be written or failed.
    delivered: u64,
    settled: u64,
    failed: u64,
    told_at: Option<Instant>,
}

/// A file, and what is known of it.
#[derive(Debug)]
struct Output {
    kind: FileKind,
    sink: FileSink,
    seen: Seen,
}

/// What the statistics know of a sink's own counts.
#[derive(Debug, Default)]
struct Seen {
    written: u64,
    bytes: u64,
    rotations: u64,
    syncs: u64,
    sync_errors: u64,
}

impl Output {
    /// Tells the statistics what the sink did.
    fn count(&mut self, stats: &FileStats) {
        for (count, now, seen) in [
            (&stats.written, self.sink.written(), &mut self.seen.written),
            (&stats.bytes, self.sink.bytes_written(), &mut self.seen.bytes),
            (&stats.rotations, self.sink.rotations(), &mut self.seen.rotations),
            (&stats.syncs, self.sink.syncs(), &mut self.seen.syncs),
            (&stats.sync_errors, self.sink.sync_errors(), &mut self.seen.sync_errors),
        ] {
            count.add(now - *seen);
            *seen = now;
        }
    }
}

impl Pipeline {
    /// Opens every sink.
    ///
    /// # Errors
    /// When the directory or a file cannot be made or written.
    pub fn open(
        settings: &Settings,
        black_box: Option<&BlackBox>,
        stats: &Arc<Stats>,
        errors: &Arc<ErrorHandler>,
    ) -> Result<Self> {
        crate::sink::prepare_directory(&settings.directory, settings.directory_mode)?;
        let outputs = settings
            .files
            .iter()
            .enumerate()
            .map(|(index, file)| {
                let sink = FileSink::open(crate::sink::FileSettings {
                    path: settings.directory.join(&file.name),
                    mode: settings.file_mode,
                    directory_mode: settings.directory_mode,
                    rotation: Rotation::by_size(file.max_bytes, file.backup_count),
                    fsync: settings.fsync,
                    journal: black_box.map_or(Journal::Off, |black_box| black_box.journal(index)),
                })?;
                Ok(Output { kind: file.kind, sink, seen: Seen::default() })
            })
            .collect::<Result<Vec<_>>>()?;
        let console_format = settings.console.map_or(Format::Json, |console| console.format);
        let lines = Lines::new(&Process::here(), settings.redaction.clone(), &[Format::Json, console_format]);
        Ok(Self {
            router: Router::new(Arc::clone(names::here()), &settings.files, settings.console, settings.ai.clone()),
            file_format: lines.number(Format::Json),
            console_format: lines.number(console_format),
            lines,
            outputs,
            console: settings.console.map(|_| ConsoleSink::new(Arc::clone(stats))),
            lock: DirectoryLock::open(&settings.directory, settings.file_mode)?,
            told_no_locks: false,
            told_no_console: false,
            fsync: settings.fsync,
            stats: Arc::clone(stats),
            errors: Arc::clone(errors),
            console_lines: Vec::new(),
            console_count: 0,
            held: Vec::new(),
            gathered: 0,
            delivered: 0,
            settled: 0,
            failed: 0,
            told_at: None,
        })
    }

    /// Takes a batch from the queue, and tells how many records that were: none while there are some already, and while a
    /// failing sink holds as much as it may.
    pub fn take(&mut self, queue: &Queue, batch: &mut Batch) -> usize {
        if !batch.records.is_empty() || self.outputs.iter().any(|output| output.sink.pending_bytes() >= BACKLOG) {
            return 0;
        }
        self.stats.queue_high_water.raise_to(queue.depth());
        let count = batch.take(queue);
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
            record.note_taken(self.delivered);
            let shown = (self.console_lines.len(), self.console_count);
            let line = catch_unwind(AssertUnwindSafe(|| self.deliver_one(record.as_slice(), Whose::Application)));
            if !matches!(line, Ok(true)) {
                self.console_lines.truncate(shown.0);
                self.console_count = shown.1;
                self.failed += 1;
                self.stats.failed.add(1);
                self.errors.handle("encode a record", &DAMAGED);
            }
            if self.gathered >= GATHER {
                self.commit_console();
                self.commit_files();
            }
        }
        if !batch.records.is_empty() {
            fault_injection::pass(Fault::Delivered);
        }
    }

    fn deliver_one(&mut self, bytes: &[u8], whose: Whose) -> bool {
        // SAFETY: only capture and `Builder` fill buffers, and both write texts as UTF-8.
        let Some(record) = (unsafe { Record::read(bytes) }) else { return false };
        fault_injection::pass(Fault::Route);
        // What becomes of a large record is put together in pieces that cannot fail.
        memory::expect(8 * bytes.len());
        let route = self.router.route(&record);
        let wanted = u8::from(route.files != 0) << self.file_format | u8::from(route.console) << self.console_format;
        // Everything is encoded before anything is handed on: a record whose encoding fails has gone nowhere.
        self.lines.encode(&record, whose, wanted, bytes.len());
        if route.console {
            self.console_lines.put(self.lines.of(self.console_format));
            self.console_count += 1;
        }
        let sync = match self.fsync {
            Fsync::Never => false,
            Fsync::Error => record.header.level >= level::ERROR,
            Fsync::Always => true,
        };
        if route.files != 0 {
            self.gathered += self.lines.of(self.file_format).len();
        }
        for (index, output) in self.outputs.iter_mut().enumerate() {
            if route.files & 1 << index != 0 {
                let line = self.lines.of(self.file_format);
                match whose {
                    Whose::Application => output.sink.push(line, self.delivered),
                    Whose::Library => output.sink.push_own(line, self.delivered),
                }
                fault_injection::pass(Fault::Push);
                if sync {
                    output.sink.want_sync();
                }
            }
        }
        let redacted = self.lines.take_redacted();
        if redacted > 0 {
            self.stats.redacted.add(redacted);
        }
        true
    }

    /// Hands what the sinks hold to the system. True when nothing is left in memory.
    pub fn commit(&mut self) -> bool {
        self.commit_console();
        self.commit_files();
        self.settle()
    }

    fn commit_files(&mut self) {
        self.gathered = 0;
        let now = Instant::now();
        if self.outputs.iter().any(|output| output.sink.pending_bytes() > 0 && output.sink.due(now)) {
            let (outputs, errors, stats) = (&mut self.outputs, &self.errors, &self.stats);
            let told_no_locks = &mut self.told_no_locks;
            self.lock.hold(LOCK_PATIENCE, |held| {
                match held {
                    Held::Yes => {}
                    Held::TimedOut => {
                        stats.lock_timeouts.add(1);
                        errors.handle("lock the log directory", &"another process has held it for a second");
                    }
                    Held::NotOpened => {
                        stats.lock_unopened.add(1);
                        errors.handle("lock the log directory", &"its lock file cannot be opened");
                    }
                    Held::Unsupported => {
                        stats.lock_unsupported.add(1);
                        if !std::mem::replace(told_no_locks, true) {
                            let reason = "the file system has no locks: only one process may log there";
                            errors.handle("lock the log directory", &reason);
                        }
                    }
                }
                for output in outputs.iter_mut() {
                    if let Err(error) = output.sink.write(now, held) {
                        stats.files[output.kind as usize].errors.add(1);
                        errors.handle("write", &error);
                    }
                }
            });
        }
        for output in &mut self.outputs {
            if let Err(error) = output.sink.sync(now) {
                self.errors.handle("sync", &error);
            }
        }
        self.errors.tell_remarks();
    }

    fn settle(&mut self) -> bool {
        for output in &mut self.outputs {
            output.count(&self.stats.files[output.kind as usize]);
        }
        let waiting = self.waiting();
        let settled = self.delivered.saturating_sub(self.failed + waiting);
        self.stats.written.add(settled.saturating_sub(self.settled));
        self.settled = settled.max(self.settled);
        self.outputs.iter().all(|output| output.sink.is_clear())
    }

    /// Records that at least one file still holds in memory.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        if self.outputs.iter().all(|output| output.sink.waiting().next().is_none()) {
            return 0;
        }
        self.waiting_places().len() as u64
    }

    fn waiting_places(&self) -> BTreeSet<u64> {
        self.outputs.iter().flat_map(|output| output.sink.waiting()).collect()
    }

    /// Gives back the buffers of a batch that was delivered, and of earlier ones, whose lines are all written. Tells how many
    /// records leave the queue with that.
    pub fn release(&mut self, batch: &mut Batch) -> usize {
        let count = batch.records.len();
        if count > 0 {
            fault_injection::pass(Fault::Committed);
            self.give_back(&mut batch.records);
        }
        count
    }

    /// The records of earlier batches whose lines a failing sink still holds.
    pub fn held(&self) -> impl ExactSizeIterator<Item = &Buffer> {
        self.held.iter().map(|(_, record)| record)
    }

    fn give_back(&mut self, records: &mut Vec<Buffer>) {
        if self.held.is_empty() && self.outputs.iter().all(|output| output.sink.pending_bytes() == 0) {
            return slab::give_back(records);
        }
        let first = self.delivered - records.len() as u64;
        self.held.extend((first + 1..).zip(records.drain(..)));
        let waiting = self.waiting_places();
        self.held.retain(|(place, _)| waiting.contains(place));
    }

    fn commit_console(&mut self) {
        let Some(console) = &mut self.console else { return };
        if !self.console_lines.is_empty() {
            console.send(&mut self.console_lines, self.console_count);
            self.console_count = 0;
        }
        if console.was_taken() && !std::mem::replace(&mut self.told_no_console, true) {
            let message = "there is no standard error: its number leads to a file or socket of the program's, which gets no console lines";
            self.say(level::WARNING, "console", message, &[]);
        }
    }

    /// Ends the console's thread until there is more to show; waits for it until `deadline` at most.
    pub fn rest_console(&mut self, deadline: Instant) {
        if let Some(console) = &mut self.console {
            console.rest(deadline);
        }
    }

    /// Ends the console's thread for good, as soon as it has shown what it was given; waits for it until `deadline` at most.
    pub fn end_console(&mut self, deadline: Instant) {
        if let Some(console) = &mut self.console {
            console.end(deadline);
        }
    }

    /// What tells how far the console has come, for those who do not hold the pipeline.
    #[must_use]
    pub fn console_progress(&self) -> Option<ConsoleProgress> {
        self.console.as_ref().map(ConsoleSink::progress)
    }

    /// Says in the log itself how many records were dropped since this was last said.
    pub fn tell_drops(&mut self, pause: Duration) {
        let dropped = self.stats.dropped_total();
        if self.told_at.is_some_and(|last| last.elapsed() < pause) {
            return;
        }
        // One pipeline may follow another, and each drop is told once.
        let count = dropped.saturating_sub(self.stats.dropped_told.raise_to(dropped));
        if count == 0 {
            return;
        }
        self.told_at = Some(Instant::now());
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
        if !self.say(level::WARNING, "overflow", &message, &fields[..last]) {
            // Said with the next that are.
            self.stats.dropped_told.take_back(count);
        }
    }

    /// Writes a record of the library's own. False if that came to nothing, which was told.
    pub fn say(&mut self, level: i32, function: &str, message: &str, fields: &[(&str, Value<'_>)]) -> bool {
        let made = notice(&self.errors, level, function, message, fields);
        made.is_some_and(|notice| self.say_notice(&notice))
    }

    /// Writes a record that `notice` made. False if that came to nothing, which was told.
    pub fn say_notice(&mut self, notice: &[u8]) -> bool {
        let shown = (self.console_lines.len(), self.console_count);
        let deliver = || self.deliver_one(notice, Whose::Library);
        let said = match catch_unwind(AssertUnwindSafe(deliver)) {
            Ok(true) => {
                self.stats.notices.add(1);
                return true;
            }
            Err(payload) if payload.is::<OutOfMemory>() => NO_MEMORY,
            Ok(false) | Err(_) => DAMAGED,
        };
        self.console_lines.truncate(shown.0);
        self.console_count = shown.1;
        // SAFETY: as in `deliver_one`.
        let record = unsafe { Record::read(notice) };
        lost(&self.errors, record.and_then(|record| record.message).unwrap_or_default(), said);
        false
    }
}

impl Drop for Pipeline {
    /// What was never written stays as it is in the black box, for whoever finds it there.
    fn drop(&mut self) {
        self.held.drain(..).for_each(std::mem::forget);
    }
}
