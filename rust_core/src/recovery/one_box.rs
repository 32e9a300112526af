//! One box: which of its records are in their files already, and writing the others.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Recovered;
use super::appended::{find, read_from};
use super::counted::counted;
use crate::blackbox::{self, Contents, Foreign, Journal, Ownerless, RecoveryNote};
use crate::clock;
use crate::encoder::{Process, Whose};
use crate::error::{Error, Result};
use crate::fault_injection::{self, Fault};
use crate::level;
use crate::metrics;
use crate::names::Names;
use crate::outputs::{self, Opening, Outputs};
use crate::platform::{self, OwnFile};
use crate::record::{Builder, Record, flag};
use crate::record_metrics::{self, RecordMetrics};
use crate::redaction::Rules;
use crate::router::Route;
use crate::sampling::rules::{FUNCTION, Summary, build_summary, untold_of};
use crate::sink::{DirectoryLock, Fsync, Held};
use crate::stats::{self, FileStats, Stats, tally};
use crate::value::Value;

/// How long a recovery waits for the log directory's lock.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
/// How long a recovery waits for the reader of a stream, and how long between two attempts.
const STREAM_PATIENCE: Duration = Duration::from_millis(500);
const STREAM_PAUSE: Duration = Duration::from_millis(1);

/// Recovers a box. It breaks off while other processes keep the log directory's lock, since the next box would need
/// the same lock.
pub(super) fn recover(
    directory: Option<&Path>,
    found: Ownerless,
    copied: bool,
    recovered: &mut Recovered,
) -> ControlFlow<()> {
    fault_injection::pass(Fault::Recover);
    let path = found.path.clone();
    let bytes = match found.read() {
        Ok(bytes) => bytes,
        Err(error) => {
            recovered.failed.push(format!("{}: {error}", path.display()));
            return ControlFlow::Continue(());
        }
    };
    if blackbox::is_spent(&bytes) {
        // If this process may not remove the box, a process that may comes later.
        let _ = found.remove();
        return ControlFlow::Continue(());
    }
    let contents = match blackbox::read(&bytes) {
        Ok(contents) => contents,
        Err(foreign) => {
            set_aside(&found, &foreign, recovered);
            return ControlFlow::Continue(());
        }
    };
    let damaged = contents.damaged;
    let counted = counted(&bytes, &contents);
    if contents.records.is_empty() && damaged == 0 && untold_of(&counted) == 0 {
        // The box holds nothing, so it does no harm if it stays.
        recovered.boxes += u64::from(remove(directory, &found, &counted, None).is_ok());
        return ControlFlow::Continue(());
    }
    // Without a log directory there is no place for files.
    let outputs = outputs::Settings::of_box(&contents.settings.outputs);
    let Some(outputs) = outputs.filter(|outputs| directory.is_some() || !outputs.has_files()) else {
        set_aside(&found, &Foreign::Damaged("settings"), recovered);
        return ControlFlow::Continue(());
    };
    let written = write(directory, &found.file, &bytes, contents, &outputs, counted, copied).and_then(|mut done| {
        let before = stats::value_in(&done.counted, stats::RECOVERED).unwrap_or_default();
        stats::set_in(&mut done.counted, stats::RECOVERED, before + done.count);
        remove(directory, &found, &done.counted, done.more.as_deref()).map(|()| done.count)
    });
    match written {
        Ok(count) => {
            recovered.boxes += 1;
            recovered.records += count;
            recovered.kept += if directory.is_some() { count } else { 0 };
            recovered.damaged += damaged;
        }
        Err(error) => {
            recovered.failed.push(format!("{}: {error}", path.display()));
            if matches!(&error, Error::Io { source, .. } if source.kind() == io::ErrorKind::WouldBlock) {
                return ControlFlow::Break(());
            }
        }
    }
    ControlFlow::Continue(())
}

/// Removes a box whose records are all written, once its counts are kept.
fn remove(directory: Option<&Path>, found: &Ownerless, counted: &[u64], more: Option<&[u64]>) -> Result<()> {
    if let Some(directory) = directory {
        let name = found.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        metrics::keep(directory, name, counted, more)?;
    }
    found.remove().map_err(|error| Error::io("remove", &found.path, error))
}

/// Sets aside a box that cannot be read, for people to inspect.
fn set_aside(found: &Ownerless, foreign: &Foreign, recovered: &mut Recovered) {
    match found.set_aside() {
        Ok(aside) => recovered.aside.push((aside, foreign.to_string())),
        Err(error) => recovered.failed.push(format!("{}: {foreign}; {error}", found.path.display())),
    }
}

/// What a recovery has done.
struct Done {
    /// How many records were written, earlier recoveries included.
    count: u64,
    /// What was counted with them.
    counted: Vec<u64>,
    /// A block of what the records count that the writer had not come to.
    more: Option<Vec<u64>>,
}

/// Writes the records of a box that are not in its files yet.
fn write(
    directory: Option<&Path>,
    file: &Arc<OwnFile>,
    bytes: &[u8],
    contents: Contents,
    outputs: &outputs::Settings,
    mut counted: Vec<u64>,
    copied: bool,
) -> Result<Done> {
    let place = directory.unwrap_or(Path::new("a standard stream"));
    let here = |error| Error::io("go on with the recovery in", place, error);
    let file_mode = contents.settings.file_mode;
    let body = |held| {
        if held == Held::TimedOut {
            return Err(here(io::ErrorKind::WouldBlock.into()));
        }
        let mut recovery = Recovery::open(directory, bytes, contents, outputs, file)?;
        recovery.leave_out_what_landed(copied)?;
        recovery.count_lines(&counted, file).map_err(here)?;
        let noted = recovery.note(file).map_err(here)?;
        recovery.push_all(noted, untold_of(&counted));
        fault_injection::pass(Fault::Noted);
        let written = recovery.write_all(held);
        if !matches!(written, Ok(true)) {
            // The stream gets other lines before it gets these again.
            recovery.outputs.sinks_mut().for_each(|sink| sink.leave_line());
        }
        if !written? {
            return Err(here(io::ErrorKind::WouldBlock.into()));
        }
        recovery.put_lines(&mut counted);
        let untold = untold_of(&counted);
        tally::tell(&mut counted, untold);
        let more = recovery.count_records(outputs, &counted);
        Ok(Done { count: noted.count, counted, more })
    };
    match directory {
        Some(directory) => DirectoryLock::open(directory, file_mode)?.hold(LOCK_PATIENCE, body),
        // Nobody else's records are in the way.
        None => body(Held::Unsupported),
    }
}

/// One box on its way into its files.
struct Recovery<'a> {
    directory: Option<&'a Path>,
    bytes: &'a [u8],
    contents: Contents,
    /// The name of each file; none where streams are written.
    names: Vec<&'a str>,
    outputs: Outputs,
    /// What its records refer to, and what must not be shown of them.
    records_names: Arc<Names>,
    redaction: Option<Arc<Rules>>,
    /// For each record the files that lack it.
    wanted: Vec<Route>,
    /// The counts of each file, by the name of its output. Those of the process that died go on.
    counts: Vec<(&'a str, Arc<FileStats>)>,
    /// How many lines of records each file has since the append that its process had begun when it died.
    landed: Vec<u64>,
}

impl<'a> Recovery<'a> {
    fn open(
        directory: Option<&'a Path>,
        bytes: &'a [u8],
        mut contents: Contents,
        settings: &'a outputs::Settings,
        journal: &Arc<OwnFile>,
    ) -> Result<Self> {
        let (records_names, redaction) = (Arc::new(std::mem::take(&mut contents.names)), contents.redaction.take());
        let outputs = Outputs::open(
            settings,
            Opening {
                directory,
                directory_mode: contents.settings.directory_mode,
                fsync: Fsync::Never,
                journal: &|index| Journal::InFile { file: Arc::clone(journal), index },
                // Records of another process are not counted here.
                stats: Stats::unread(),
                redaction: redaction.clone(),
                process: Process {
                    names: Arc::clone(&records_names),
                    id: contents.process,
                    is_dead: true,
                    fields: Arc::default(),
                },
                goes_on: true,
                is_start: false,
            },
        )?;
        let names: Vec<&str> =
            settings.outputs.iter().filter_map(|output| output.to.file()).map(|file| &*file.name).collect();
        let of_files = settings.outputs.iter().filter(|output| output.to.file().is_some());
        let counts = of_files.map(|output| (&*output.name, Stats::unread().files.of(&output.name))).collect();
        let wanted = vec![0; contents.records.len()];
        let landed = vec![0; names.len()];
        let mut recovery =
            Self { directory, bytes, contents, names, outputs, records_names, redaction, wanted, counts, landed };
        for index in 0..recovery.wanted.len() {
            let record = recovery.record(index);
            let mut route = recovery.outputs.route(&record);
            if record.header.flags & flag::CONSOLE_DONE != 0 {
                route &= !recovery.outputs.consoles();
            }
            if record.header.flags & flag::ASIDE != 0 {
                route = 0;
            }
            let position = recovery.contents.records[index].position;
            let files = recovery.contents.journal[..settings.outputs.len()].iter().enumerate();
            recovery.wanted[index] = files
                .filter(|(_, entry)| position > entry.passed)
                .fold(0, |wanted, (file, _)| wanted | route & 1 << file);
        }
        Ok(recovery)
    }

    fn record(&self, index: usize) -> Record<'a> {
        let range = self.contents.records[index].bytes.clone();
        // SAFETY: the reader has checked every record that it found.
        unsafe { Record::read(&self.bytes[range]) }.unwrap_or_else(|| unreachable!("checked by the reader"))
    }

    /// Searches each file that was being appended to, for records that are there already.
    fn leave_out_what_landed(&mut self, copied: bool) -> Result<()> {
        let Some(directory) = self.directory else { return Ok(()) };
        for file in 0..self.names.len() {
            let entry = self.contents.journal[file];
            if entry.upto <= entry.passed {
                continue;
            }
            let path = find(directory, self.names[file], entry, copied);
            // In a copied directory, the file system has given the file another number.
            let identity = path.as_deref().filter(|_| copied).and_then(|path| platform::identity_at(path).ok());
            let text = path.and_then(|path| read_from(&path, entry)).unwrap_or_default();
            self.leave_out(file, entry.upto, &text);
            let sink = self.outputs.of_route(1 << file).next();
            sink.map_or(Ok(()), |sink| sink.cut_off_torn(identity.unwrap_or_else(|| entry.identity()), entry.offset))?;
        }
        Ok(())
    }

    /// The records under way are in `text` in their order, as far as they are there. Lines of other processes may
    /// stand between them.
    fn leave_out(&mut self, file: usize, upto: u64, text: &[u8]) {
        let under_way: Vec<usize> = (0..self.wanted.len())
            .filter(|index| self.wanted[*index] & 1 << file != 0 && self.contents.records[*index].position <= upto)
            .collect();
        let mut under_way = under_way.into_iter();
        let mut next = under_way.next();
        let mut rest = text;
        while let Some(index) = next {
            let record = self.record(index);
            if let Some(length) = self.outputs.find(&record, file, rest) {
                self.wanted[index] &= !(1 << file);
                self.landed[file] += 1;
                next = under_way.next();
                rest = &rest[length..];
            } else if let Some(end) = memchr::memchr(b'\n', rest) {
                rest = &rest[end + 1..];
            } else {
                return;
            }
        }
    }

    /// Counts the records that the writer had not come to in the metrics that records make.
    fn count_records(&self, settings: &outputs::Settings, counted: &[u64]) -> Option<Vec<u64>> {
        let (block, redaction) = (record_metrics::Block::default(), self.redaction.clone());
        let mut metrics =
            RecordMetrics::open(&settings.metrics, &settings.ai, &&block, redaction, &self.records_names)?;
        let upto = record_metrics::upto(counted);
        for (index, found) in self.contents.records.iter().enumerate() {
            let record = self.record(index);
            let is_counted = record.header.flags & flag::COUNTED != 0;
            if !is_counted && (found.taken == 0 || found.taken > upto) {
                metrics.count(&record, found.position, &&block);
            }
        }
        drop(metrics);
        Some(block.copy())
    }

    /// Goes on counting lines where the process died: it had counted those before the append that it had begun.
    fn count_lines(&self, counted: &[u64], file: &Arc<OwnFile>) -> io::Result<()> {
        for (index, (output, counts)) in self.counts.iter().enumerate() {
            let entry = self.contents.journal[index];
            let is_under_way = entry.upto > entry.passed;
            let name = stats::lines_of(output);
            let before = if is_under_way || self.contents.noted.is_some() {
                Some(entry.lines)
            } else {
                stats::value_in(counted, &name)
            };
            let lines = before.unwrap_or_default() + if is_under_way { self.landed[index] } else { 0 };
            counts.written.set(lines);
            if self.contents.noted.is_none() && !is_under_way {
                // From now on the note tells, whatever becomes of this recovery.
                Journal::InFile { file: Arc::clone(file), index }.begin_with(lines)?;
            }
        }
        Ok(())
    }

    /// Puts the lines that were written in all into what the process had counted.
    fn put_lines(&self, counted: &mut [u64]) {
        for (output, counts) in &self.counts {
            stats::set_in(counted, &stats::lines_of(output), counts.written.here());
        }
    }

    /// Notes this recovery in the box before it writes anything, unless an earlier recovery did.
    fn note(&self, file: &OwnFile) -> io::Result<RecoveryNote> {
        if let Some(noted) = self.contents.noted {
            return Ok(noted);
        }
        let count = self.wanted.iter().filter(|wanted| **wanted != 0).count() as u64;
        let noted = RecoveryNote { count, time: clock::now(), last_position: self.contents.last_position };
        noted.write(file)?;
        Ok(noted)
    }

    fn push_all(&mut self, noted: RecoveryNote, untold: u64) {
        let mut last = noted.last_position;
        for index in 0..self.wanted.len() {
            let (wanted, position) = (self.wanted[index], self.contents.records[index].position);
            last = last.max(position);
            if wanted != 0 {
                let record = self.record(index);
                self.outputs.put(&record, Whose::Application, wanted, position, 0);
            }
        }
        self.push_notice(noted, last + 1);
        self.push_summary(noted, last + 2, untold);
    }

    /// Writes all that was pushed. False if a stream takes nothing for too long.
    fn write_all(&mut self, held: Held) -> Result<bool> {
        let started = Instant::now();
        loop {
            // One file that takes nothing keeps no other from what is its own.
            let written = self.outputs.sinks_mut().map(|sink| sink.write(Instant::now(), held));
            written.fold(Ok(()), Result::and)?;
            let is_done = self.outputs.sinks().all(|sink| sink.pending_bytes() == 0);
            if is_done || started.elapsed() >= STREAM_PATIENCE {
                return Ok(is_done);
            }
            std::thread::sleep(STREAM_PAUSE);
        }
    }

    /// Reports in the log what happened: which process died, when, and how much of it is recovered.
    fn push_notice(&mut self, noted: RecoveryNote, position: u64) {
        if noted.count == 0 && self.contents.damaged == 0 {
            return;
        }
        let mut last_record = Vec::new();
        let of_lines = (0..self.wanted.len()).filter(|index| self.record(*index).header.flags & flag::ASIDE == 0);
        let times = of_lines.map(|index| self.record(index).header.time);
        clock::Formatter::default().write(times.max().unwrap_or(noted.time), &mut last_record);
        let integer = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        let mut fields = vec![
            ("pid", integer(u64::from(self.contents.process))),
            ("last_record", Value::Text(str::from_utf8(&last_record).unwrap_or_default())),
            ("records", integer(noted.count)),
        ];
        if self.contents.damaged > 0 {
            fields.push(("damaged", integer(self.contents.damaged)));
        }
        let records = if noted.count == 1 { "record" } else { "records" };
        let message = format!(
            "process {} ended without shutting down; {} {records} recovered",
            self.contents.process, noted.count
        );
        self.push_own(noted.time, level::WARNING, "recovery", &message, &fields, position);
    }

    /// Tells of calls that sampling had left out, and that no record tells of.
    fn push_summary(&mut self, noted: RecoveryNote, position: u64, untold: u64) {
        if untold > 0 {
            build_summary(&Summary { total: untold, rule: None }, |message, fields| {
                self.push_own(noted.time, level::INFO, FUNCTION, message, fields, position);
            });
        }
    }

    /// Pushes a record of the library's own.
    fn push_own(
        &mut self,
        time: i64,
        level: i32,
        function: &str,
        message: &str,
        fields: &[(&str, Value<'_>)],
        position: u64,
    ) {
        let mut bytes = Vec::new();
        Builder { time, level, logger: "unified_logger", function, message }.put(&mut bytes, fields);
        // SAFETY: built just above.
        let Some(record) = (unsafe { Record::read(&bytes) }) else { return };
        // Files that have this notice already, from a recovery that died, do not get it again.
        let noticed = self.contents.journal.iter().enumerate().filter(|(_, entry)| entry.passed >= position);
        let route = noticed.fold(self.outputs.route(&record), |route, (file, _)| route & !(1 << file));
        self.outputs.put(&record, Whose::Library, route, position, 0);
    }
}
