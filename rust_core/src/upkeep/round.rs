//! A round: finds the files of each set, deletes what goes, and has the others packed and indexed.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::remembered::Names;
use super::{
    Failure, GoesOn, Going, LOOK_AFTER, Remembered, Report, SEE_DISK, Settings, Work, catalogue_of, disk_of,
    index_path, plan_of,
};
use crate::archive::{INDEX, going_name};
use crate::blackbox;
use crate::catalogue::{self, Catalogue, Change, Look, Mark, is_it, ship::Shipped};
use crate::error::{Error, Result};
use crate::platform;
use crate::sink::DirectoryLock;

const DELETE: &str = "delete a log file";

pub(super) struct Round<'a> {
    pub directory: &'a Path,
    pub settings: &'a Settings,
    /// That of the directory, which the writers have in turn.
    pub lock: DirectoryLock,
    /// How long a step waits for it. It is tried again in the next round.
    pub lock_patience: Duration,
    pub catalogue: Catalogue,
    pub remembered: &'a mut Remembered,
    pub report: &'a mut Report,
}

impl Round<'_> {
    pub fn run(&mut self, now: i64, goes_on: GoesOn<'_>, work: Work) {
        let Self { directory, settings, lock, lock_patience, catalogue, .. } = self;
        let is_read = lock.hold(*lock_patience, |held| {
            if !held.is_alone() {
                return false;
            }
            let look = catalogue.look();
            if look == Look::Missing {
                // What was known of one that is gone is no longer so: the files tell.
                *catalogue = catalogue_of(directory, settings);
                catalogue.look();
            }
            look != Look::Refused
        });
        // A later version looks after files of which nothing is known here. Where the catalogue cannot be read now, a later round goes on.
        if !is_read || self.catalogue.is_of_later_version() {
            return;
        }
        let end = if let Work::Until(end) = work { Some(end) } else { None };
        let until = end.map(|end| move || goes_on.goes_on() && Instant::now() < end);
        let by_then = until.as_ref().map_or(goes_on, |until| until);
        let is_cleared = self.clear_away(by_then);
        for set in self.settings.sets.iter().filter(|_| is_cleared) {
            if let Err(error) = self.find(&set.name, now) {
                self.fail(LOOK_AFTER, &error);
            }
        }
        self.delete(now, goes_on);
        match work {
            Work::All | Work::Until(_) => self.archive(now, by_then, end),
            Work::Retention => {}
        }
        // What was packed takes less room, so that less may have to go the next time; what waited too long goes now.
        self.remove_lost_indices();
        let known = self.catalogue.known();
        self.remembered.keep_only(|generation| known.get(generation).is_some());
    }

    pub(super) fn fail(&mut self, action: &'static str, reason: &impl ToString) {
        self.report.failed.push(Failure::new(action, reason));
    }

    /// Notes files that others have put there, renamed or removed, and all of them where the catalogue was lost.
    fn find(&mut self, set: &str, now: i64) -> io::Result<()> {
        let names = catalogue::names(self.directory, set)?;
        if !self.has_changed(set, &names) {
            return Ok(());
        }
        let expected = self.expected(set, &names);
        if self.remembered.has_looked(set, &names, &expected) {
            return Ok(());
        }
        self.find_anew(set, now)?;
        // What the catalogue would not take stays unknown, and is no reason to open all files again each time.
        let expected = self.expected(set, &names);
        self.remembered.note_look(set, names, expected);
        Ok(())
    }

    /// The names of a set of which something is known.
    fn expected(&self, set: &str, names: &Names) -> Names {
        let known = self.catalogue.known();
        let mut expected: Names = known.of_set(set).map(|entry| (entry.name.clone(), entry.mark.inode)).collect();
        let foreign = known
            .foreign()
            .filter(|(name, foreign)| foreign.set == set && (foreign.mark.length > 0 || names.contains_key(*name)));
        expected.extend(foreign.map(|(name, foreign)| (name.to_owned(), foreign.mark.inode)));
        expected
    }

    /// Whether the directory has other files of a set than are known. Files that may not be read are noted here, and change nothing: else
    /// each round would look at all files again.
    pub(super) fn has_changed(&mut self, set: &str, names: &Names) -> bool {
        let mut expected = self.expected(set, names);
        let known = self.catalogue.known();
        let is_closed = |name: &String| catalogue::is_closed_to_us(&self.directory.join(name));
        let is_readable =
            |name: &String| catalogue::beginning(&self.directory.join(name)).is_ok_and(|(head, _)| !head.is_empty());
        let mut closed = Vec::new();
        for (name, inode) in names {
            let is_known = expected.get(name) == Some(inode);
            // Nothing could be read of it, for that reason or because it is damaged.
            let was_unread = is_known && known.foreign_at(name).is_some_and(|foreign| foreign.mark.length == 0);
            if was_unread && is_readable(name) {
                self.remembered.forget_look(set);
                return true;
            }
            if !is_known && is_closed(name) {
                expected.insert(name.clone(), *inode);
                closed.extend((name != set).then(|| (name.clone(), *inode)));
            }
        }
        let has_changed = *names != expected;
        if !closed.is_empty() {
            self.note_closed(set, closed);
        }
        has_changed
    }

    /// Notes files that may not be read, and tells of them.
    fn note_closed(&mut self, set: &str, files: Vec<(String, u64)>) {
        let Self { directory, lock, lock_patience, catalogue, report, .. } = self;
        lock.hold(*lock_patience, |held| {
            if held.is_alone() && catalogue.look() != Look::Refused {
                catalogue::tell_foreign(directory, catalogue.known(), files.iter().map(|(name, _)| name.as_str()));
                report.foreign.extend(files.iter().map(|(name, _)| name.clone()));
                let change = |(name, inode)| {
                    let (set, mark) = (set.to_owned(), Mark::of(inode, &[]));
                    Change::Foreign { set, name, mark, is_copy: false }
                };
                catalogue.change(files.into_iter().map(change).collect());
            }
        });
    }

    /// Opens all files of a set, and notes what has changed.
    pub(super) fn find_anew(&mut self, set: &str, now: i64) -> io::Result<()> {
        let Self { directory, lock, lock_patience, catalogue, report, .. } = self;
        lock.hold(*lock_patience, |held| {
            if !held.is_alone() {
                return Ok(());
            }
            catalogue.look();
            let foreign = catalogue.reconcile(directory, set, now)?;
            catalogue::tell_foreign(directory, catalogue.known(), foreign.iter().map(String::as_str));
            report.foreign.extend(foreign);
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

    fn delete(&mut self, now: i64, goes_on: GoesOn<'_>) {
        let shipped = Shipped::read(&blackbox::home(self.directory));
        for reason in &shipped.damaged {
            self.fail("read how far a shipper is", reason);
        }
        let (disk, refusal) = disk_of(self.directory, self.settings);
        if self.remembered.tells_of_disk(refusal.is_some()) {
            self.fail(SEE_DISK, &refusal.unwrap_or_default());
        }
        let plan = plan_of(self.directory, self.catalogue.known(), self.settings, now, disk, &shipped);
        self.report.held = plan.held;
        for going in plan.goes {
            if !goes_on.goes_on() {
                return;
            }
            match self.delete_one(&going) {
                Ok(true) => self.report.gone.push(going),
                Ok(false) => {}
                Err(error) => self.fail(DELETE, &error),
            }
        }
    }

    /// False if the file is not the one that was meant any more.
    fn delete_one(&mut self, going: &Going) -> Result<bool> {
        let Self { directory, lock, lock_patience, catalogue, .. } = self;
        let path = directory.join(&going.name);
        let mut left = None;
        let is_gone = lock.hold(*lock_patience, |held| {
            if !held.is_alone() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            if catalogue.look() == Look::Refused {
                return Ok(false);
            }
            let Some(entry) = catalogue.known().get(going.generation).filter(|entry| entry.closed.is_some()) else {
                return Ok(false);
            };
            let path = directory.join(&entry.name);
            match path.symlink_metadata() {
                // To remove a large file takes long, and writers wait for this.
                Ok(_) if is_it(&path, entry)? => {
                    let name = going_name(&path, going.generation);
                    platform::rename_new(&path, &name)?;
                    left = Some(name);
                }
                // Somebody else has put another file in its place, which the next look finds.
                Ok(_) => {
                    catalogue.change(vec![Change::Gone(going.generation)]);
                    return Ok(false);
                }
                Err(error) if platform::is_missing(&error) => {}
                Err(error) => return Err(error),
            }
            let _ = fs::remove_file(index_path(directory, going.generation));
            catalogue.change(vec![Change::Gone(going.generation)]);
            Ok(true)
        });
        let is_gone = is_gone.map_err(|error: io::Error| Error::io("remove", &path, error))?;
        if let Some(left) = left {
            // Another process may have removed it already, as what was left over.
            platform::remove_if_there(&left).map_err(|error| Error::io("remove", &left, error))?;
        }
        Ok(is_gone)
    }
}
