//! Packs and indexes files that get no more records, the oldest of each set first.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::brief::{Brief, Measured};
use super::round::Round;
use super::{Failure, GoesOn, Remembered, Set, index_path, read_index};
use crate::archive::{
    self, Index, Job, Keys, Method, Names, Outcome, PART, Prepared, Unreadable, count_lines, index_file, packed_name,
    prepare,
};
use crate::blackbox;
use crate::catalogue::{Catalogue, Change, Entry, Generation, Look, Mark, is_it, is_packed};
use crate::error::{Error, Result};
use crate::error_handler::remark;
use crate::platform::{self, Identity};
use crate::sink::DirectoryLock;
use crate::whole;
use crate::worker::with_what_is_left;

/// Where so many files wait, nothing waits between two parts any more.
const BACKLOG: usize = 8;
/// The longest pause between two parts.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// The thread that reads and packs.
const THREAD: &str = "unified_logger_packing";
/// A round works on no more files than this.
const MOST: usize = 10_000;
const PACK: &str = "pack a log file";
const WRITE_INDEX: &str = "index a log file";

impl<'s> Round<'s> {
    /// Packs and indexes what is not yet. One file that cannot be is no obstacle for the others, and is tried again after a pause.
    /// With an end, until which alone it goes on, a file that would take longer is passed over.
    pub(super) fn archive(&mut self, now: i64, goes_on: GoesOn<'_>, end: Option<Instant>) {
        let waiting = self.waiting(end.is_some());
        let mut brief = end.map(Brief::until);
        if self.remembered.begun.as_ref().is_some_and(|begun| waiting.iter().all(|(_, one)| *one != begun.generation()))
        {
            self.remembered.give_up();
        }
        self.report.waiting = waiting.len();
        for set in &self.settings.sets {
            let count = waiting.iter().filter(|(waiting, _)| waiting.name == set.name).count();
            self.report.of_sets.insert(set.name.clone(), (0, count));
        }
        for (set, generation) in waiting.into_iter().take(MOST) {
            if !goes_on.goes_on() {
                return;
            }
            if !self.remembered.is_due(generation) {
                continue;
            }
            let result = self.archive_one(set, generation, now, goes_on, brief.as_mut());
            match result {
                Ok(Done::Left) => {
                    // No later round of this process goes on with it.
                    let begun = self.remembered.begun.as_ref().map(|begun| begun.generation());
                    if brief.is_some() && begun == Some(generation) {
                        self.remembered.give_up();
                    }
                }
                Ok(done) => {
                    self.remembered.done(generation);
                    let is_archived = done == Done::Archived;
                    self.report.archived += usize::from(is_archived);
                    self.report.indexed += usize::from(done == Done::Indexed);
                    self.report.waiting -= 1;
                    if let Some((archived, waiting)) = self.report.of_sets.get_mut(&set.name) {
                        (*archived, *waiting) = (*archived + usize::from(is_archived), *waiting - 1);
                    }
                }
                Err(error) => {
                    self.remembered.refuse(generation);
                    let action = if set.method.is_some() { PACK } else { WRITE_INDEX };
                    self.report.failed.push(Failure { set: Some(set.name.clone()), ..Failure::new(action, &error) });
                }
            }
        }
        // Files behind one that could not be counted before.
        for set in &self.settings.sets {
            self.count(&set.name, None);
        }
    }

    /// The files that are to be packed or indexed, the oldest of each set first.
    fn waiting(&mut self, is_brief: bool) -> Vec<(&'s Set, Generation)> {
        let (settings, directory) = (self.settings, self.directory);
        let mut waiting = Vec::new();
        for set in &settings.sets {
            let closed = self.catalogue.known().of_set(&set.name).filter(|entry| entry.closed.is_some());
            for entry in closed {
                let is_packed = set.method.is_none() || is_packed(&entry.name);
                if is_packed && self.remembered.is_whole_packed(entry.generation) {
                    continue;
                }
                // To read all indices takes longer than there is time.
                let has_index = |remembered: &mut Remembered| {
                    is_brief && index_path(directory, entry.generation).exists()
                        || has_index(directory, entry.generation, remembered)
                };
                if !is_packed || !has_index(self.remembered) {
                    waiting.push((set, entry.generation));
                }
            }
        }
        waiting
    }

    fn archive_one(
        &mut self,
        set: &Set,
        generation: Generation,
        now: i64,
        goes_on: GoesOn<'_>,
        brief: Option<&mut Brief>,
    ) -> Result<Done> {
        let is_brief = brief.is_some();
        let Self { directory, lock, lock_patience, catalogue, .. } = self;
        // A rotation may have renamed it since the last look.
        let found = lock.hold(*lock_patience, |held| {
            if !held.is_alone() || catalogue.look() == Look::Refused {
                return None;
            }
            let entry = catalogue.known().get(generation)?.clone();
            let path = directory.join(&entry.name);
            let meta = path.symlink_metadata().ok()?;
            let is_it = is_it(&path, &entry);
            Some((entry, path, platform::identity_of(&meta), meta.len(), is_it))
        });
        let Some((entry, path, identity, size, is_it)) = found else { return Ok(Done::Left) };
        if !is_it.map_err(|error| Error::io("read", &path, error))? {
            // Somebody else has put another file in its place.
            self.find_anew(&set.name, now).map_err(|error| Error::io("look for", &path, error))?;
            return Ok(Done::Left);
        }
        let is_packed = is_packed(&entry.name);
        let method = set.method.filter(|_| !is_packed);
        let begun = self.remembered.begun.as_ref().filter(|begun| begun.generation() == generation);
        let done = begun.map(|begun| begun.done());
        if let Some(brief) = &brief
            && done.is_none()
            && !(brief.has_time((method, is_packed), size)
                && (size <= PART as u64 || !method.is_some_and(Method::is_slow)))
        {
            return Ok(Done::Left);
        }
        // A recovery of a process that died while it appended to the file reads it first.
        if blackbox::appended_from(self.directory, identity, size).is_some() {
            return Ok(Done::Left);
        }
        let first_sequence = self.first_of(&set.name, generation);
        let is_known = self.is_counted(generation);
        let is_crowded = is_brief || self.report.waiting > BACKLOG;
        let mut measured =
            brief.map(|brief| Measured::start(brief, (method, is_packed), size, done.unwrap_or_default()));
        let mut started = Instant::now();
        let mut pace = |bytes| {
            if measured.as_mut().is_some_and(|measured| !measured.goes_on(bytes)) {
                return ControlFlow::Break(());
            }
            if !is_crowded {
                // As long as it worked: half of a processor at most.
                let pause = started.elapsed().min(LONGEST_PAUSE);
                goes_on.rest(pause);
                started = Instant::now();
            }
            if goes_on.goes_on() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let index = if let Some(method) = method {
            let target = packed_name(&path, method.kind());
            let names = ByGeneration {
                directory: self.directory,
                state: Mutex::new((&mut self.lock, &mut self.catalogue)),
                lock_patience: self.lock_patience,
                generation,
                kind: method.kind(),
            };
            let job = Job {
                source: &path,
                target: &target,
                method,
                generation,
                first_sequence,
                keys: &set.keys,
                names: Some(&names),
            };
            let begun = self.remembered.begun.take();
            let kept = &mut self.remembered.begun;
            let prepared = on_a_thread(is_brief, || prepare(&job, begun, &mut pace));
            let outcome = match prepared.and_then(|prepared| match prepared {
                Prepared::Ready(ready) => ready.take_place(),
                Prepared::Left(begun) => {
                    *kept = Some(begun);
                    Ok(Outcome::Stopped)
                }
                Prepared::Not(outcome) => Ok(outcome),
            }) {
                // Renamed in this moment.
                Err(Error::Io { source, .. }) if platform::is_missing(&source) => return Ok(Done::Left),
                outcome => outcome?,
            };
            match outcome {
                Outcome::Packed(packed) => packed.index,
                Outcome::Stopped | Outcome::Changed | Outcome::Busy => return Ok(Done::Left),
                Outcome::Taken => {
                    // It is searched as it is, until that name is free.
                    if !index_path(self.directory, generation).exists()
                        && let Some(index) =
                            index_of(&path, identity, generation, first_sequence, &set.keys, &mut pace, is_brief)?
                    {
                        self.keep_index(set, generation, &index)?;
                    }
                    return Err(Error::io("make", &target, io::ErrorKind::AlreadyExists.into()));
                }
            }
        } else {
            match index_of(&path, identity, generation, first_sequence, &set.keys, &mut pace, is_brief) {
                Ok(Some(index)) => index,
                Ok(None) => return Ok(Done::Left),
                // Another program has packed it as a whole: there is nothing to index, and no fault to tell of.
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::Unsupported => {
                    if !is_known {
                        // A rotation may have given its name to the next file.
                        match on_a_thread(is_brief, || count_lines(&path, identity, &mut pace))? {
                            Some(lines) => self.count(&set.name, Some((generation, lines))),
                            None => return Ok(Done::Left),
                        }
                    }
                    self.remembered.note_whole_packed(generation);
                    return Ok(Done::Nothing);
                }
                Err(error) => return Err(error),
            }
        };
        self.keep_index(set, generation, &index)?;
        Ok(if method.is_some() || set.method.is_none() && !is_known { Done::Archived } else { Done::Indexed })
    }

    /// Writes an index, and notes how many records it has counted.
    fn keep_index(&mut self, set: &Set, generation: Generation, index: &[u8]) -> Result<()> {
        let path = index_path(self.directory, generation);
        whole::write(&path, index).map_err(|error| Error::io("write", &path, error))?;
        self.count(&set.name, None);
        Ok(())
    }
}

/// What came of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    Archived,
    /// It has an index again, or was packed by another program.
    Indexed,
    /// There is nothing to do for it.
    Nothing,
    /// It is left for another time.
    Left,
}

/// Reads and packs on a thread that yields to all others, or on this one where a process waits for its end.
fn on_a_thread<R: Send>(is_brief: bool, body: impl FnOnce() -> R + Send) -> R {
    if is_brief { body() } else { with_what_is_left(THREAD, body) }
}

/// The index of a file, if the path led to it all the time: names of rotated files only ever go to older ones, so that it never comes back to one that it
/// had.
fn index_of(
    path: &Path,
    identity: Identity,
    generation: Generation,
    first: Option<u64>,
    keys: &Keys,
    pace: archive::Pace<'_>,
    is_brief: bool,
) -> Result<Option<Vec<u8>>> {
    let index = on_a_thread(is_brief, || index_file(path, generation, first, keys, pace));
    if platform::identity_at(path).ok() == Some(identity) { index } else { Ok(None) }
}

/// Whether a file has an index that is whole. One that is not is removed, and told of.
fn has_index(directory: &Path, generation: Generation, remembered: &mut Remembered) -> bool {
    let path = index_path(directory, generation);
    let Ok(meta) = path.symlink_metadata() else { return false };
    let state = (meta.len(), meta.modified().ok());
    // Each is read once, and once more when it was written again.
    if remembered.is_whole(generation, state) {
        return true;
    }
    let is_whole = |bytes: &[u8]| match Index::read(bytes) {
        Ok(index) => index.header().generation == generation,
        Err(error) => matches!(error, Unreadable::Newer(_)),
    };
    match read_index(directory, generation) {
        Ok(bytes) if is_whole(&bytes) => {
            remembered.note_whole(generation, state);
            true
        }
        Ok(_) => {
            remark("read an index of a log file", format!("{} is damaged, and made again", path.display()));
            let _ = fs::remove_file(&path);
            false
        }
        // It cannot be read now, which says nothing of what is in it.
        Err(_) => true,
    }
}

/// The names that a file has while the directory's lock is held: a rotation may have renamed it since.
struct ByGeneration<'a> {
    directory: &'a Path,
    state: Mutex<(&'a mut DirectoryLock, &'a mut Catalogue)>,
    lock_patience: Duration,
    generation: Generation,
    kind: archive::Kind,
}

impl Names for ByGeneration<'_> {
    fn keep(&self, work: &mut dyn FnMut(&Path, &Path) -> Result<Outcome>) -> Result<Outcome> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (lock, catalogue) = &mut *state;
        lock.hold(self.lock_patience, |held| {
            if !held.is_alone() || catalogue.look() == Look::Refused {
                return Ok(Outcome::Busy);
            }
            let Some(entry) = catalogue.known().get(self.generation) else { return Ok(Outcome::Changed) };
            let source = self.directory.join(&entry.name);
            if !is_it(&source, entry).map_err(|error| Error::io("read", &source, error))? {
                return Ok(Outcome::Changed);
            }
            let entry = entry.clone();
            let target: PathBuf = packed_name(&source, self.kind);
            let outcome = work(&source, &target)?;
            if let (Outcome::Packed(_), Some(name)) = (&outcome, target.file_name().and_then(|name| name.to_str())) {
                let inode = platform::identity_at(&target).map_or(entry.mark.inode, |identity| identity.inode);
                let mark = Mark { inode, ..entry.mark };
                catalogue.change(vec![Change::File(Entry { name: name.to_owned(), mark, ..entry })]);
            }
            Ok(outcome)
        })
    }
}
