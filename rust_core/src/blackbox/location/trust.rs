//! Looking at boxes of others, where they are believed.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use super::own::is_own;
use super::ownerless::{Ownerless, open_others, take_over};
use super::{ASIDE, BOX, Distrust, Location, NEW, is_older, kind};
use crate::platform;

/// Nobody takes as long to make a box.
const MAKING: Duration = Duration::from_secs(60);

impl Location {
    /// Who may have made the boxes here: this user alone, whose they are to be. Root believes the owner of a log directory as well,
    /// where nobody else may write in it. In shared memory, which all may write to, the name says whose a directory is.
    fn trusted(&self) -> Result<Option<fs::Metadata>, Distrust> {
        let distrust = |reason| Err(self.distrust(reason));
        let meta = match self.directory.symlink_metadata() {
            Ok(meta) => meta,
            Err(error) if platform::is_missing(&error) => return Ok(None),
            // As for a process that may not enter its log directory any more.
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
        // Root plants nothing, and lets nobody look: its boxes are its own processes' to recover.
        if platform::is_roots(&meta) {
            return Err(Distrust {
                expected: true,
                ..self.distrust("it belongs to root, who alone may recover from it")
            });
        }
        distrust("it belongs to another user")
    }

    /// Looks at the boxes of other processes, and at those in the making. What belongs to another user is looked at with that user's
    /// rights. `None` where there is no directory for boxes.
    ///
    /// # Errors
    /// When another user could have planted boxes here, or the rights of the boxes' user are not to be had.
    fn visit_boxes<R: Send>(
        &self,
        visit: impl FnOnce(Vec<PathBuf>, &fs::Metadata) -> R + Send,
    ) -> Result<Option<R>, Distrust> {
        let Some(meta) = self.trusted()? else { return Ok(None) };
        let is_box = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with(&self.prefix) && [BOX, NEW].contains(&kind(path)) && !is_own(path)
        };
        let list = || match fs::read_dir(&self.directory) {
            Ok(entries) => {
                let paths = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_box);
                let mut paths: Vec<PathBuf> = paths.collect();
                paths.sort();
                Ok(Some(visit(paths, &meta)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(_) => Err(self.distrust("its owner cannot read it")),
        };
        if platform::is_mine(&meta) {
            return list();
        }
        platform::with_rights_of(&meta, list)
            .unwrap_or_else(|_| Err(self.distrust("the rights of its owner are not to be had")))
    }

    fn distrust(&self, reason: &'static str) -> Distrust {
        Distrust { directory: self.directory.clone(), reason, expected: false }
    }

    /// The first bytes of every box of another process, alive or not.
    pub fn each_front(&self, bytes: usize, mut read: impl FnMut(&[u8]) + Send) {
        let mut front = vec![0; bytes];
        // A location that is not believed is told by the next recovery.
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

    /// Removes what was set aside, if nobody has looked after it for so long. Tells which files those were.
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

    /// Opens every box whose owner is gone, with its owner's lock taken over, and hands it to `recover`, which may break off.
    ///
    /// # Errors
    /// As for `visit_boxes`.
    pub fn each_ownerless(
        &self,
        mut recover: impl FnMut(Ownerless) -> ControlFlow<()> + Send,
    ) -> Result<ControlFlow<()>, Distrust> {
        let each = |paths: Vec<PathBuf>, meta: &fs::Metadata| {
            for path in paths {
                let whole = kind(&path) == BOX;
                // One in the making is left alone: its owner could not have the lock while it is looked at.
                if !whole && !path.symlink_metadata().is_ok_and(|meta| is_older(&meta, MAKING)) {
                    continue;
                }
                let Some(found) = take_over(path, meta) else { continue };
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
