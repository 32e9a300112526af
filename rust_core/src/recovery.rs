//! Writing what processes that died had accepted and not written: once, in order, by whoever comes first.
//!
//! A record in a box is written already if the journal of its file says so, or if its line stands where the process was about
//! to append when it died. The recovery keeps the same journal in the same box, so that one that dies itself is gone on with
//! by the next.

use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::blackbox::{self, Contents, Entry, Foreign, Journal, Noted, Ownerless};
use crate::clock;
use crate::encoder::{Process, Whose};
use crate::error::{Error, Result};
use crate::fault_injection::{self, Fault};
use crate::level;
use crate::outputs::{self, Opening, Outputs};
use crate::platform::{self, Identity, OwnFile};
use crate::record::{Builder, Record};
use crate::router::Route;
use crate::sink::{DirectoryLock, Fsync, Held};
use crate::stats::Stats;
use crate::value::Value;

/// How long the log directory's lock is waited for.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
/// Bytes looked at for lines that a process wrote just before it died.
const LOOK: u64 = 64 << 20;

/// What was done for one directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Boxes whose records are all written now.
    pub boxes: u64,
    pub records: u64,
    /// Slots that were said to hold a record, and do not.
    pub damaged: u64,
    /// Boxes of another format, or damaged as a whole: set aside.
    pub aside: Vec<(PathBuf, String)>,
    /// What stands in the way of writing the rest; it is tried again.
    pub failed: Vec<String>,
    /// Boxes with records whose log directory is not there.
    pub waiting: Vec<String>,
    /// Directories whose boxes were not read, because another user could have planted them.
    pub distrusted: Vec<blackbox::Distrust>,
}

/// Held by the one thread of a process that recovers a given log directory: another would find every box taken, and call it dealt with.
static BUSY: AtomicU32 = AtomicU32::new(0);

struct Busy;

impl Busy {
    fn take() -> Option<Self> {
        let me = platform::process_id();
        let before = BUSY.load(Ordering::Relaxed);
        // What another process left there was inherited over a fork.
        (before != me && BUSY.compare_exchange(before, me, Ordering::Acquire, Ordering::Relaxed).is_ok())
            .then_some(Self)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        BUSY.store(0, Ordering::Release);
    }
}

/// What is to be done with boxes of other log directories whose owners are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strays {
    /// Only those without records are removed: no log directory is touched, so that nothing waits for a disk of others.
    Tidy,
    /// The records are written into their directories.
    Recover,
}

/// A box whose directory is gone for as long as this is given up.
const GIVEN_UP: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Asked for each log directory before anything is written there: the path to work in, or why it is left alone.
pub type Ask<'a> = &'a (dyn Fn(&Path) -> std::result::Result<PathBuf, String> + Sync);

/// For those who work in every directory as it is.
///
/// # Errors
/// None.
pub fn anywhere(directory: &Path) -> std::result::Result<PathBuf, String> {
    Ok(directory.to_owned())
}

/// Deals with the boxes of this user in shared memory that belong to any log directory and whose owners are gone, for as long as
/// `goes_on` says so, where `ask` allows it. Tells what was done and how many boxes with records are left.
#[must_use]
pub fn sweep_strays(what: Strays, goes_on: impl Fn() -> bool + Sync, ask: Ask<'_>) -> (Recovered, u64) {
    let (mut recovered, mut left) = (Recovered::default(), 0);
    let one = |found: Ownerless| {
        if !goes_on() {
            return ControlFlow::Break(());
        }
        let path = found.path.clone();
        match catch_unwind(AssertUnwindSafe(|| deal_with_stray(found, what, ask, &mut recovered))) {
            Ok(true) => {}
            Ok(false) => left += 1,
            Err(_) => recovered.failed.push(format!("{}: the recovery panicked", path.display())),
        }
        ControlFlow::Continue(())
    };
    let Some(place) = blackbox::strays() else { return (recovered, left) };
    if let Err(distrust) = place.each_ownerless(one) {
        recovered.distrusted.push(distrust);
    }
    for path in place.remove_aside(GIVEN_UP).unwrap_or_default() {
        recovered.failed.push(format!("{}: removed, a week after it was set aside", path.display()));
    }
    (recovered, left)
}

/// Whether nothing of the box is left to deal with.
fn deal_with_stray(found: Ownerless, what: Strays, ask: Ask<'_>, recovered: &mut Recovered) -> bool {
    let Ok(bytes) = found.read() else { return false };
    if blackbox::is_spent(&bytes) {
        return found.remove().is_ok();
    }
    let contents = match blackbox::read(&bytes) {
        Ok(contents) => contents,
        Err(foreign) if found.is_older_than(GIVEN_UP) => {
            recovered.failed.push(format!("{}: removed after a week: {foreign}", found.path.display()));
            return found.remove().is_ok();
        }
        // Another version of this library may be at work in that directory, and read it.
        Err(_) => return true,
    };
    if contents.records.is_empty() && contents.damaged == 0 {
        return found.remove().is_ok();
    }
    let Some(directory) = contents.kept.directory.clone().map(PathBuf::from).filter(|_| what == Strays::Recover) else {
        return false;
    };
    let records = contents.records.len();
    let mut refused = None;
    if found.is_of(&directory) {
        match ask(&directory) {
            // Looked at once more: what it leads to may have been changed since.
            Ok(settled) if found.is_of(&settled) => {
                let before = recovered.boxes;
                let _ = recover(&settled, found, recovered);
                return recovered.boxes > before;
            }
            Ok(_) => {}
            Err(refusal) => refused = Some(refusal),
        }
    }
    if let Some(refusal) = refused {
        recovered.waiting.push(format!("{}: {records} records: {refusal}", found.path.display()));
        return false;
    }
    let is_gone = directory.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    if is_gone && found.is_older_than(GIVEN_UP) {
        recovered.failed.push(format!("{}: {records} records given up: their directory is gone", directory.display()));
        return found.remove().is_ok();
    }
    let why = if is_gone { "is gone" } else { "is another one now" };
    let at = found.path.display();
    recovered.waiting.push(format!("{at}: {records} records, whose directory {} {why}", directory.display()));
    false
}

/// Recovers every box of a log directory whose owner is gone. `None` while another thread is at it.
#[must_use]
pub fn sweep(directory: &Path) -> Option<Recovered> {
    let _busy = Busy::take()?;
    let mut recovered = Recovered::default();
    let mut one = |found: Ownerless| {
        let path = found.path.clone();
        // One box that cannot be dealt with keeps no other from being.
        catch_unwind(AssertUnwindSafe(|| recover(directory, found, &mut recovered))).unwrap_or_else(|_| {
            recovered.failed.push(format!("{}: the recovery panicked", path.display()));
            ControlFlow::Continue(())
        })
    };
    let mut distrusted = Vec::new();
    let _ = blackbox::all(directory).iter().try_for_each(|place| {
        place.each_ownerless(&mut one).unwrap_or_else(|distrust| {
            distrusted.push(distrust);
            ControlFlow::Continue(())
        })
    });
    recovered.distrusted = distrusted;
    Some(recovered)
}

/// Breaks off while others keep the log directory's lock: it is no more to be had for the next box.
fn recover(directory: &Path, found: Ownerless, recovered: &mut Recovered) -> ControlFlow<()> {
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
        // Another user's process may be left with the directory alone: whoever may remove it comes later.
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
        // Nothing is lost with one that stays.
        recovered.boxes += u64::from(found.remove().is_ok());
        return ControlFlow::Continue(());
    }
    let Some(outputs) = outputs::Settings::of_box(&contents.kept.outputs) else {
        set_aside(&found, &Foreign::Damaged("settings"), recovered);
        return ControlFlow::Continue(());
    };
    let written = write(directory, &found.file, &bytes, contents, &outputs);
    match written.and_then(|count| found.remove().map(|()| count).map_err(|error| Error::io("remove", &path, error))) {
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

/// A box that cannot be read is left for people to look at.
fn set_aside(found: &Ownerless, foreign: &Foreign, recovered: &mut Recovered) {
    match found.set_aside() {
        Ok(aside) => recovered.aside.push((aside, foreign.to_string())),
        Err(error) => recovered.failed.push(format!("{}: {foreign}; {error}", found.path.display())),
    }
}

/// Writes what a box holds and is not in its files yet. Tells how many records that were, this time and before.
fn write(
    directory: &Path,
    file: &Arc<OwnFile>,
    bytes: &[u8],
    contents: Contents,
    outputs: &outputs::Settings,
) -> Result<u64> {
    let here = |error| Error::io("go on with the recovery in", directory, error);
    let mut lock = DirectoryLock::open(directory, contents.kept.file_mode)?;
    lock.hold(LOCK_PATIENCE, |held| {
        if held == Held::TimedOut {
            return Err(here(io::ErrorKind::WouldBlock.into()));
        }
        let mut recovery = Recovery::open(directory, bytes, contents, outputs, file)?;
        recovery.leave_out_what_landed()?;
        let noted = recovery.note(file).map_err(here)?;
        recovery.push_all(noted);
        fault_injection::pass(Fault::Noted);
        let now = Instant::now();
        // One file that takes nothing keeps no other from what is its own.
        let written = recovery.outputs.sinks_mut().map(|sink| sink.write(now, held));
        written.fold(Ok(()), Result::and)?;
        Ok(noted.count)
    })
}

/// One box on its way into its files.
struct Recovery<'a> {
    directory: &'a Path,
    bytes: &'a [u8],
    contents: Contents,
    /// The name of each file.
    names: Vec<&'a str>,
    outputs: Outputs,
    /// For each record the files it is still to be written to.
    wanted: Vec<Route>,
}

impl<'a> Recovery<'a> {
    fn open(
        directory: &'a Path,
        bytes: &'a [u8],
        mut contents: Contents,
        settings: &'a outputs::Settings,
        journal: &Arc<OwnFile>,
    ) -> Result<Self> {
        let outputs = Outputs::open(
            settings,
            Opening {
                directory,
                directory_mode: contents.kept.directory_mode,
                fsync: Fsync::Never,
                journal: &|index| Journal::Kept { file: Arc::clone(journal), index },
                // What another process had logged is not counted here.
                stats: &Stats::default(),
                redaction: contents.redaction.take(),
                process: Process {
                    names: Arc::new(std::mem::take(&mut contents.names)),
                    id: contents.process,
                    is_dead: true,
                },
            },
        )?;
        let names = settings.outputs.iter().filter_map(|output| output.to.file()).map(|file| &*file.name).collect();
        let wanted = vec![0; contents.records.len()];
        let mut recovery = Self { directory, bytes, contents, names, outputs, wanted };
        for index in 0..recovery.wanted.len() {
            let route = recovery.outputs.route(&recovery.record(index));
            let position = recovery.contents.records[index].place;
            let missing = recovery.contents.journal.iter().enumerate().filter(|(_, entry)| position > entry.passed);
            recovery.wanted[index] = missing.fold(0, |wanted, (file, _)| wanted | route & 1 << file);
        }
        Ok(recovery)
    }

    fn record(&self, index: usize) -> Record<'a> {
        let range = self.contents.records[index].bytes.clone();
        // SAFETY: the reader has checked every record that it found.
        unsafe { Record::read(&self.bytes[range]) }.unwrap_or_else(|| unreachable!("checked by the reader"))
    }

    /// Looks, in each file that was being appended to, for the records that came to be there.
    fn leave_out_what_landed(&mut self) -> Result<()> {
        for file in 0..self.names.len() {
            let entry = self.contents.journal[file];
            if entry.upto <= entry.passed {
                continue;
            }
            let path = find(self.directory, self.names[file], entry);
            let text = path.and_then(|path| read_from(&path, entry)).unwrap_or_default();
            self.leave_out(file, entry.upto, &text);
            let sink = self.outputs.of_route(1 << file).next();
            sink.map_or(Ok(()), |sink| sink.cut_off_torn(entry.identity(), entry.offset))?;
        }
        Ok(())
    }

    /// The records under way stand in `text` in their order, if at all; others' lines may stand between.
    fn leave_out(&mut self, file: usize, upto: u64, text: &[u8]) {
        let under_way: Vec<usize> = (0..self.wanted.len())
            .filter(|index| self.wanted[*index] & 1 << file != 0 && self.contents.records[*index].place <= upto)
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

    /// What is noted of this recovery before it writes anything, now or by one that died at it.
    fn note(&self, file: &OwnFile) -> io::Result<Noted> {
        if let Some(noted) = self.contents.noted {
            return Ok(noted);
        }
        let count = self.wanted.iter().filter(|wanted| **wanted != 0).count() as u64;
        let noted = Noted { count, time: clock::now(), taken: self.contents.taken };
        noted.write(file)?;
        Ok(noted)
    }

    fn push_all(&mut self, noted: Noted) {
        let mut last = noted.taken;
        for index in 0..self.wanted.len() {
            let (wanted, position) = (self.wanted[index], self.contents.records[index].place);
            last = last.max(position);
            if wanted != 0 {
                let record = self.record(index);
                self.outputs.put(&record, Whose::Application, wanted, position, 0);
            }
        }
        self.push_notice(noted, last + 1);
    }

    /// Says in the log what happened: which process died, when, and how much of it is recovered.
    fn push_notice(&mut self, noted: Noted, position: u64) {
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
        let message =
            format!("process {} ended without shutting down; {} records recovered", self.contents.process, noted.count);
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
        // Not again, if a recovery that died had said it.
        let said = self.contents.journal.iter().enumerate().filter(|(_, entry)| entry.passed >= position);
        let route = said.fold(self.outputs.route(&record), |route, (file, _)| route & !(1 << file));
        self.outputs.put(&record, Whose::Library, route, position, 0);
    }
}

/// The file that was being appended to: at its path, rotated, or renamed within the directory.
fn find(directory: &Path, name: &str, entry: Entry) -> Option<PathBuf> {
    let is_it = |path: &Path| platform::identity_at(path).is_ok_and(|found: Identity| found == entry.identity());
    let path = directory.join(name);
    if is_it(&path) {
        return Some(path);
    }
    std::fs::read_dir(directory).ok()?.filter_map(|entry| Some(entry.ok()?.path())).find(|path| is_it(path))
}

fn read_from(path: &Path, entry: Entry) -> Option<Vec<u8>> {
    let file = platform::open_to_read(path).ok()?;
    let length = file.metadata().ok()?.len().checked_sub(entry.offset)?.min(LOOK);
    let mut text = vec![0; usize::try_from(length).ok()?];
    let count = platform::read_at(&file, &mut text, entry.offset).ok()?;
    text.truncate(count);
    Some(text)
}
