//! Looking at boxes without taking their records: for people who ask what a directory has.

use std::fs;
use std::path::PathBuf;

use super::super::format::{BoxSettings, Head, NAMES, is_spent};
use super::super::reader;
use super::ownerless::{open_others, take_over};
use super::{ASIDE, BOX, Distrust, Location, kind};
use crate::platform;

/// Whose a box is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Alive,
    Dead,
    /// The file belongs to another user than its directory, or others may write to it: no recovery reads it.
    Distrusted,
    /// The box is in the making.
    Making,
    /// It was set aside.
    Aside,
}

/// What is seen of a box.
#[derive(Debug)]
pub struct SeenBox {
    pub path: PathBuf,
    pub owner: Owner,
    pub bytes: u64,
    /// The number of its process, and when that began, nanoseconds since the epoch. `None` if its head cannot be read.
    pub process: Option<(u32, i64)>,
    pub settings: Option<BoxSettings>,
    /// Records in the box of a dead process; some of them may be in their files. `None` if the box cannot be read.
    pub records: Option<u64>,
}

impl Location {
    /// Looks at each box of another process. It holds the lock of a box whose owner is gone while it looks.
    ///
    /// # Errors
    /// When another user could have planted boxes here, or if the rights of the boxes' user cannot be taken.
    pub fn each_seen(&self, mut see: impl FnMut(SeenBox) + Send) -> Result<(), Distrust> {
        let visited = self.visit_boxes(|paths, meta| {
            // Those that are gone by now were recovered, or their processes have ended.
            for seen in paths.into_iter().map(|path| look(path, meta)).filter(|seen| seen.path.exists()) {
                see(seen);
            }
            // Those that were set aside.
            for entry in fs::read_dir(&self.directory).into_iter().flatten().flatten() {
                let path = entry.path();
                let is_here = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| self.is_named(name));
                if is_here && kind(&path) == ASIDE && path.symlink_metadata().is_ok_and(|meta| meta.is_file()) {
                    see(SeenBox::of(path, Owner::Aside));
                }
            }
        });
        visited.map(drop)
    }
}

impl SeenBox {
    fn of(path: PathBuf, owner: Owner) -> Self {
        let bytes = path.symlink_metadata().map_or(0, |meta| meta.len());
        Self { path, owner, bytes, process: None, settings: None, records: None }
    }
}

fn look(path: PathBuf, directory: &fs::Metadata) -> SeenBox {
    if kind(&path) != BOX {
        return SeenBox::of(path, Owner::Making);
    }
    let Some(file) = open_others(&path, directory) else { return SeenBox::of(path, Owner::Distrusted) };
    let mut seen = SeenBox::of(path, Owner::Alive);
    let mut front = vec![0; NAMES];
    if platform::read_at(&file, &mut front, 0).is_ok() {
        seen.process = Head::read(&front).ok().map(|head| (head.process, head.started));
        seen.settings = BoxSettings::read(&front);
    }
    drop(file);
    if let Some(found) = take_over(seen.path.clone(), directory, false) {
        seen.owner = Owner::Dead;
        seen.records = found.read().ok().and_then(|bytes| {
            if is_spent(&bytes) {
                return Some(0);
            }
            reader::read(&bytes).ok().map(|contents| contents.records.len() as u64)
        });
    }
    seen
}
