//! A log file: whole lines appended, rotated within its bound, mended after trouble.

mod append;
mod find;
mod levels;
mod life;
mod link;
mod open_file;
mod request;
mod rotate;
mod settings;
mod torn;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::fault_injection::{self, Fault};
use crate::platform::{self, Identity, Rights};

use super::directory::Held;
use super::pending::Pending;
use super::{Origin, Sink};
use find::{inherited as of_parent, open};
use life::Life;
use open_file::Open;
pub use settings::{FileSettings, FileTarget, Fsync, mode};
use torn::Torn;

/// Bytes of one write at most (one line may be longer).
const WRITE: usize = 1 << 20;

const SHORTEST_RETRY: Duration = Duration::from_millis(10);

const LONGEST_RETRY: Duration = Duration::from_secs(1);

/// How often, and after which pauses, a file without a last newline is checked again while others may be writing.
const LOOKS: u32 = 10;

const LOOK_PAUSE: Duration = Duration::from_millis(2);

/// A size that no file has.
const UNKNOWN: u64 = u64::MAX;

/// No line is longer, in bytes.
const LONGEST: u64 = 64 << 20;

#[derive(Debug)]
pub struct FileSink {
    target: FileTarget,
    file: Option<Open>,
    /// The rights of the file that was open last. Its successor gets them, even if it cannot be made at once.
    rights: Option<Rights>,
    /// Entries not written yet.
    pending: Pending,
    /// Bytes of the append under way that the system has taken.
    landed: usize,
    retry: Retry,
    /// Whether the file failed. It is then opened again, if possible.
    doubted: bool,
    /// A part of a line that could not be cut off again.
    torn: Option<Torn>,
    /// The error that kept the file from being rotated. It is reported once everything is written.
    obstacle: Option<Error>,
    sync: Syncing,
    life: Life,
    /// How often levels had been named when the catalogue was told of them.
    levels_told: u64,
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

/// What must be synced to the device before a flush is answered.
#[derive(Debug, Default)]
struct Syncing {
    data: bool,
    /// The directory got or lost a name.
    names: bool,
    retry: Retry,
}

impl FileSink {
    /// Opens the file, making it if it is missing.
    ///
    /// # Errors
    /// When it cannot be opened, is not a regular file, or is a link in a directory that others may write.
    pub fn open(target: FileTarget) -> Result<Self> {
        let (mut file, rights) = open(&target, None).or_else(|error| of_parent(&target, error))?;
        // The end that an earlier process left is checked before the first write.
        file.size = UNKNOWN;
        target.point_link();
        let life = Life::new(&target);
        let sync = Syncing { names: target.fsync != Fsync::Never, ..Syncing::default() };
        Ok(Self {
            target,
            file: Some(file),
            rights,
            pending: Pending::default(),
            landed: 0,
            retry: Retry::default(),
            doubted: false,
            torn: None,
            obstacle: None,
            sync,
            life,
            levels_told: 0,
        })
    }

    fn sync_data(&mut self) -> Result<()> {
        fault_injection::pass(Fault::Sync);
        // A file that is opened again can be synced, with everything written before.
        if let Some(open) = &self.file
            && open.probe(&self.target.path)?.is_none()
        {
            self.find_file_as_it_is()?;
        }
        let Some(open) = &self.file else { return Ok(()) };
        self.target.stats.syncs.add(1);
        platform::sync_data(&open.file).map_err(|error| {
            self.target.stats.sync_errors.add(1);
            Error::io("sync", &self.target.path, error)
        })
    }

    fn sync_names(&mut self) -> Result<()> {
        let directory = self.target.path.parent().filter(|_| self.sync.names);
        if let Some(directory) = directory {
            platform::sync_directory(directory).map_err(|error| {
                self.target.stats.sync_errors.add(1);
                Error::io("sync the directory", directory, error)
            })?;
        }
        self.sync.names = false;
        Ok(())
    }
}

impl Sink for FileSink {
    #[inline]
    fn push(&mut self, lines: &[u8], origin: Origin) {
        self.note_time(origin);
        self.pending.push(lines, origin);
        fault_injection::pass(Fault::Push);
    }

    fn pending_bytes(&self) -> usize {
        self.pending.len()
    }

    fn needs_lock(&self) -> bool {
        true
    }

    fn is_due(&self, now: Instant) -> bool {
        self.retry.due(now)
    }

    /// Writes what is pending, rotating where an entry would cross the bound. No part of an entry is left behind by a failure.
    fn write(&mut self, now: Instant, held: Held) -> Result<()> {
        self.write_all(now, held).inspect_err(|_| self.target.stats.errors.add(1))
    }

    fn rotate(&mut self, spared: Duration, held: Held) -> Result<bool> {
        self.rotate_on_request(spared, held).inspect_err(|_| self.target.stats.errors.add(1))
    }

    fn written_bytes(&self) -> u64 {
        self.target.stats.bytes.get()
    }

    fn give_up(&mut self) -> u64 {
        let all = self.pending.all();
        self.target.stats.dropped.add(all.entries as u64);
        if let Some(last) = self.pending.pass(all) {
            // Recovery would write them otherwise, should the process die.
            let _ = self.target.journal.passed(last, self.target.stats.written.here());
        }
        self.sync.data = false;
        all.entries as u64
    }

    fn put_waiting(&self, positions: &mut BTreeSet<u64>) {
        self.pending.put_waiting(positions);
    }

    fn want_sync(&mut self) {
        self.sync.data = true;
    }

    /// Needs no lock. Brings the file's name to the device too.
    fn sync(&mut self, now: Instant) -> Result<()> {
        if !self.sync.data || self.pending_bytes() > 0 || !self.sync.retry.due(now) {
            return Ok(());
        }
        self.sync_data().and_then(|()| self.sync_names()).inspect_err(|_| self.sync.retry.failed(now))?;
        self.sync.data = false;
        self.sync.retry = Retry::default();
        Ok(())
    }

    fn is_clear(&self) -> bool {
        self.pending_bytes() == 0 && !self.sync.data
    }

    fn cut_off_torn(&mut self, identity: Identity, from: u64) -> Result<()> {
        self.cut_off(identity, from)
    }
}
