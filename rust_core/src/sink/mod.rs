//! Places where encoded lines go. Another kind of sink is a module here and a variant of `Settings`.

mod behind;
mod directory;
mod file;
pub mod function;
mod inherited;
mod open;
mod pending;
mod primary;
mod stream;
mod terminal;
mod unopened;
mod watched;

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

pub use behind::{Batch, Behind, Progress, Target};
pub use directory::{DirectoryLock, Held, prepare_directory};
pub use file::{FileSettings, FileSink, FileTarget, Fsync, mode};
pub use open::open_log;
pub use primary::Primary;
pub use stream::Stream;
pub use terminal::{Shown, Terminal};
pub use unopened::Unopened;
pub use watched::{check_watched, watch};

use crate::blackbox::Journal;
use crate::catalogue::SharedCatalogue;
use crate::encoder::Whose;
use crate::error::Result;
use crate::platform::Identity;
use crate::stats::Stats;
use function::Function;

/// Bytes a failing sink may hold in memory. Beyond, the queue is left to fill; see `pipeline::stuck`.
const BACKLOG: usize = 8 << 20;

/// The record whose lines a sink takes.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// In the order of writing. A line of the library's own follows that of the record there.
    pub position: u64,
    /// Nanoseconds since the epoch.
    pub time: i64,
    pub whose: Whose,
}

/// A place where lines go. It keeps its lines until `write`.
pub trait Sink: fmt::Debug + Send {
    /// Takes the lines of one record, newlines included: all of them, or none where there is no memory.
    fn push(&mut self, lines: &[u8], origin: Origin);

    /// Bytes that `write` has still to hand on.
    fn pending_bytes(&self) -> usize;

    /// Bytes that may be pending. Beyond, the queue is left to fill.
    fn room(&self) -> usize {
        BACKLOG
    }

    /// Whether its lines wait in memory for a write that is worth while.
    fn gathers(&self) -> bool {
        self.needs_lock()
    }

    /// Whether it writes into the log directory, and only with the directory's lock.
    fn needs_lock(&self) -> bool {
        false
    }

    /// Whether it is time to write: false for a while after a failure.
    fn is_due(&self, now: Instant) -> bool {
        let _ = now;
        true
    }

    /// Hands on what is pending.
    ///
    /// # Errors
    /// When the system refuses: what is not written stays pending.
    fn write(&mut self, now: Instant, held: Held) -> Result<()>;

    /// Changes its file for a new one, unless nothing stands in it, or it was changed within `spared`. To be called with nothing pending.
    /// False if that is not possible now.
    ///
    /// # Errors
    /// When the system refuses.
    fn rotate(&mut self, spared: Duration, held: Held) -> Result<bool> {
        let _ = (spared, held);
        Ok(true)
    }

    /// Bytes that a file has taken so far; 0 for what is no file.
    fn written_bytes(&self) -> u64 {
        0
    }

    /// Whether it has more to write, and waits for its reader by itself: then nobody needs to pause before the next write.
    fn goes_on(&self) -> bool {
        false
    }

    /// Whether what is left to do has failed, and is not only slow.
    fn has_failed(&self) -> bool {
        !self.is_clear()
    }

    /// Whether it will never write what is pending, which must be given up.
    fn is_broken(&self) -> bool {
        false
    }

    /// Whether the lines that it was given last are lost for good, and no later ones were written.
    fn has_lost(&self) -> bool {
        false
    }

    /// Goes on without the lines that are pending. Returns how many records those were.
    fn give_up(&mut self) -> u64 {
        0
    }

    /// To be called where it is given up with lines pending: a line of which a part was taken ends there, and the next one begins on its own.
    fn leave_line(&mut self) {}

    /// Adds the positions of the records that are not written yet, and must be.
    fn put_waiting(&self, positions: &mut BTreeSet<u64>) {
        let _ = positions;
    }

    /// Asks for what is pending to be synced once it is written.
    fn want_sync(&mut self) {}

    /// Brings to the device what was written, if that was asked for.
    ///
    /// # Errors
    /// When the system refuses; it is tried again later.
    fn sync(&mut self, now: Instant) -> Result<()> {
        let _ = now;
        Ok(())
    }

    /// Whether nothing is left to write or to sync.
    fn is_clear(&self) -> bool {
        self.pending_bytes() == 0
    }

    /// A complaint about the sink that must be reported once, in the log.
    fn take_complaint(&mut self) -> Option<String> {
        None
    }

    /// How far it has come with what `write` handed on, where that goes on behind a thread.
    fn progress(&self) -> Option<Progress> {
        None
    }

    /// Ends its thread until there is more to write; waits for it until `deadline` at most.
    fn pause(&mut self, deadline: Instant) {
        let _ = deadline;
    }

    /// Ends its thread, once that has written everything. Waits for it until `deadline` at most.
    fn end(&mut self, deadline: Instant) {
        let _ = deadline;
    }

    /// Removes a line that was torn where a process died that had begun to write, from `from` on, into this file. To be called with the lock
    /// held.
    ///
    /// # Errors
    /// When the file system refuses.
    fn cut_off_torn(&mut self, identity: Identity, from: u64) -> Result<()> {
        let _ = (identity, from);
        Ok(())
    }
}

/// Which sink an output has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settings {
    File(FileSettings),
    Stream(Stream),
    /// A function of the program, by the name of its output.
    Function(String),
}

/// What a sink is opened with, in addition to its own settings.
#[derive(Clone, Debug)]
pub struct Surroundings<'a> {
    /// The name of its output, under which it counts.
    pub name: &'a str,
    /// None if no file is written.
    pub directory: Option<&'a Path>,
    /// Whether no file is written. Then lines wait until a stream takes them.
    pub is_primary: bool,
    pub directory_mode: u32,
    pub fsync: Fsync,
    /// Where appends are noted before and after.
    pub journal: Journal,
    /// What is known of the directory's files.
    pub catalogue: SharedCatalogue,
    /// Whether a program starts with it.
    pub is_start: bool,
    pub stats: &'a Stats,
}

impl Settings {
    /// Opens the sink.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(&self, around: Surroundings<'_>) -> Result<Box<dyn Sink>> {
        Ok(match self {
            Self::File(file) => Box::new(FileSink::open(file.target(around)?)?),
            Self::Stream(stream) => {
                let stats = around.stats.streams.of(around.name);
                if around.is_primary {
                    Box::new(Primary::new(*stream, stats, around.journal))
                } else {
                    Box::new(Behind::new(*stream, stats))
                }
            }
            Self::Function(name) => {
                let stats = Arc::clone(&around.stats.functions.of(around.name).lines);
                Box::new(Behind::new(Function::named(name), stats))
            }
        })
    }

    /// The file, where it is one: its appends are noted in the black box, and recovery writes to it.
    #[must_use]
    pub fn file(&self) -> Option<&FileSettings> {
        if let Self::File(file) = self { Some(file) } else { None }
    }

    /// The stream, where it is one.
    #[must_use]
    pub fn stream(&self) -> Option<Stream> {
        if let Self::Stream(stream) = self { Some(*stream) } else { None }
    }
}
