//! Makes what is known what is there, also where the catalogue was lost.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::entry::Generation;
use super::lines::{self, Change};
use super::{ASIDE, Catalogue, Form, Look, NAME, found, open, tell_foreign};
use crate::archive::INDEX;
use crate::error_handler::remark;
use crate::platform::{self, Identity};
use crate::table::lock_briefly;

/// Catalogues that this process has seen, by their directories, and the log directories in which that was.
static SEEN: Mutex<BTreeMap<PathBuf, Identity>> = Mutex::new(BTreeMap::new());

impl Catalogue {
    /// Looks, and makes what is known what is there if the catalogue is gone: others may have noted new names in it meanwhile. `set` is the one that
    /// is asked about. Returns whether it was gone. To be called with the directory's lock.
    pub fn look_or_find(&mut self, directory: &Path, set: &str, now: i64) -> bool {
        if self.look() != Look::Missing {
            return false;
        }
        let mut sets: BTreeSet<String> = self.known.files().map(|entry| entry.set.clone()).collect();
        sets.insert(set.to_owned());
        for set in &sets {
            match self.reconcile(directory, set, now) {
                Ok(foreign) => tell_foreign(directory, &self.known, foreign.iter().map(String::as_str)),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                Err(error) => remark("look for log files", format!("{}: {error}", directory.display())),
            }
        }
        true
    }

    /// Notes files of a set that others have put there, renamed or removed, and all of them where the catalogue was lost. Returns the names of files that
    /// another program has made, and that were not noted before. To be called with the directory's lock, after `look`.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn reconcile(&mut self, directory: &Path, set: &str, now: i64) -> io::Result<Vec<String>> {
        if self.is_refused {
            return Ok(Vec::new());
        }
        // Even where no file is left: the next one must not get the number of one that was read or shipped.
        if self.known.next_noted() == 0 {
            self.begin_above_lost_generations(now);
        }
        let there = found::find_unfinished(directory, set, |found| self.known.original(set, found))?;
        let form = self.forms.get(set).cloned().unwrap_or_default();
        let is_credible = |found: &super::Found| found::is_credible(&directory.join(&found.name), &form);
        let is_same = |one: &super::Found, other: &super::Found| super::is_same(directory, one, other);
        let mut changes = self.known.reconcile_with(set, &there, now, &is_credible, &is_same);
        let is_gone =
            |name: &str| directory.join(name).symlink_metadata().is_err_and(|error| platform::is_missing(&error));
        let of_set = self.known.foreign().filter(|(_, foreign)| foreign.set == set);
        changes.extend(of_set.filter(|(name, _)| is_gone(name)).map(|(name, _)| Change::ForeignGone(name.to_owned())));
        let new = |change: &Change| if let Change::Foreign { name, .. } = change { Some(name.clone()) } else { None };
        let foreign: Vec<String> = changes.iter().filter_map(new).collect();
        if !changes.is_empty() {
            self.change(changes);
        }
        Ok(foreign)
    }

    /// What the lines of a set look like.
    pub(super) fn form_of(&self, set: &str) -> &Form {
        const ANY: &Form = &Form::Any;
        self.forms.get(set).unwrap_or(ANY)
    }

    /// Notes that the catalogue is there.
    pub(super) fn note_sight(&self) {
        if let Some(directory) = self.home.parent().and_then(|directory| platform::identity_at(directory).ok())
            && let Some(mut seen) = lock_briefly(&SEEN)
        {
            seen.insert(self.home.clone(), directory);
        }
    }

    /// Tells once that the catalogue was removed while this process runs. Where the directory is another one by now, nothing of it is missing.
    pub(super) fn tell_loss(&self) {
        let seen = lock_briefly(&SEEN).and_then(|mut seen| seen.remove(&self.home));
        let now = self.home.parent().and_then(|directory| platform::identity_at(directory).ok());
        if seen.is_some() && seen == now && self.may_write() {
            self.remark_on_loss();
        }
    }

    fn remark_on_loss(&self) {
        let reason = format!("{} is gone, and made again from the files", self.home.join(NAME).display());
        remark("read the catalogue of log files", reason);
    }

    /// No number of a catalogue that is lost is given again, whatever the clock says: indices, positions of shippers and what can be read of a damaged
    /// catalogue tell some of them. Packed files tell theirs themselves.
    fn begin_above_lost_generations(&mut self, now: i64) {
        let names = fs::read_dir(&self.home).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let of_index = |name: std::ffi::OsString| -> Option<Generation> {
            let (stem, end) = name.to_str()?.rsplit_once('.')?;
            (end == INDEX).then(|| stem.parse().ok()).flatten()
        };
        let mut highest = names.filter_map(of_index).max().unwrap_or(0);
        highest = highest.max(super::ship::highest_generation(&self.home));
        let mut damaged = Vec::new();
        if let Ok(Some((file, _))) = open::open(&self.home, ASIDE) {
            // What can be read of it tells something.
            let _ = file.take(open::LONGEST).read_to_end(&mut damaged);
        }
        for line in damaged.split_inclusive(|byte| *byte == b'\n') {
            // A line that was changed has another checksum, and is passed over.
            let Ok((changes, _)) = lines::read(line) else { continue };
            for change in changes {
                highest = highest.max(match change {
                    Change::File(entry) => entry.generation,
                    Change::Catalogue { next, .. } => next.saturating_sub(1),
                    _ => 0,
                });
            }
        }
        if highest == 0 {
            return;
        }
        if damaged.is_empty() && !self.is_read_only {
            self.remark_on_loss();
        }
        // A line that cannot be read may have made files, and none in fewer bytes than one.
        let next = highest.saturating_add(damaged.len() as u64).saturating_add(1);
        self.change(vec![lines::head(next.max(now.unsigned_abs()))]);
    }
}
