//! A box whose owner is gone.

use std::fs::{self, File};
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::super::format::{BoxSettings, Head, NAMES, SETTINGS};
use super::own::{disown, own};
use super::{ASIDE, is_older, name_of, prefix};
use crate::platform::{self, BoxLock, Mapping, OwnFile};

/// The largest box that options allow, in bytes.
const LARGEST: u64 = 1 << 30;

/// A box whose owner is gone. This process holds its locks while the file is open.
#[derive(Debug)]
pub struct Ownerless {
    pub file: Arc<OwnFile>,
    pub path: PathBuf,
}

impl Drop for Ownerless {
    fn drop(&mut self) {
        disown(self.file.number());
    }
}

impl Ownerless {
    /// A copy of the box's bytes, because a mapping could be cut under the reader. The head gives their number;
    /// without a valid head, only the head is read. The file's length is not trusted.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self) -> io::Result<Bytes> {
        let mut front = [0; SETTINGS];
        let count = platform::read_at(&self.file, &mut front, 0)?;
        let size = Head::read(&front[..count]).map_or(count as u64, |head| head.size.min(LARGEST));
        let length = usize::try_from(size.min(self.file.metadata()?.len())).unwrap_or(0);
        let mut bytes = Bytes { memory: Mapping::anonymous(length.max(1))?, length };
        bytes.length = platform::read_at(&self.file, bytes.all(), 0)?;
        Ok(bytes)
    }

    /// Whether the box was made for this log directory, by its name. For boxes in shared memory only; a box beside the
    /// logs always was.
    #[must_use]
    pub fn is_of(&self, log_directory: &Path) -> bool {
        let name = self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name_of(log_directory).is_some_and(|wanted| name.starts_with(&prefix(wanted)))
    }

    /// Whether the last write to the box is longer ago than `age`.
    #[must_use]
    pub fn is_older_than(&self, age: Duration) -> bool {
        self.file.metadata().is_ok_and(|meta| is_older(&meta, age))
    }

    /// Removes the box, whose records are all written.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }

    /// Sets the box aside for people to inspect. No recovery reads it again.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn set_aside(&self) -> io::Result<PathBuf> {
        let aside = self.path.with_extension(ASIDE);
        fs::rename(&self.path, &aside)?;
        Ok(aside)
    }
}

/// A box's bytes. Their memory comes from the system and goes back to it, because an allocator would keep it.
#[derive(Debug)]
pub struct Bytes {
    memory: Mapping,
    length: usize,
}

impl Bytes {
    fn all(&mut self) -> &mut [u8] {
        // SAFETY: `length` bytes are mapped, zeroed, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.memory.start().as_ptr(), self.length) }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: as in `all`.
        unsafe { std::slice::from_raw_parts(self.memory.start().as_ptr(), self.length) }
    }
}

/// Opens a file of the directory's owner, and takes the locks that keep other processes away. `None` for files of
/// other users, and while the owner of the box lives.
///
/// With `copied` the owner ran on another machine. The number of its process and the time at which that began say nothing here, so they are not
/// compared. A process that holds the lock of this very file, or has it mapped, is its owner all the same.
pub(super) fn take_over(path: PathBuf, directory: &fs::Metadata, copied: bool) -> Option<Ownerless> {
    let file = open_others(&path, directory)?;
    let found = Ownerless { file: Arc::new(OwnFile::new(file).ok()?), path };
    own(found.file.number()).ok()?;
    if !platform::lock_box(&found.file, BoxLock::Recovery).ok()? {
        return None;
    }
    if !platform::lock_box(&found.file, BoxLock::Owner).ok()? {
        if !has_died(&found.file) {
            return None;
        }
    } else if is_mapped_by_owner(&found, copied) {
        return None;
    }
    // Another process may have recovered the box between the opening and the lock.
    found.file.metadata().ok().filter(platform::has_name)?;
    found.path.exists().then_some(found)
}

/// Whether the owner lives although its lock is free, because the program has closed the descriptor. Boxes of this
/// process never get here.
fn is_mapped_by_owner(found: &Ownerless, copied: bool) -> bool {
    let mut front = vec![0; NAMES];
    if platform::read_at(&found.file, &mut front, 0).is_err() {
        return false;
    }
    let Ok(Head { process, .. }) = Head::read(&front) else { return false };
    let name = found.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    process != platform::process_id()
        && platform::maps(process, found.file.identity(), name).unwrap_or_else(|_| {
            // The mappings of a process that changed its user cannot be read. The process is the owner if it began at
            // the same time. Of another machine's process that would be chance.
            !copied
                && BoxSettings::read(&front).is_some_and(|settings| {
                    settings.born.is_some() && settings.born == platform::birth_of_process(process)
                })
        })
}

/// Whether the owner is dead although its lock is held. A child that C code forked may hold it, until it notices the
/// fork.
fn has_died(file: &File) -> bool {
    let mut front = vec![0; NAMES];
    let Ok(count) = platform::read_at(file, &mut front[..SETTINGS], 0) else { return false };
    // Nearly all owners live. The head alone shows that, without reading further.
    if !Head::read(&front[..count]).is_ok_and(|head| platform::is_no_process(head.process)) {
        return false;
    }
    platform::read_at(file, &mut front, 0).is_ok()
        && BoxSettings::read(&front)
            .is_some_and(|settings| settings.namespace.is_some() && settings.namespace == platform::process_namespace())
}

/// Opens a box of another process, if it can be one at all.
pub(super) fn open_others(path: &Path, directory: &fs::Metadata) -> Option<File> {
    let file = platform::open_private(path, false).ok()?;
    let meta = file.metadata().ok()?;
    let ours = platform::same_owner(&meta, directory) && !platform::others_may_write(&meta);
    (meta.is_file() && ours).then_some(file)
}
