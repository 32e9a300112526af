//! Visiting boxes of other processes, in directories that are trusted.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use super::block::FoundBlock;
use super::own::is_own;
use super::ownerless::{Ownerless, open_others, take_over};
use super::{ASIDE, BOX, Distrust, Location, NEW, is_older, kind};
use crate::platform;

/// Making a box never takes as long.
const MAKING: Duration = Duration::from_secs(60);

impl Location {
    /// The directory's metadata, if this process trusts its boxes: if no other user may have made them. Root also
    /// trusts the owner of a log directory in which no other user may write. All users may write to shared memory,
    /// where a directory's name says whose it is.
    fn trusted(&self) -> Result<Option<fs::Metadata>, Distrust> {
        let distrust = |reason| Err(self.distrust(reason));
        let meta = match self.directory.symlink_metadata() {
            Ok(meta) => meta,
            Err(error) if platform::is_missing(&error) => return Ok(None),
            // For example, the process may not enter its log directory any more.
            Err(_) => return Err(Distrust { expected: true, ..self.distrust("it cannot be looked at") }),
        };
        if !meta.is_dir() {
            return distrust("it is no directory");
        }
        if platform::others_may_write(&meta) {
            return distrust("other users may write in it");
        }
        if platform::is_mine(&meta) {
            return Ok(Some(meta));
        }
        let of_the_logs = |meta: &fs::Metadata| {
            let logs = self.directory.parent().and_then(|logs| logs.metadata().ok());
            logs.is_some_and(|logs| platform::same_owner(&logs, meta) && !platform::others_may_write(&logs))
        };
        if !self.shared_memory && platform::is_root() && of_the_logs(&meta) {
            return Ok(Some(meta));
        }
        // Root plants no boxes, and nobody else may read them. Processes of root recover them.
        if platform::is_roots(&meta) {
            return Err(Distrust {
                expected: true,
                ..self.distrust("it belongs to root, who alone may recover from it")
            });
        }
        distrust("it belongs to another user")
    }

    /// Visits the boxes of other processes, and those in the making. Boxes of another user are visited with that
    /// user's rights. `None` if there is no directory for boxes.
    ///
    /// # Errors
    /// When another user could have planted boxes here, or if the rights of the boxes' user cannot be taken.
    pub(super) fn visit_boxes<R: Send>(
        &self,
        visit: impl FnOnce(Vec<PathBuf>, &fs::Metadata) -> R + Send,
    ) -> Result<Option<R>, Distrust> {
        let Some(meta) = self.trusted()? else { return Ok(None) };
        let is_box = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            self.is_named(name) && [BOX, NEW].contains(&kind(path)) && !is_own(path)
        };
        let list = || match fs::read_dir(&self.directory) {
            Ok(entries) => {
                let paths = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_box);
                let mut paths: Vec<PathBuf> = paths.collect();
                paths.sort();
                Ok(Some(visit(paths, &meta)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            // The process may have changed its user since it looked: then nobody need be told.
            Err(_) => {
                Err(Distrust { expected: !platform::is_mine(&meta), ..self.distrust("its owner cannot read it") })
            }
        };
        if platform::is_mine(&meta) {
            return list();
        }
        platform::with_rights_of(&meta, list)
            // As above: root's rights may have gone since.
            .unwrap_or_else(|_| {
                let expected = !platform::is_root();
                Err(Distrust { expected, ..self.distrust("the rights of its owner are not to be had") })
            })
    }

    fn distrust(&self, reason: &'static str) -> Distrust {
        Distrust { directory: self.directory.clone(), reason, expected: false }
    }

    /// The first bytes of every box of another process, alive or not.
    pub fn each_front(&self, bytes: usize, mut read: impl FnMut(&[u8]) + Send) {
        let mut front = vec![0; bytes];
        // The next recovery reports a location that is not trusted.
        let _ = self.visit_boxes(|paths, meta| {
            for path in paths {
                if let Some(file) = open_others(&path, meta)
                    && let Ok(count) = platform::read_at(&file, &mut front, 0)
                {
                    read(&front[..count]);
                }
            }
        });
    }

    /// The counts in each box of another process, alive or not.
    pub fn each_block(&self, mut read: impl FnMut(FoundBlock) + Send) {
        // The next recovery reports a location that is not trusted.
        let _ = self.visit_boxes(|paths, meta| {
            for path in paths.into_iter().filter(|path| kind(path) == BOX) {
                if let Some(file) = open_others(&path, meta)
                    && let Some(found) = FoundBlock::read(&file, &path)
                {
                    read(found);
                }
            }
        });
    }

    /// Removes boxes that were set aside longer ago than `age`. Returns their paths.
    ///
    /// # Errors
    /// As for `visit_boxes`.
    pub fn remove_aside(&self, age: Duration) -> Result<Vec<PathBuf>, Distrust> {
        let Some(_) = self.trusted()? else { return Ok(Vec::new()) };
        let is_left = |path: &PathBuf| {
            kind(path) == ASIDE && path.symlink_metadata().is_ok_and(|meta| meta.is_file() && is_older(&meta, age))
        };
        let Ok(entries) = fs::read_dir(&self.directory) else { return Ok(Vec::new()) };
        let left = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_left);
        Ok(left.filter(|path| fs::remove_file(path).is_ok()).collect())
    }

    /// Opens every box whose owner is gone, takes over the owner's lock, and passes the box to `recover`, which may
    /// break off. With `copied` the directory was copied from another machine, see `take_over`.
    ///
    /// # Errors
    /// As for `visit_boxes`.
    pub fn each_ownerless(
        &self,
        copied: bool,
        mut recover: impl FnMut(Ownerless) -> ControlFlow<()> + Send,
    ) -> Result<ControlFlow<()>, Distrust> {
        let each = |paths: Vec<PathBuf>, meta: &fs::Metadata| {
            for path in paths {
                let whole = kind(&path) == BOX;
                // A young box in the making is left alone, because its owner could not take the lock during a visit.
                if !whole && !path.symlink_metadata().is_ok_and(|meta| is_older(&meta, MAKING)) {
                    continue;
                }
                let Some(found) = take_over(path, meta, copied) else { continue };
                if whole {
                    recover(found)?;
                } else {
                    let _ = found.remove();
                }
            }
            ControlFlow::Continue(())
        };
        Ok(self.visit_boxes(each)?.unwrap_or(ControlFlow::Continue(())))
    }
}
