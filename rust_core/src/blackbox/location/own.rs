//! The boxes of this process.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::super::format::SPENT;
use super::{BOX, all};
use crate::platform::{self, Identity, Number, OwnFile};
use crate::table::lock_briefly;

/// The boxes that this process has open: those it writes and those it recovers.
static OWN: Mutex<Vec<Number>> = Mutex::new(Vec::new());

/// A box of this process, whose lock it holds for as long as this lives.
#[derive(Debug)]
pub struct OwnBox(pub(super) Arc<Watch>);

/// Where a box of this process is, and what becomes of it there.
#[derive(Debug)]
pub struct Watch {
    /// Closed with the rest.
    pub(super) lock: OwnFile,
    pub(super) identity: Identity,
    pub(super) size: u64,
    /// See `Making`.
    pub(super) name: String,
    pub(super) shared_memory: bool,
    pub(super) log_directory: PathBuf,
    pub(super) path: Mutex<PathBuf>,
}

/// What somebody did to the box of a living process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    Removed,
    /// Cut: what is no longer there ends whoever writes to it.
    Cut,
}

impl Watch {
    #[must_use]
    pub fn path(&self) -> PathBuf {
        lock_briefly(&self.path).map(|path| path.clone()).unwrap_or_default()
    }

    /// What was done to the box, if anything.
    #[must_use]
    pub fn harm(&self) -> Option<Harm> {
        let path = self.path();
        match path.symlink_metadata() {
            Ok(meta) if platform::identity_of(&meta) != self.identity => Some(Harm::Removed),
            Ok(meta) => (meta.len() < self.size).then_some(Harm::Cut),
            Err(error) => (error.kind() == io::ErrorKind::NotFound).then_some(Harm::Removed),
        }
    }

    /// Gives a box that was cut its room again, so that the next store does not end the process, and takes its name away: what it held
    /// is gone.
    ///
    /// # Errors
    /// When there is no room any more.
    pub fn mend(&self) -> io::Result<()> {
        let path = self.path();
        // Not by the descriptor: the program may have closed it.
        let file = platform::open_private(&path, false)?;
        if platform::identity(&file)? == self.identity {
            platform::reserve(&file, self.size)?;
            fs::remove_file(&path)?;
        }
        Ok(())
    }

    /// Moves the box to the log directory that its path leads to now: a link on the way may lead elsewhere since, or the directory may
    /// have been made again. Others look for it there.
    pub fn follow(&self) {
        let location =
            all(&self.log_directory).into_iter().find(|location| location.shared_memory == self.shared_memory);
        let Some(location) = location.filter(|location| location.directory.parent().is_some_and(Path::is_dir)) else {
            return;
        };
        let now = self.path();
        let is_there = |wanted: &Path| platform::identity_at(wanted).is_ok_and(|found| found == self.identity);
        let wanted = location.path(&self.name, BOX);
        if is_there(&wanted) || !is_there(&now) || platform::private_directory(&location.directory).is_err() {
            return;
        }
        // To another file system it cannot be moved, and stays where it is.
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

    /// Takes the box away: nothing in it is left to write. False if it is still there, or may be.
    pub fn remove(&self) -> bool {
        // If the directory is gone, so is the box.
        fs::remove_file(self.path()).map_or_else(|error| platform::is_missing(&error), |()| true)
    }

    /// Marks a box that cannot be removed as one that holds nothing, through what is open of it: whoever may removes it, and says nothing of it.
    /// If nobody stores into it any more, it is cut off behind the mark.
    pub fn spend(&self, cut: bool) {
        let lock = &self.0.lock;
        // If the program has closed it, the box stays as it is; a recovery finds no record in it.
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
    // Not known, it counts as own.
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

/// In a forked child: the boxes are the parent's. A lock is held for as long as any copy of its descriptor is open, so a child would
/// hold it past the death of its parent.
pub fn disown_all() {
    if let Some(mut own) = lock_briefly(&OWN) {
        own.drain(..).for_each(Number::close);
    }
}
