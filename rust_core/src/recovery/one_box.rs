//! One box: which of its records are in their files already, and writing the others.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Recovered;
use crate::archive::Archive;
use crate::blackbox::{self, Contents, Foreign, Journal, JournalEntry, Ownerless, RecoveryNote};
use crate::catalogue::{self, Catalogue};
use crate::clock;
use crate::encoder::{Process, Whose};
use crate::error::{Error, Result};
use crate::fault_injection::{self, Fault};
use crate::level;
use crate::metrics;
use crate::outputs::{self, Opening, Outputs};
use crate::platform::{self, Identity, OwnFile};
use crate::record::{Builder, Record, flag};
use crate::router::Route;
use crate::sink::{DirectoryLock, Fsync, Held};
use crate::stats::Stats;
use crate::value::Value;

/// How long a recovery waits for the log directory's lock.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
/// How long a recovery waits for the reader of a stream, and how long between two attempts.
const STREAM_PATIENCE: Duration = Duration::from_millis(500);
const STREAM_PAUSE: Duration = Duration::from_millis(1);
/// Bytes that are searched for lines that a process wrote just before it died.
const LOOK: u64 = 64 << 20;

/// Recovers a box. It breaks off while other processes keep the log directory's lock, since the next box would need
/// the same lock.
pub(super) fn recover(directory: Option<&Path>, found: Ownerless, recovered: &mut Recovered) -> ControlFlow<()> {
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
    if contents.records.is_empty() && damaged == 0 {
        // The box holds nothing, so it does no harm if it stays.
        recovered.boxes += u64::from(remove(directory, &found, &bytes).is_ok());
        return ControlFlow::Continue(());
    }
    // Without a log directory there is no place for files.
    let outputs = outputs::Settings::of_box(&contents.settings.outputs);
    let Some(outputs) = outputs.filter(|outputs| directory.is_some() || !outputs.has_files()) else {
        set_aside(&found, &Foreign::Damaged("settings"), recovered);
        return ControlFlow::Continue(());
    };
    let written = write(directory, &found.file, &bytes, contents, &outputs);
    match written.and_then(|count| remove(directory, &found, &bytes).map(|()| count)) {
        Ok(count) => {
            recovered.boxes += 1;
            recovered.records += count;
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
fn remove(directory: Option<&Path>, found: &Ownerless, bytes: &[u8]) -> Result<()> {
    if let Some(directory) = directory {
        let name = found.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        metrics::keep(directory, name, &blackbox::counted(bytes))?;
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

/// Writes the records of a box that are not in its files yet. Returns how many records were written, earlier
/// recoveries included.
fn write(
    directory: Option<&Path>,
    file: &Arc<OwnFile>,
    bytes: &[u8],
    contents: Contents,
    outputs: &outputs::Settings,
) -> Result<u64> {
    let place = directory.unwrap_or(Path::new("a standard stream"));
    let here = |error| Error::io("go on with the recovery in", place, error);
    let file_mode = contents.settings.file_mode;
    let body = |held| {
        if held == Held::TimedOut {
            return Err(here(io::ErrorKind::WouldBlock.into()));
        }
        let mut recovery = Recovery::open(directory, bytes, contents, outputs, file)?;
        recovery.leave_out_what_landed()?;
        let noted = recovery.note(file).map_err(here)?;
        recovery.push_all(noted);
        fault_injection::pass(Fault::Noted);
        let written = recovery.write_all(held);
        if !matches!(written, Ok(true)) {
            // The stream gets other lines before it gets these again.
            recovery.outputs.sinks_mut().for_each(|sink| sink.leave_line());
        }
        written?.then_some(noted.count).ok_or_else(|| here(io::ErrorKind::WouldBlock.into()))
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
    /// For each record the files that lack it.
    wanted: Vec<Route>,
}

impl<'a> Recovery<'a> {
    fn open(
        directory: Option<&'a Path>,
        bytes: &'a [u8],
        mut contents: Contents,
        settings: &'a outputs::Settings,
        journal: &Arc<OwnFile>,
    ) -> Result<Self> {
        let outputs = Outputs::open(
            settings,
            Opening {
                directory,
                directory_mode: contents.settings.directory_mode,
                fsync: Fsync::Never,
                journal: &|index| Journal::InFile { file: Arc::clone(journal), index },
                // Records of another process are not counted here.
                stats: Stats::unread(),
                redaction: contents.redaction.take(),
                process: Process {
                    names: Arc::new(std::mem::take(&mut contents.names)),
                    id: contents.process,
                    is_dead: true,
                    fields: Arc::default(),
                },
                goes_on: true,
                is_start: false,
            },
        )?;
        let names = settings.outputs.iter().filter_map(|output| output.to.file()).map(|file| &*file.name).collect();
        let wanted = vec![0; contents.records.len()];
        let mut recovery = Self { directory, bytes, contents, names, outputs, wanted };
        for index in 0..recovery.wanted.len() {
            let record = recovery.record(index);
            let mut route = recovery.outputs.route(&record);
            if record.header.flags & flag::CONSOLE_DONE != 0 {
                route &= !recovery.outputs.consoles();
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
    fn leave_out_what_landed(&mut self) -> Result<()> {
        let Some(directory) = self.directory else { return Ok(()) };
        for file in 0..self.names.len() {
            let entry = self.contents.journal[file];
            if entry.upto <= entry.passed {
                continue;
            }
            let path = find(directory, self.names[file], entry);
            let text = path.and_then(|path| read_from(&path, entry)).unwrap_or_default();
            self.leave_out(file, entry.upto, &text);
            let sink = self.outputs.of_route(1 << file).next();
            sink.map_or(Ok(()), |sink| sink.cut_off_torn(entry.identity(), entry.offset))?;
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
                next = under_way.next();
                rest = &rest[length..];
            } else if let Some(end) = memchr::memchr(b'\n', rest) {
                rest = &rest[end + 1..];
            } else {
                return;
            }
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

    fn push_all(&mut self, noted: RecoveryNote) {
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
        let times = (0..self.wanted.len()).map(|index| self.record(index).header.time);
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
        let mut bytes = Vec::new();
        Builder {
            time: noted.time,
            level: level::WARNING,
            logger: "unified_logger",
            function: "recovery",
            message: &message,
        }
        .put(&mut bytes, &fields);
        // SAFETY: built just above.
        let Some(record) = (unsafe { Record::read(&bytes) }) else { return };
        // Files that have this notice already, from a recovery that died, do not get it again.
        let noticed = self.contents.journal.iter().enumerate().filter(|(_, entry)| entry.passed >= position);
        let route = noticed.fold(self.outputs.route(&record), |route, (file, _)| route & !(1 << file));
        self.outputs.put(&record, Whose::Library, route, position, 0);
    }
}

/// Finds the file that was being appended to: by its generation, whatever its name is by now and whether it was packed, or else by the number that the file
/// system gave it, at its path, rotated, or renamed within the directory. To be called with the directory's lock.
fn find(directory: &Path, name: &str, entry: JournalEntry) -> Option<PathBuf> {
    if entry.generation > 0 {
        let mut catalogue = Catalogue::of(directory);
        catalogue.look();
        let known = catalogue.known().get(entry.generation);
        let path = known.map(|known| (directory.join(&known.name), known));
        if let Some((path, _)) = path.filter(|(path, known)| catalogue::is_it(path, known).unwrap_or(false)) {
            return Some(path);
        }
    }
    let is_it = |path: &Path| platform::identity_at(path).is_ok_and(|found: Identity| found == entry.identity());
    let path = directory.join(name);
    if is_it(&path) {
        return Some(path);
    }
    std::fs::read_dir(directory).ok()?.filter_map(|entry| Some(entry.ok()?.path())).find(|path| is_it(path))
}

fn read_from(path: &Path, entry: JournalEntry) -> Option<Vec<u8>> {
    if catalogue::is_packed(path) {
        let mut archive = Archive::open(path, None).ok()?;
        let mut text = Vec::new();
        archive.stream(entry.offset).ok()?.take(LOOK).read_to_end(&mut text).ok()?;
        return Some(text);
    }
    let file = platform::open_to_read(path).ok()?;
    let length = file.metadata().ok()?.len().checked_sub(entry.offset)?.min(LOOK);
    let mut text = vec![0; usize::try_from(length).ok()?];
    let count = platform::read_at(&file, &mut text, entry.offset).ok()?;
    text.truncate(count);
    Some(text)
}
