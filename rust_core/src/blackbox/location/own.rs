//! The boxes of this process.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::super::format::SPENT;
use super::block::read_words;
use super::{BOX, all};
use crate::platform::{self, Identity, Number, OwnFile};
use crate::stats;
use crate::table::lock_briefly;

/// The boxes that this process has open: those it writes and those it recovers.
static OWN: Mutex<Vec<Number>> = Mutex::new(Vec::new());

/// A box of this process. The process holds the box's lock while this value lives.
#[derive(Debug)]
pub struct OwnBox(pub(super) Arc<Watch>);

/// Watches a box of this process: where it is, and whether it is whole.
#[derive(Debug)]
pub struct Watch {
    /// The lock's descriptor, which is closed with this value.
    pub(super) lock: OwnFile,
    pub(super) identity: Identity,
    pub(super) size: u64,
    /// See `Making`.
    pub(super) name: String,
    pub(super) shared_memory: bool,
    /// None for the box of a service, which stays where it is.
    pub(super) log_directory: Option<PathBuf>,
    pub(super) path: Mutex<PathBuf>,
}

/// What another program did to the box of a living process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    Removed,
    /// The box was cut. A store behind its end would end the process.
    Cut,
}

impl Watch {
    #[must_use]
    pub fn path(&self) -> PathBuf {
        lock_briefly(&self.path).map(|path| path.clone()).unwrap_or_default()
    }

    /// The harm that was done to the box, if any.
    #[must_use]
    pub fn harm(&self) -> Option<Harm> {
        let path = self.path();
        match path.symlink_metadata() {
            Ok(meta) if platform::identity_of(&meta) != self.identity => Some(Harm::Removed),
            Ok(meta) => (meta.len() < self.size).then_some(Harm::Cut),
            Err(error) => (error.kind() == io::ErrorKind::NotFound).then_some(Harm::Removed),
        }
    }

    /// Whether it was cut. A store into what is missing would end the process.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.harm() == Some(Harm::Cut)
    }

    /// Extends a box that was cut, so that the next store does not end the process. Removes its name, because its
    /// records are gone.
    ///
    /// # Errors
    /// When there is no room any more.
    pub fn mend(&self) -> io::Result<()> {
        let path = self.path();
        // Opened by its path, because the program may have closed the descriptor.
        let file = platform::open_private(&path, false)?;
        if platform::identity(&file)? == self.identity {
            platform::reserve(&file, self.size)?;
            fs::remove_file(&path)?;
        }
        Ok(())
    }

    /// Moves the box to the directory that the log directory's path leads to now, because other processes look for it
    /// there. A link may lead elsewhere by now, or the directory may have been made again.
    pub fn follow(&self) {
        let Some(log_directory) = &self.log_directory else { return };
        let location = all(log_directory).into_iter().find(|location| location.shared_memory == self.shared_memory);
        let Some(location) = location.filter(|location| location.directory.parent().is_some_and(Path::is_dir)) else {
            return;
        };
        let now = self.path();
        let is_there = |wanted: &Path| platform::identity_at(wanted).is_ok_and(|found| found == self.identity);
        let wanted = location.path(&self.name, BOX);
        if is_there(&wanted) || !is_there(&now) || platform::private_directory(&location.directory).is_err() {
            return;
        }
        // A box cannot be moved to another file system, and stays in its directory.
        if fs::rename(&now, &wanted).is_ok()
            && let Some(mut path) = lock_briefly(&self.path)
        {
            *path = wanted.canonicalize().unwrap_or(wanted);
        }
    }
}

impl OwnBox {
    #[must_use]
    pub fn watch(&self) -> Arc<Watch> {
        Arc::clone(&self.0)
    }

    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.0.path()
    }

    #[must_use]
    pub fn is_in_shared_memory(&self) -> bool {
        self.0.shared_memory
    }

    #[must_use]
    pub fn identity(&self) -> Identity {
        self.0.identity
    }

    /// Opens the box's file once more.
    ///
    /// # Errors
    /// When it is not where it was.
    pub fn open(&self) -> io::Result<File> {
        let file = platform::open_private(&self.path(), false)?;
        if platform::identity(&file)? == self.identity() { Ok(file) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    /// What was counted in it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn counted(&self) -> io::Result<Vec<u64>> {
        read_words(&self.open()?, stats::LENGTH)
    }

    /// Removes the box, whose records are all written. False if it is still there, or may be.
    pub fn remove(&self) -> bool {
        // If the directory is gone, so is the box.
        fs::remove_file(self.path()).map_or_else(|error| platform::is_missing(&error), |()| true)
    }

    /// Marks a box that cannot be removed as empty, through the open file. A process with the rights to do so removes
    /// it later, without a report. With `cut`, for a box that gets no more stores, the file ends behind the mark.
    pub fn spend(&self, cut: bool) {
        let lock = &self.0.lock;
        // If the program has closed the file, the box stays as it is. A recovery finds no record in it.
        if lock.write_at(&SPENT, 0).is_ok() && cut {
            let _ = lock.set_len(SPENT.len() as u64);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        disown(self.lock.number());
    }
}

pub(super) fn is_own(path: &Path) -> bool {
    let Ok(identity) = platform::identity_at(path) else { return true };
    // If the list cannot be read, the box counts as one of this process.
    lock_briefly(&OWN).is_none_or(|own| own.iter().any(|known| known.identity == identity))
}

pub(super) fn own(number: Number) -> io::Result<()> {
    let mut own = lock_briefly(&OWN).ok_or(io::ErrorKind::WouldBlock)?;
    own.push(number);
    Ok(())
}

pub(super) fn disown(number: Number) {
    if let Some(mut own) = lock_briefly(&OWN) {
        own.retain(|known| *known != number);
    }
}

/// To be called in a forked child, because the boxes are the parent's. A lock is held while any copy of its descriptor
/// is open. So the child would hold it past the death of its parent.
pub fn disown_all() {
    if let Some(mut own) = lock_briefly(&OWN) {
        own.drain(..).for_each(Number::close);
    }
}
