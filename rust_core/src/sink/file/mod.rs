//! A log file: whole lines appended, rotated within its bound, mended after trouble.

mod append;
mod find;
mod rotate;
mod torn;

use std::collections::VecDeque;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::blackbox::Journal;
use crate::error::{Error, Result};
use crate::fault_injection::{self, Fault};
use crate::memory;
use crate::platform::{self, Identity, OwnFile, Rights};
use crate::rotation::Rotation;
use crate::value::Put;

use super::inherited;
use find::{inherited as of_parent, open};
use torn::Torn;

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
        let (mut file, rights) = open(&settings, None).or_else(|error| of_parent(&settings, error))?;
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
}
