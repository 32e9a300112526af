//! What processes left that died in the middle of it: an original beside its packed file, and temporary files.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::remembered::Names;
use super::round::Round;
use super::{GoesOn, LOOK_AFTER};
use crate::archive::{Settled, remove_leftovers, settle};
use crate::blackbox;
use crate::catalogue::{self, Generation, generation_in, is_packed};
use crate::error::Result;
use crate::error_handler::remark;
use crate::rotation::unpacked;
use crate::whole::TEMPORARY;

impl Round<'_> {
    /// Clears it away. To be done before files are looked for, because an original that stays beside its packed file is a file of its own, but
    /// after what others have noted was read: packing is noted last, so that what it has not finished is known by the original's name.
    /// Comparing the two takes long where they are large: false if that is left for a later round, which goes on with it.
    pub(super) fn clear_away(&mut self, goes_on: GoesOn<'_>) -> bool {
        if let Err(error) = remove_leftovers(self.directory) {
            self.fail(LOOK_AFTER, &error);
        }
        self.remove_temporary();
        let is_cleared = self.settle_all(goes_on);
        let directory = self.directory;
        self.remembered.keep_told(|name| directory.join(name).symlink_metadata().is_ok());
        is_cleared
    }

    /// Finishes what was packed and not put in its place. False if it is left before its end.
    fn settle_all(&mut self, goes_on: GoesOn<'_>) -> bool {
        for set in &self.settings.sets {
            let Ok(names) = catalogue::names(self.directory, &set.name) else { continue };
            let packed = self.unknown_packed(&set.name, &names);
            for (name, inode) in &names {
                // An operator may have unpacked a file beside it.
                let known = self.catalogue.known().named(&set.name, name);
                let Some(entry) = known.filter(|entry| entry.mark.inode == *inode) else { continue };
                // A rotation that was cut short may have renamed one of the two.
                let by_name = || packed.values().find(|packed| unpacked(packed) == name);
                let Some(packed) = packed.get(&entry.generation).or_else(by_name).filter(|_| !is_packed(name)) else {
                    continue;
                };
                if !goes_on.goes_on() {
                    return false;
                }
                match self.settle_one(name, packed, goes_on) {
                    Ok(Settled::Different) if self.remembered.tells(name) => {
                        remark("finish packing", format!("{name} is not what was packed, and stays beside it"));
                    }
                    Ok(Settled::Stopped) => return false,
                    Err(error) => self.fail("finish packing", &error),
                    _ => {}
                }
            }
        }
        true
    }

    /// The packed files of which nothing is known, by the generations that stand in them.
    fn unknown_packed<'n>(&self, set: &str, names: &'n Names) -> BTreeMap<Generation, &'n str> {
        let known = self.catalogue.known();
        let is_unknown =
            |name: &str| is_packed(name) && known.named(set, name).is_none() && known.foreign_at(name).is_none();
        let unknown = names.keys().map(String::as_str).filter(|name| is_unknown(name));
        unknown.filter_map(|name| Some((generation_in(&self.directory.join(name))?, name))).collect()
    }

    fn settle_one(&mut self, original: &str, packed: &str, goes_on: GoesOn<'_>) -> Result<Settled> {
        let Self { directory, lock, lock_patience, remembered, .. } = self;
        let mut pace = |_| if goes_on.goes_on() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
        settle(&directory.join(original), &directory.join(packed), &mut remembered.alike, &mut pace, |end| {
            lock.hold(*lock_patience, |held| if held.is_alone() { end() } else { Ok(Settled::Nothing) })
        })
    }

    /// Removes temporary files of the library's own. Each is written by a process that has this lock or the directory's.
    fn remove_temporary(&mut self) {
        let is_own = |path: &Path| {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            path.extension().is_some_and(|end| end == TEMPORARY)
                && (["catalogue", "counts"].contains(&stem) || stem.parse::<Generation>().is_ok())
        };
        let entries = fs::read_dir(blackbox::home(self.directory)).into_iter().flatten().flatten();
        let left: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_own(path)).collect();
        if left.is_empty() {
            return;
        }
        self.lock.hold(self.lock_patience, |held| {
            for path in left.iter().filter(|_| held.is_alone()) {
                let _ = fs::remove_file(path);
            }
        });
    }
}
