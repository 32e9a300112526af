//! A log file: whole lines appended, rotated within its bound, mended after trouble.

use std::collections::VecDeque;
use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use memchr::memrchr;
use serde::Deserialize;

use crate::blackbox::{self, Journal};
use crate::error::{Error, Result};
use crate::error_handler::remark;
use crate::fault_injection::{self, Fault};
use crate::memory;
use crate::platform::{self, Identity, OwnFile, Rights};
use crate::rotation::Rotation;
use crate::value::Put;

use super::directory::{Held, lost};
use super::inherited::{self, is_refusal};
use super::open::{is_log, open_guarded};

/// Bytes of one write at most (one line may be longer).
const WRITE: usize = 1 << 20;
/// Memory kept for the next batch.
const KEEP: usize = 1 << 20;
const SHORTEST_RETRY: Duration = Duration::from_millis(10);
const LONGEST_RETRY: Duration = Duration::from_secs(1);
/// How often, and after how long each time, a file without a last newline is looked at again where others may be writing.
const LOOKS: u32 = 10;
const LOOK_PAUSE: Duration = Duration::from_millis(2);
/// A size that no file has.
const UNKNOWN: u64 = u64::MAX;
/// No line is longer, in bytes.
const LONGEST: u64 = 64 << 20;
/// Marks the place of a line that is no record's: it follows the record before it.
const OWN: u64 = 1 << 63;

/// When a batch is synced to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fsync {
    Never,
    /// When it holds a record of level ERROR or above.
    Error,
    Always,
}

#[derive(Clone, Debug)]
pub struct FileSettings {
    pub path: PathBuf,
    pub mode: u32,
    pub directory_mode: u32,
    pub rotation: Rotation,
    pub fsync: Fsync,
    /// Where appends are noted before and after.
    pub journal: Journal,
}

#[derive(Debug)]
pub struct FileSink {
    settings: FileSettings,
    file: Option<Open>,
    /// Of the file that was open last: the one that takes its place gets them, also where that one cannot be made at once.
    rights: Option<Rights>,
    /// Whole lines not written yet, from `start` on.
    pending: Vec<u8>,
    start: usize,
    /// Bytes of the append under way that the system has taken.
    landed: usize,
    /// Of each line its record's place in the order of writing.
    places: VecDeque<u64>,
    counts: Counts,
    retry: Retry,
    /// Whether the file failed: it is opened anew, where that is possible.
    doubted: bool,
    /// A part of a line that could not be cut off again.
    torn: Option<Torn>,
    /// What kept the file from being rotated; told once everything is written.
    obstacle: Option<Error>,
    sync: Syncing,
}

/// The current file.
#[derive(Debug)]
struct Open {
    file: OwnFile,
    /// Its size as this process left it.
    size: u64,
    /// Whether it is no device, to which a link may lead: those have no size, and are neither renamed nor cut.
    regular: bool,
    /// Whether another has its path, which cannot be opened: it is never renamed.
    astray: bool,
}

impl Drop for Open {
    fn drop(&mut self) {
        inherited::forget(self.file.number());
    }
}

impl Open {
    fn new(path: &Path, file: File, meta: &Metadata) -> Result<Self> {
        let file = OwnFile::new(file).map_err(|error| Error::io("open", path, error))?;
        inherited::note(path, file.number());
        Ok(Self { file, size: meta.len(), regular: meta.is_file(), astray: false })
    }

    fn identity(&self) -> Identity {
        self.file.identity()
    }

    /// What the file is now; `None` once its number leads elsewhere.
    fn look(&self, path: &Path) -> Result<Option<Metadata>> {
        self.file.look().map_err(|error| Error::io("look at", path, error))
    }

    /// Cuts the file, unless its number leads to another.
    fn cut(&mut self, size: u64) -> io::Result<()> {
        if !self.regular {
            return Err(io::Error::other("it is no regular file"));
        }
        if !self.file.is_held() {
            return Err(io::Error::other("its descriptor leads to another file"));
        }
        self.file.set_len(size)?;
        self.size = size;
        Ok(())
    }

    /// Whether a line without an end was one that another process is just writing: waits a little for its end.
    fn is_ended_by_another(&mut self, path: &Path) -> Result<bool> {
        for _ in 0..LOOKS {
            std::thread::sleep(LOOK_PAUSE);
            let Some(meta) = self.look(path)? else { return Ok(true) };
            self.size = meta.len();
            if self.size == 0 || platform::ends_with_newline(&self.file, self.size) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// After a failure: when to try again, and how long to wait after the next.
#[derive(Debug, Default)]
struct Retry(Option<(Instant, Duration)>);

impl Retry {
    fn due(&self, now: Instant) -> bool {
        self.0.is_none_or(|(at, _)| now >= at)
    }

    fn failed(&mut self, now: Instant) {
        let pause = self.0.map_or(SHORTEST_RETRY, |(_, pause)| (pause * 2).min(LONGEST_RETRY));
        self.0 = Some((now + pause, pause));
    }
}

/// Bytes of `identity` from `whole` to `end` are part of a line of ours, unless somebody appended since.
#[derive(Clone, Copy, Debug)]
struct Torn {
    identity: Identity,
    whole: u64,
    end: u64,
}

/// What is to be brought to the device before a flush is answered.
#[derive(Debug, Default)]
struct Syncing {
    data: bool,
    /// The directory got or lost a name.
    names: bool,
    retry: Retry,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    written: u64,
    bytes: u64,
    rotations: u64,
    syncs: u64,
    sync_errors: u64,
}

impl FileSink {
    /// Opens the file, making it if it is missing.
    ///
    /// # Errors
    /// When it cannot be opened, is not a regular file, or is a link in a directory that others may write.
    pub fn open(settings: FileSettings) -> Result<Self> {
        let (mut file, rights) = open(&settings, None).or_else(|error| inherited(&settings, error))?;
        // What an earlier process left is looked at before the first write.
        file.size = UNKNOWN;
        let sync = Syncing { names: settings.fsync != Fsync::Never, ..Syncing::default() };
        Ok(Self {
            settings,
            file: Some(file),
            rights,
            pending: Vec::new(),
            start: 0,
            landed: 0,
            places: VecDeque::new(),
            counts: Counts::default(),
            retry: Retry::default(),
            doubted: false,
            torn: None,
            obstacle: None,
            sync,
        })
    }

    /// Takes one whole line, newline included, for the next `write`. `place` is its record's in the order of writing.
    #[inline]
    pub fn push(&mut self, line: &[u8], place: u64) {
        debug_assert_eq!(line.last(), Some(&b'\n'));
        if self.places.try_reserve(1).is_err() {
            memory::give_up();
        }
        self.pending.put(line);
        self.places.push_back(place);
    }

    /// Takes a line that is no record's; it follows that of the record at `place`.
    pub fn push_own(&mut self, line: &[u8], place: u64) {
        self.push(line, place | OWN);
    }

    /// Places of the records whose lines are not written yet.
    pub fn waiting(&self) -> impl Iterator<Item = u64> {
        self.places.iter().copied().filter(|place| place & OWN == 0)
    }

    #[must_use]
    pub fn written(&self) -> u64 {
        self.counts.written
    }

    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.counts.bytes
    }

    #[must_use]
    pub fn rotations(&self) -> u64 {
        self.counts.rotations
    }

    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.pending.len() - self.start
    }

    /// Whether it is time to write: false for a while after a failure.
    #[must_use]
    pub fn due(&self, now: Instant) -> bool {
        self.retry.due(now)
    }

    /// Asks for what is pending to be synced once it is written.
    pub fn want_sync(&mut self) {
        self.sync.data = true;
    }

    /// Whether nothing is left to write or to sync.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.pending_bytes() == 0 && !self.sync.data
    }

    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.counts.syncs
    }

    #[must_use]
    pub fn sync_errors(&self) -> u64 {
        self.counts.sync_errors
    }

    /// Brings to the device what was written, and the file's name, if that was asked for. Needs no lock.
    ///
    /// # Errors
    /// When the system refuses; it is tried again later.
    pub fn sync(&mut self, now: Instant) -> Result<()> {
        if !self.sync.data || self.pending_bytes() > 0 || !self.sync.retry.due(now) {
            return Ok(());
        }
        self.sync_data().and_then(|()| self.sync_names()).inspect_err(|_| self.sync.retry.failed(now))?;
        self.sync.data = false;
        self.sync.retry = Retry::default();
        Ok(())
    }

    fn sync_data(&mut self) -> Result<()> {
        fault_injection::pass(Fault::Sync);
        // Who opens a file anew can sync what was written to it before.
        if let Some(open) = &self.file
            && open.look(&self.settings.path)?.is_none()
        {
            self.find_file_as_it_is()?;
        }
        let Some(open) = &self.file else { return Ok(()) };
        self.counts.syncs += 1;
        platform::sync_data(&open.file).map_err(|error| {
            self.counts.sync_errors += 1;
            Error::io("sync", &self.settings.path, error)
        })
    }

    fn sync_names(&mut self) -> Result<()> {
        let directory = self.settings.path.parent().filter(|_| self.sync.names);
        if let Some(directory) = directory {
            platform::sync_directory(directory).map_err(|error| {
                self.counts.sync_errors += 1;
                Error::io("sync the directory", directory, error)
            })?;
        }
        self.sync.names = false;
        Ok(())
    }

    /// Writes what is pending, rotating where a line would cross the bound. What fails is kept for the next time.
    ///
    /// # Errors
    /// When the file system refuses, or writing panics; lines not written stay pending, and no part of a line is left behind.
    pub fn write(&mut self, now: Instant, held: Held) -> Result<()> {
        if self.pending_bytes() == 0 || !self.due(now) {
            return Ok(());
        }
        let written = catch_unwind(AssertUnwindSafe(|| self.write_pending(held)));
        let panicked = || Error::Panicked { action: "write", path: self.settings.path.clone() };
        match written.unwrap_or_else(|_| Err(panicked())) {
            Ok(()) => {
                self.retry = Retry::default();
                self.obstacle.take().map_or(Ok(()), Err)
            }
            Err(error) => {
                self.keep_what_landed(held);
                self.retry.failed(now);
                self.doubted = true;
                Err(error)
            }
        }
    }

    fn clear(&mut self) {
        self.start = 0;
        self.pending.clear();
        self.pending.shrink_to(KEEP);
    }

    fn write_pending(&mut self, held: Held) -> Result<()> {
        self.find_file(held)?;
        let mut rotating = held.is_alone() && self.file.as_ref().is_some_and(|open| open.regular && !open.astray);
        while self.pending_bytes() > 0 {
            let size = self.file.as_ref().map_or(0, |open| open.size);
            let room = if rotating { self.settings.rotation.room(size) } else { u64::MAX };
            let count = self.next_part(usize::try_from(room).unwrap_or(usize::MAX));
            if count == 0 {
                if size > 0 {
                    rotating = self.rotate()?;
                    continue;
                }
                // A single line larger than the bound has a file of its own.
                let line = self.first_line();
                self.append(line)?;
            } else {
                self.append(count)?;
            }
        }
        self.clear();
        Ok(())
    }

    /// Bytes of whole lines that fit into `room` and one write.
    fn next_part(&self, room: usize) -> usize {
        let pending = &self.pending[self.start..];
        let most = room.min(pending.len());
        if most == pending.len() && most <= WRITE {
            return most;
        }
        match memrchr(b'\n', &pending[..most.min(WRITE)]) {
            Some(end) => end + 1,
            // A line longer than one write goes whole all the same, if there is room for it.
            None => Some(self.first_line()).filter(|line| *line <= room).unwrap_or(0),
        }
    }

    fn first_line(&self) -> usize {
        let pending = &self.pending[self.start..];
        memchr::memchr(b'\n', pending).map_or(pending.len(), |end| end + 1)
    }

    /// Appends the next `count` bytes, all or nothing.
    fn append(&mut self, count: usize) -> Result<()> {
        let bytes = &self.pending[self.start..self.start + count];
        let Some(open) = &mut self.file else { return Ok(()) };
        let lines = count_lines(bytes);
        let upto = self.places.get(lines.saturating_sub(1)).map_or(0, |place| place & !OWN);
        // Should the process die in the next call, this decides what was written.
        self.settings
            .journal
            .intend(open.identity(), open.size, upto)
            .map_err(|error| Error::io("note what is written to", &self.settings.path, error))?;
        fault_injection::pass(Fault::BeforeWrite);
        while self.landed < count {
            match (&*open.file).write(&bytes[self.landed..]) {
                Ok(0) => return Err(Error::io("write", &self.settings.path, io::ErrorKind::WriteZero.into())),
                Ok(written) => self.landed += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("write", &self.settings.path, error)),
            }
        }
        fault_injection::pass(Fault::AfterWrite);
        self.landed = 0;
        open.size += count as u64;
        self.passed_part(count, lines);
        Ok(())
    }

    /// After a write that failed or panicked: keeps the lines that are whole, cuts off the one that is not. Without the lock
    /// nothing is cut off: another process may have written behind it.
    fn keep_what_landed(&mut self, held: Held) {
        let landed = std::mem::take(&mut self.landed);
        let whole = memrchr(b'\n', &self.pending[self.start..self.start + landed]).map_or(0, |end| end + 1);
        if let Some(open) = &mut self.file
            && landed > whole
            && held.is_alone()
        {
            let torn =
                Torn { identity: open.identity(), whole: open.size + whole as u64, end: open.size + landed as u64 };
            // If this fails too, it is tried again before the next write.
            self.torn = open.cut(torn.whole).is_err().then_some(torn);
        }
        let lines = count_lines(&self.pending[self.start..self.start + whole]);
        self.passed_part(whole, lines);
    }

    fn passed_part(&mut self, count: usize, lines: usize) {
        self.counts.written += lines as u64;
        self.counts.bytes += count as u64;
        self.start += count;
        self.note_passed(lines);
    }

    fn note_passed(&mut self, lines: usize) {
        let Some(last) = self.places.drain(..lines.min(self.places.len())).next_back() else { return };
        // A box in recovery that takes no note any more is gone through again: what is there already is recognised then.
        let _ = self.settings.journal.passed(last & !OWN);
    }

    /// Makes sure that the open file is the one at the path, and that it ends with a newline.
    fn find_file(&mut self, held: Held) -> Result<()> {
        if self.find_file_as_it_is()? {
            return Ok(());
        }
        if held.is_alone() {
            self.cut_own_torn_line();
        }
        self.close_torn_line(held)?;
        self.torn = None;
        Ok(())
    }

    /// Makes sure that the open file is the one at the path. True when nobody touched it since.
    ///
    /// Only what a look finds counts: one that is refused, to a process that changed its user for one, tells nothing of the file that is
    /// open and can be written.
    fn find_file_as_it_is(&mut self) -> Result<bool> {
        let path = &self.settings.path;
        let at_path = platform::identity_at(path);
        let found = match &mut self.file {
            None => None,
            Some(open) => match open.look(path) {
                // It failed before: perhaps another opening helps.
                Err(_) if self.doubted => None,
                Err(error) => return Err(error),
                Ok(None) => {
                    remark("keep a descriptor", lost(path));
                    None
                }
                Ok(Some(meta)) => {
                    self.rights = Rights::of(&meta);
                    let is_at_path = match &at_path {
                        Ok(found) => *found == open.identity(),
                        // One without a name is gone, whatever else can be seen.
                        Err(error) => !platform::is_missing(error) && platform::names(&meta) > 0,
                    };
                    let untouched = meta.len() == open.size;
                    open.size = meta.len();
                    if is_at_path && !self.doubted {
                        open.astray = false;
                        return Ok(untouched);
                    }
                    // Written to as long as it has a name, should no other be had.
                    (is_at_path || platform::names(&meta) > 0).then_some(is_at_path)
                }
            },
        };
        self.open_anew(found)?;
        Ok(false)
    }

    /// The open file was removed, renamed or rotated by another, its number lost, or it failed: goes on in the one that is at the path now.
    /// `kept` tells whether the open one is at the path itself, and is none where it must not be written to.
    fn open_anew(&mut self, kept: Option<bool>) -> Result<()> {
        if kept.is_none() {
            self.file = None;
        }
        self.doubted = false;
        let opened = match open_or_create(&self.settings, self.rights) {
            // The old one's descriptor is free for it, where they have run out.
            Err(error) if is_want_of_descriptors(&error) && self.file.take().is_some() => {
                open_or_create(&self.settings, self.rights)
            }
            opened => opened,
        };
        match (opened, &mut self.file, kept) {
            (Ok((open, rights)), ..) => {
                (self.file, self.rights) = (Some(open), rights);
                self.sync.names = self.settings.fsync != Fsync::Never;
                Ok(())
            }
            (Err(error), Some(open), Some(is_at_path)) if is_refusal(&error) => {
                open.astray = !is_at_path;
                if !is_at_path {
                    remark("go on in the file that is there now", error.to_string());
                }
                Ok(())
            }
            (Err(error), ..) => {
                self.file = None;
                Err(error)
            }
        }
    }

    /// What an earlier write left of a line and could not cut off goes, if nobody wrote behind it. A file that can only be
    /// appended to keeps it: it gets an end, as others' torn lines do.
    fn cut_own_torn_line(&mut self) {
        if let (Some(open), Some(torn)) = (&mut self.file, self.torn)
            && (open.identity(), open.size) == (torn.identity, torn.end)
        {
            let _ = open.cut(torn.whole);
        }
    }

    /// A process that died while writing may have left part of a line. If its black box knows of it, that line goes, and comes
    /// back whole from there; any other gets an end of its own.
    fn close_torn_line(&mut self, held: Held) -> Result<()> {
        let Some(open) = &mut self.file else { return Ok(()) };
        let path = &self.settings.path;
        if open.size == 0 || platform::ends_with_newline(&open.file, open.size) {
            return Ok(());
        }
        if !held.is_alone() && open.is_ended_by_another(path)? {
            return Ok(());
        }
        if held.is_alone()
            && let Some(directory) = path.parent()
            && let Some(from) = blackbox::appended_from(directory, open.identity(), open.size)
        {
            return self.cut_torn_line(from);
        }
        (&*open.file).write_all(b"\n").map_err(|error| Error::io("write", path, error))?;
        open.size += 1;
        Ok(())
    }

    /// Cuts off what stands behind the last newline from `from` on, where a line began.
    fn cut_torn_line(&mut self, from: u64) -> Result<()> {
        let Some(open) = &mut self.file else { return Ok(()) };
        let failed = |error| Error::io("cut a torn line off", &self.settings.path, error);
        let from = from.max(open.size.saturating_sub(LONGEST));
        let mut text = vec![0; usize::try_from(open.size - from).unwrap_or(0)];
        let count = platform::read_at(&open.file, &mut text, from).map_err(failed)?;
        let whole = from + memrchr(b'\n', &text[..count]).map_or(0, |end| end as u64 + 1);
        open.cut(whole).map_err(failed)
    }

    /// Cuts off a line that was torn where the process that wrote from `from` on died. To be called with the lock held.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn cut_off_torn(&mut self, identity: Identity, from: u64) -> Result<()> {
        self.find_file_as_it_is()?;
        match &self.file {
            Some(open)
                if open.identity() == identity
                    && open.size > from
                    && !platform::ends_with_newline(&open.file, open.size) =>
            {
                self.cut_torn_line(from)?;
            }
            _ => {}
        }
        if let Some(open) = &mut self.file {
            open.size = UNKNOWN;
        }
        Ok(())
    }

    /// Whether it was possible. Where something other than a file lies in the way, records go on in the same file.
    fn rotate(&mut self) -> Result<bool> {
        if self.sync.data {
            self.sync_data()?;
        }
        let path = &self.settings.path;
        // What cannot be looked at may be there: it must not be replaced.
        let exists = |path: &Path| !path.symlink_metadata().is_err_and(|error| platform::is_missing(&error));
        for (from, to) in self.settings.rotation.renames(path, exists) {
            match std::fs::rename(&from, &to) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) if is_in_the_way(&error) => {
                    self.obstacle = Some(Error::io("rotate to", &to, error));
                    return Ok(false);
                }
                Err(error) => return Err(Error::io("rotate", &from, error)),
            }
            fault_injection::pass(Fault::Rotate);
        }
        self.counts.rotations += 1;
        // Another user's processes may write here too, and then to this one. The file may be theirs since it was opened only.
        if let Some(Ok(Some(meta))) = self.file.as_ref().map(|open| open.look(path)) {
            self.rights = Rights::of(&meta);
        }
        // Closed first: where descriptors have run out, the new file gets this one's.
        self.file = None;
        self.sync.names = self.settings.fsync != Fsync::Never;
        let (open, rights) = open(&self.settings, self.rights)?;
        (self.file, self.rights) = (Some(open), rights);
        Ok(true)
    }
}

fn count_lines(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', bytes).count()
}

/// A directory, that is, where a file is to go or the other way round.
fn is_in_the_way(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory | io::ErrorKind::DirectoryNotEmpty
    )
}

/// Whether it would go with one descriptor more.
fn is_want_of_descriptors(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if platform::is_want_of_descriptors(source))
}

fn open_or_create(settings: &FileSettings, before: Option<Rights>) -> Result<(Open, Option<Rights>)> {
    let Some(directory) = settings.path.parent() else { return open(settings, before) };
    if platform::is_planted_link(directory) {
        return Err(Error::SymbolicLink(directory.to_owned()));
    }
    match open(settings, before) {
        Err(Error::Io { source, .. }) if platform::is_missing(&source) => {
            super::prepare_directory(directory, settings.directory_mode)?;
            open(settings, before)
        }
        opened => opened,
    }
}

fn open(settings: &FileSettings, before: Option<Rights>) -> Result<(Open, Option<Rights>)> {
    let path = &settings.path;
    let (file, meta) = open_guarded("open", path, settings.mode, before, is_log)?;
    Ok((Open::new(path, file, &meta)?, Rights::of(&meta)))
}

/// The parent's file, in a child that has become a user who may not open it.
fn inherited(settings: &FileSettings, error: Error) -> Result<(Open, Option<Rights>)> {
    let path = &settings.path;
    let Some(file) = inherited::take(path, &error) else { return Err(error) };
    let meta = file.metadata().map_err(|error| Error::io("look at", path, error))?;
    Ok((Open::new(path, file, &meta)?, Rights::of(&meta)))
}
