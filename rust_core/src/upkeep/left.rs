//! What processes left that died in the middle of it: an original beside its packed file, and temporary files.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use super::{LOCK_PATIENCE, Round, TEMPORARY};
use crate::archive::{Settled, remove_leftovers, settle};
use crate::blackbox;
use crate::catalogue;
use crate::error::Result;
use crate::rotation::PACKED;

impl Round<'_> {
    /// Clears it away. To be done before files are looked for, because an original that stays beside its packed file is a file of its own.
    pub(super) fn clear_away(&mut self) {
        if let Err(error) = remove_leftovers(self.directory) {
            self.report.failed.push(error.to_string());
        }
        self.remove_temporary();
        for set in &self.settings.sets {
            let Ok(names) = catalogue::names(self.directory, &set.name) else { continue };
            for name in &names {
                let packed = PACKED.iter().map(|end| format!("{name}{end}")).find(|packed| names.contains(packed));
                if let Some(packed) = packed
                    && let Err(error) = self.settle_one(name, &packed)
                {
                    self.report.failed.push(error.to_string());
                }
            }
        }
    }

    fn settle_one(&mut self, original: &str, packed: &str) -> Result<Settled> {
        let Self { directory, lock, .. } = self;
        settle(&directory.join(original), &directory.join(packed), |end| {
            lock.hold(LOCK_PATIENCE, |held| if held.is_alone() { end() } else { Ok(Settled::Different) })
        })
    }

    /// Removes temporary files of the library's own. Each is written by a process that has this lock or the directory's.
    fn remove_temporary(&mut self) {
        let home = blackbox::home(self.directory);
        let Ok(entries) = fs::read_dir(&home) else { return };
        let is_temporary = |name: &OsString| Path::new(name).extension().is_some_and(|end| end == TEMPORARY);
        let left: Vec<_> = entries.flatten().map(|entry| entry.file_name()).filter(is_temporary).collect();
        if left.is_empty() {
            return;
        }
        self.lock.hold(LOCK_PATIENCE, |held| {
            for name in left.iter().filter(|_| held.is_alone()) {
                let _ = fs::remove_file(home.join(name));
            }
        });
    }
}
