//! Packs and indexes files that get no more records, the oldest of each set first.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::{LOCK_PATIENCE, Round, Set, TEMPORARY, index_path};
use crate::archive::{self, Index, Job, Names, Outcome, index_file, pack, packed_name};
use crate::blackbox;
use crate::catalogue::{Catalogue, Change, Closed, Entry, Generation};
use crate::error::{Error, Result};
use crate::platform;
use crate::rotation::PACKED;
use crate::sink::{DirectoryLock, Held};

/// Where so many files wait, nothing waits between two parts any more.
const BACKLOG: usize = 8;
/// The longest pause between two parts.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

impl Round<'_> {
    /// Packs and indexes what is not yet. One file that cannot be is no obstacle for the others.
    pub(super) fn archive(&mut self, goes_on: &dyn Fn() -> bool) {
        let waiting = self.waiting();
        self.report.waiting = waiting.len();
        for (set, generation) in waiting {
            if !goes_on() {
                return;
            }
            match self.archive_one(&set, generation, goes_on) {
                Ok(true) => self.report.archived += 1,
                Ok(false) => {}
                Err(error) => self.report.failed.push(error.to_string()),
            }
            self.report.waiting -= 1;
        }
    }

    /// The files that are to be packed or indexed, the oldest of each set first.
    fn waiting(&self) -> Vec<(Set, Generation)> {
        let mut waiting = Vec::new();
        for set in &self.settings.sets {
            let closed = self.catalogue.known().of_set(&set.name).filter(|entry| entry.closed.is_some());
            let is_done = |entry: &Entry| {
                let is_packed = set.method.is_none() || PACKED.iter().any(|packed| entry.name.ends_with(packed));
                is_packed && index_path(self.directory, entry.generation).exists()
            };
            waiting.extend(closed.filter(|entry| !is_done(entry)).map(|entry| (set.clone(), entry.generation)));
        }
        waiting
    }

    /// False if it is left for another time.
    fn archive_one(&mut self, set: &Set, generation: Generation, goes_on: &dyn Fn() -> bool) -> Result<bool> {
        let Some(entry) = self.catalogue.known().get(generation).cloned() else { return Ok(false) };
        let path = self.directory.join(&entry.name);
        let Ok(meta) = path.symlink_metadata() else { return Ok(false) };
        // A recovery of a process that died while it appended to the file reads it first.
        if blackbox::appended_from(self.directory, platform::identity_of(&meta), meta.len()).is_some() {
            return Ok(false);
        }
        let first = entry.closed.and_then(|closed| closed.sequence).map(|(first, _)| first);
        let first = first.unwrap_or_else(|| self.catalogue.known().counted(&set.name));
        let is_crowded = self.report.waiting > BACKLOG;
        let mut started = Instant::now();
        let mut pace = |_| {
            if !is_crowded {
                // As long as it worked: half of a processor at most.
                thread::sleep(started.elapsed().min(LONGEST_PAUSE));
                started = Instant::now();
            }
            if goes_on() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let method = set.method.filter(|_| !PACKED.iter().any(|packed| entry.name.ends_with(packed)));
        let index = if let Some(method) = method {
            let target = packed_name(&path, method.kind());
            let names = ByGeneration {
                directory: self.directory,
                lock: RefCell::new(&mut self.lock),
                catalogue: RefCell::new(&mut self.catalogue),
                generation,
                kind: method.kind(),
            };
            let first_sequence = Some(first);
            let job = Job {
                source: &path,
                target: &target,
                method,
                generation,
                first_sequence,
                keys: &set.keys,
                names: Some(&names),
            };
            match pack(&job, &mut pace)? {
                Outcome::Packed(packed) => packed.index,
                Outcome::Stopped | Outcome::Changed | Outcome::Taken | Outcome::Busy => return Ok(false),
            }
        } else {
            match index_file(&path, generation, Some(first), &set.keys, &mut pace)? {
                Some(index) => index,
                None => return Ok(false),
            }
        };
        self.keep_index(set, generation, first, &index)
    }

    /// Writes an index, and notes how many records it has counted.
    fn keep_index(&mut self, set: &Set, generation: Generation, first: u64, index: &[u8]) -> Result<bool> {
        let path = index_path(self.directory, generation);
        let failed = |error| Error::io("write", &path, error);
        write_whole(&path, index).map_err(failed)?;
        let lines = Index::read(index).map(|index| index.header().lines).unwrap_or_default();
        let Self { lock, catalogue, .. } = self;
        lock.hold(LOCK_PATIENCE, |held| {
            if !held.is_alone() {
                return;
            }
            catalogue.look();
            let closed = catalogue.known().get(generation).and_then(|entry| entry.closed);
            let Some(closed) = closed.filter(|closed| closed.sequence.is_none()) else { return };
            let next = first + lines;
            catalogue.change(vec![
                Change::Closed(generation, Closed { sequence: Some((first, next)), ..closed }),
                Change::Counted(set.name.clone(), next.max(catalogue.known().counted(&set.name))),
            ]);
        });
        Ok(true)
    }
}

/// Writes a file of the library's own, which is whole or not there.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension(TEMPORARY);
    match fs::remove_file(&new) {
        Err(error) if !platform::is_missing(&error) => return Err(error),
        _ => {}
    }
    let file = platform::open_private(&new, true)?;
    io::Write::write_all(&mut &file, bytes)?;
    fs::rename(&new, path)
}

/// The names that a file has while the directory's lock is held: a rotation may have renamed it since.
struct ByGeneration<'a> {
    directory: &'a Path,
    lock: RefCell<&'a mut DirectoryLock>,
    catalogue: RefCell<&'a mut Catalogue>,
    generation: Generation,
    kind: archive::Kind,
}

impl Names for ByGeneration<'_> {
    fn keep(&self, work: &mut dyn FnMut(&Path, &Path) -> Result<Outcome>) -> Result<Outcome> {
        self.lock.borrow_mut().hold(LOCK_PATIENCE, |held| {
            if !matches!(held, Held::Yes | Held::Unsupported) {
                return Ok(Outcome::Busy);
            }
            let mut catalogue = self.catalogue.borrow_mut();
            catalogue.look();
            let Some(entry) = catalogue.known().get(self.generation) else { return Ok(Outcome::Changed) };
            let source = self.directory.join(&entry.name);
            let target: PathBuf = packed_name(&source, self.kind);
            let outcome = work(&source, &target)?;
            if let (Outcome::Packed(_), Some(name)) = (&outcome, target.file_name().and_then(|name| name.to_str())) {
                catalogue.change(vec![Change::Moved(vec![(self.generation, name.to_owned())])]);
            }
            Ok(outcome)
        })
    }
}
