//! What is done for log files that get no more records, by one process of a directory at a time, and never on the writer's thread: they are
//! packed and indexed, and deleted when their bounds no longer keep them.

mod left;
mod pack;
mod retention;

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::archive::{Keys, Method};
use crate::blackbox;
use crate::catalogue::{self, Catalogue, Change, Entry, Generation};
use crate::platform;
use crate::rotation::{Disk, Keep};
use crate::sink::{DirectoryLock, Held};
pub use retention::{Going, plan};

/// The file of the process that does it.
const LOCK_FILE: &str = "upkeep.lock";
/// How the names of indices end.
const INDEX: &str = "idx";
/// How those of files end that are not whole yet.
const TEMPORARY: &str = "tmp";
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
    /// Whether it has records of level ERROR and above alone.
    pub is_of_errors: bool,
    /// How rotated files are packed; None if they are not.
    pub method: Option<Method>,
    /// What the index reads of a line.
    pub keys: Keys,
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
    /// Whether anything is ever to be done.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        // Every rotated file has an index.
        !self.sets.is_empty()
    }
}

/// What a round has done.
#[derive(Debug, Default)]
pub struct Report {
    pub gone: Vec<Going>,
    /// How many files were packed or indexed, and how many still wait for it.
    pub archived: usize,
    pub waiting: usize,
    pub failed: Vec<String>,
}

/// Does what is due. `goes_on` is asked between two steps: a round that is broken off is gone on with by the next. `now` is in seconds since
/// the epoch. `None` if another process is at it.
#[must_use]
pub fn round(directory: &Path, settings: &Settings, now: i64, goes_on: &dyn Fn() -> bool) -> Option<Report> {
    if catalogue::is_of_another(directory) {
        // Processes of the user do it.
        return None;
    }
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
            Ok(lock) => {
                let catalogue = Catalogue::of(directory);
                Round { directory, settings, lock, catalogue, report: &mut report }.run(now, goes_on);
            }
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
    fn run(&mut self, now: i64, goes_on: &dyn Fn() -> bool) {
        self.clear_away();
        self.catalogue.look();
        for set in &self.settings.sets {
            if let Err(error) = self.find(&set.name, now) {
                self.report.failed.push(error.to_string());
            }
        }
        self.delete(now, goes_on);
        self.archive(goes_on);
        // What was packed takes less room, so that less may have to go the next time; what waited too long goes now.
        self.remove_lost_indices();
    }

    /// Notes files that others have put there, renamed or removed, and all of them where the catalogue was lost.
    fn find(&mut self, set: &str, now: i64) -> io::Result<()> {
        let names = catalogue::names(self.directory, set)?;
        let known = self.catalogue.known().of_set(set).map(|entry| entry.name.clone()).collect();
        if names == known {
            return Ok(());
        }
        let Self { directory, lock, catalogue, .. } = self;
        lock.hold(LOCK_PATIENCE, |held| {
            if !matches!(held, Held::Yes | Held::Unsupported) {
                return Ok(());
            }
            catalogue.look();
            let found = catalogue::find(directory, set)?;
            let changes = catalogue.known().reconcile(set, &found, now);
            if !changes.is_empty() {
                catalogue.change(changes);
            }
            Ok(())
        })
    }

    /// Removes indices of files that are gone.
    fn remove_lost_indices(&self) {
        let Ok(entries) = fs::read_dir(blackbox::home(self.directory)) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            let is_index = path.extension().is_some_and(|extension| extension == INDEX);
            let generation = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            if is_index && generation.is_none_or(|generation| self.catalogue.known().get(generation).is_none()) {
                let _ = fs::remove_file(path);
            }
        }
    }

    fn delete(&mut self, now: i64, goes_on: &dyn Fn() -> bool) {
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
            let _ = fs::remove_file(index_path(directory, going.generation));
            catalogue.change(vec![Change::Gone(going.generation)]);
            Ok(true)
        })
    }
}

/// Where the index of a file is.
#[must_use]
pub fn index_path(directory: &Path, generation: Generation) -> PathBuf {
    blackbox::home(directory).join(format!("{generation}.{INDEX}"))
}

/// Whether the file at a path is the one that an entry speaks of. A packed one was made anew, and says so itself.
fn is_it(path: &Path, entry: &Entry) -> io::Result<bool> {
    let (head, generation) = catalogue::beginning(path)?;
    let inode = platform::identity_at(path)?.inode;
    Ok(generation == Some(entry.generation) || inode == entry.mark.inode || entry.mark.fits(&head))
}
