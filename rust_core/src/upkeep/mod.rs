//! What is done for log files that get no more records, by one process of a directory at a time, and never on the writer's thread: which of
//! them go.

mod retention;

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::blackbox;
use crate::catalogue::{self, Catalogue, Change, Entry, Look};
use crate::platform;
use crate::rotation::{Disk, Keep};
use crate::sink::{DirectoryLock, Held};
pub use retention::{Going, plan};

/// The file of the process that does it.
const LOCK_FILE: &str = "upkeep.lock";
/// How long a step waits for the directory's lock. It is tried again in the next round.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// One set of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// The name of its output, under which it counts.
    pub output: String,
    /// The name of the current file.
    pub name: String,
    pub keep: Keep,
    /// Whether a rotation itself deletes the file that is one too many.
    pub is_counted: bool,
    /// Whether it has records of level ERROR and above alone.
    pub is_of_errors: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub sets: Vec<Set>,
    /// The bounds over all sets.
    pub all: Keep,
    /// Of lock files that are made.
    pub file_mode: u32,
}

impl Settings {
    /// Whether anything is ever to be done but what a rotation does itself.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        let left = |set: &Set| if set.is_counted { Keep { files: None, ..set.keep } } else { set.keep };
        self.all != Keep::default() || self.sets.iter().any(|set| left(set) != Keep::default())
    }
}

/// What a round has done.
#[derive(Debug, Default)]
pub struct Report {
    pub gone: Vec<Going>,
    pub failed: Vec<String>,
}

/// Does what is due. `goes_on` is asked between two steps: a round that is broken off is gone on with by the next. `now` is in seconds since
/// the epoch. `None` if another process is at it.
#[must_use]
pub fn round(directory: &Path, settings: &Settings, now: i64, goes_on: &dyn Fn() -> bool) -> Option<Report> {
    let mut report = Report::default();
    let home = blackbox::home(directory);
    let lock = platform::private_directory(&home)
        .map_err(|error| error.to_string())
        .and_then(|()| DirectoryLock::named(&home, LOCK_FILE, settings.file_mode).map_err(|error| error.to_string()));
    let mut lock = match lock {
        Ok(lock) => lock,
        Err(reason) => {
            report.failed.push(reason);
            return Some(report);
        }
    };
    lock.hold(Duration::ZERO, |held| {
        if !held.is_alone() {
            return None;
        }
        match DirectoryLock::open(directory, settings.file_mode) {
            Ok(lock) => Round { directory, settings, lock, catalogue: Catalogue::of(directory), report: &mut report }
                .delete(now, goes_on),
            Err(error) => report.failed.push(error.to_string()),
        }
        Some(report)
    })
}

struct Round<'a> {
    directory: &'a Path,
    settings: &'a Settings,
    /// That of the directory, which the writers have in turn.
    lock: DirectoryLock,
    catalogue: Catalogue,
    report: &'a mut Report,
}

impl Round<'_> {
    fn delete(&mut self, now: i64, goes_on: &dyn Fn() -> bool) {
        if self.catalogue.look() == Look::Missing {
            // The next writer makes it again.
            return;
        }
        let disk = platform::disk(self.directory).ok().map(|(size, free)| Disk { size, free });
        let size = |entry: &Entry| fs::symlink_metadata(self.directory.join(&entry.name)).ok().map(|meta| meta.len());
        for going in plan(self.catalogue.known(), self.settings, now, disk, size) {
            if !goes_on() {
                return;
            }
            match self.delete_one(&going) {
                Ok(true) => self.report.gone.push(going),
                Ok(false) => {}
                Err(error) => {
                    self.report.failed.push(format!("{}: {error}", self.directory.join(&going.name).display()))
                }
            }
        }
    }

    /// False if the file is not the one that was meant any more.
    fn delete_one(&mut self, going: &Going) -> io::Result<bool> {
        let Self { directory, lock, catalogue, .. } = self;
        lock.hold(LOCK_PATIENCE, |held| {
            if !matches!(held, Held::Yes | Held::Unsupported) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            catalogue.look();
            let Some(entry) = catalogue.known().get(going.generation).filter(|entry| entry.closed.is_some()) else {
                return Ok(false);
            };
            let path = directory.join(&entry.name);
            match is_it(&path, entry) {
                Ok(true) => fs::remove_file(&path)?,
                // Somebody else has put another file in its place.
                Ok(false) => {}
                Err(error) if platform::is_missing(&error) => {}
                Err(error) => return Err(error),
            }
            catalogue.change(vec![Change::Gone(going.generation)]);
            Ok(true)
        })
    }
}

/// Whether the file at a path is the one that an entry speaks of.
fn is_it(path: &Path, entry: &Entry) -> io::Result<bool> {
    let file = platform::open_to_read(path)?;
    let meta = file.metadata()?;
    let is_same_file = meta.is_file() && platform::identity_of(&meta).inode == entry.mark.inode;
    Ok(is_same_file || entry.mark.fits(&catalogue::head_of(&file)?))
}
