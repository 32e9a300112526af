//! Rotating a file: a new one takes its path.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use super::find::open;
use super::{FileSink, Fsync};
use crate::blackbox;
use crate::catalogue::{self, ship};
use crate::error::{Error, Result};
use crate::error_handler::remark;
use crate::fault_injection::{self, Fault};
use crate::platform::{self, Rights};
use crate::rotation::{Keep, Names, Rule, Step, There};
use crate::stats::Cause;

/// How often a rotation is planned anew, because another program has made a name that was free.
const PLANS: u32 = 100;

impl FileSink {
    /// Whether it was possible. Where something other than a file lies in the way, records go on in the same file.
    pub(super) fn rotate(&mut self, cause: Cause) -> Result<bool> {
        if self.is_link() {
            return Ok(false);
        }
        if self.sync.data {
            self.sync_data()?;
        }
        let mut done = Vec::new();
        let is_moved = self.move_on(&mut done);
        // Also of what was cut short: others go on from there.
        self.note_rotation(&done);
        let is_deleted = |step: &&Step| matches!(step, Step::Replace(..) | Step::Remove(_));
        self.target.stats.deleted.of(Rule::Files as usize).add(done.iter().filter(is_deleted).count() as u64);
        if !is_moved? {
            return Ok(false);
        }
        self.target.stats.rotations.of(cause as usize).add(1);
        self.life.is_new();
        // Another user's processes may write here too, and then to this one. The file may have become theirs since it
        // was opened.
        if let Some(Ok(Some(meta))) = self.file.as_ref().map(|open| open.probe(&self.target.path)) {
            self.rights = Rights::of(&meta);
        }
        // Closed first: where descriptors have run out, the new file gets this one's.
        self.file = None;
        self.sync.names = self.target.fsync != Fsync::Never;
        let (open, rights) = open(&self.target, self.rights)?;
        (self.file, self.rights) = (Some(open), rights);
        self.target.point_link();
        self.identify();
        Ok(true)
    }

    /// Whether the path is a link. It is never renamed: somebody wants the records where it leads, and a link is none of the rotated files that are
    /// packed, read and deleted.
    pub(super) fn is_link(&mut self) -> bool {
        let path = &self.target.path;
        let is_link = path.symlink_metadata().is_ok_and(|meta| meta.is_symlink());
        if is_link && !self.life.has_told_link {
            let reason = format!(
                "{} is a link: the file to which it leads is never changed for a new one, and grows. Link the directory in its place, or have another program rotate that file",
                path.display()
            );
            remark("rotate a log file", reason);
            self.life.has_told_link = true;
        }
        is_link
    }

    /// Renames the files of the set, and says which steps were `done`.
    fn move_on(&mut self, done: &mut Vec<Step>) -> Result<bool> {
        let Some((directory, name)) = self.target.place() else { return Ok(false) };
        let rotation = &self.target.rotation;
        let label = self.label();
        let keep = self.keep_of_numbers(directory);
        for tries in 1.. {
            let mut foreign = BTreeSet::new();
            let mut steps = self.plan(directory, name, &label, &keep, &mut foreign)?;
            if self.target.knows_better(directory, name, &steps) {
                steps = self.plan(directory, name, &label, &keep, &mut foreign)?;
            }
            if rotation.names == Names::Numbers {
                self.target.note_foreign(directory, name, foreign);
            }
            match take(directory, steps, done) {
                Ok(()) => return Ok(true),
                // Another program has made the name since: the next plan knows of it.
                Err((_, error)) if error.kind() == io::ErrorKind::AlreadyExists && tries < PLANS => {}
                Err((step, error)) => {
                    let is_in_the_way = is_in_the_way(&error);
                    let error = match &step {
                        Step::Remove(name) => Error::io("remove", &directory.join(name), error),
                        Step::Rename(_, to) | Step::Replace(_, to) if is_in_the_way => {
                            Error::io("rotate to", &directory.join(to), error)
                        }
                        Step::Rename(from, _) | Step::Replace(from, _) => {
                            Error::io("rotate", &directory.join(from), error)
                        }
                    };
                    if !is_in_the_way {
                        return Err(error);
                    }
                    self.obstacle = Some(error);
                    break;
                }
            }
        }
        Ok(false)
    }
}

impl FileSink {
    /// The bound at which a rotation by numbers deletes the last file. It has none where that file may have to stay: then it is renamed further, and
    /// the retention decides, as it does for names with dates.
    fn keep_of_numbers(&self, directory: &Path) -> Keep {
        let keep = self.target.rotation.keep;
        let is_later = || self.target.catalogue.with(|catalogue| catalogue.is_of_later_version()) == Some(true);
        let is_left = self.target.rotation.names == Names::Numbers
            && keep.files.is_some()
            // Processes of another user would have to delete there, and none may run.
            && !catalogue::is_of_another(directory)
            && (is_later() || ship::is_any_registered(&blackbox::home(directory)));
        if is_left { Keep { files: None, ..keep } } else { keep }
    }

    /// The steps of a rotation, and the files of other programs that lie in its way.
    fn plan(
        &self,
        directory: &Path,
        set: &str,
        label: &str,
        keep: &Keep,
        foreign: &mut BTreeSet<String>,
    ) -> Result<Vec<Step>> {
        let failed = Cell::new(None);
        let foreign = RefCell::new(foreign);
        // What cannot be probed may exist, and must not be replaced.
        let whose = |file: &str| match self.target.whose(directory, set, file) {
            Ok(There::Foreign) => {
                foreign.borrow_mut().insert(file.to_owned());
                There::Foreign
            }
            Ok(there) => there,
            Err(error) => {
                failed.set(Some(Error::io("look at", &directory.join(file), error)));
                There::Nothing
            }
        };
        let rotation = &self.target.rotation;
        let steps = if rotation.names == Names::Numbers {
            rotation.names.steps(set, label, 0, keep, whose)
        } else {
            // Nothing moves, so that it does not matter whose a file is.
            let is_free =
                |file: &str| directory.join(file).symlink_metadata().is_err_and(|error| platform::is_missing(&error));
            let first = self.target.catalogue.with(|catalogue| catalogue.known().next_dated(set, label)).unwrap_or(0);
            let there = |file: &str| if is_free(file) { There::Nothing } else { There::Foreign };
            rotation.names.steps(set, label, first, keep, there)
        };
        failed.take().map_or(Ok(steps), Err)
    }
}

/// Takes the steps of a rotation. An error comes with the step that failed.
fn take(directory: &Path, steps: Vec<Step>, done: &mut Vec<Step>) -> std::result::Result<(), (Step, io::Error)> {
    for step in steps {
        let taken = match &step {
            Step::Rename(from, to) => platform::rename_new(&directory.join(from), &directory.join(to)),
            Step::Replace(from, to) => fs::rename(directory.join(from), directory.join(to)),
            Step::Remove(name) => fs::remove_file(directory.join(name)),
        };
        match taken {
            Ok(()) => done.push(step),
            // It is gone already.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err((step, error)),
        }
        fault_injection::pass(Fault::Rotate);
    }
    Ok(())
}

/// A directory, that is, where a file is to go or the other way round, or a file that nobody may rename.
fn is_in_the_way(error: &io::Error) -> bool {
    let is_directory = matches!(
        error.kind(),
        io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory | io::ErrorKind::DirectoryNotEmpty
    );
    is_directory || platform::is_pinned(error)
}
