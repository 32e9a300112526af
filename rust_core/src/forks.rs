//! Counts the forks that led to this process. What was made before the last is another process's, and so are some of its files.

use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::platform::{self, Number, OwnFile};
use crate::table::lock_briefly;

static FORKS: AtomicU32 = AtomicU32::new(0);

/// In a forked child: what was made until now belongs to its parent.
pub fn note() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// How often this process was forked on the way to what it is.
#[inline]
#[must_use]
pub fn count() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// Whether what was made after so many forks belongs to the process that this one was forked from, noticed or not.
#[inline]
#[must_use]
pub fn is_anothers(forks: u32) -> bool {
    forks != count() || platform::has_forked()
}

/// The files that a child does not keep open.
static UNSHARED: Mutex<Vec<Number>> = Mutex::new(Vec::new());

/// To be called in a forked child: closes its parent's unshared files. They must not be used after this.
pub fn leave_files_to_parent() {
    if let Some(mut open) = lock_briefly(&UNSHARED) {
        open.drain(..).for_each(Number::close);
    }
}

/// A file that forked children do not keep open. A lock is held while any copy of its descriptor is open, and so is the room on the disk of a
/// file that was removed: a child would have both past the death of its parent.
#[derive(Debug)]
pub struct Unshared(ManuallyDrop<OwnFile>);

impl Unshared {
    /// Takes a file that was just opened.
    ///
    /// # Errors
    /// When the system does not tell what it is.
    pub fn new(file: File) -> io::Result<Self> {
        let file = OwnFile::new(file)?;
        if let Some(mut open) = lock_briefly(&UNSHARED) {
            open.push(file.number());
        }
        Ok(Self(ManuallyDrop::new(file)))
    }
}

impl Deref for Unshared {
    type Target = OwnFile;

    fn deref(&self) -> &OwnFile {
        &self.0
    }
}

impl Drop for Unshared {
    fn drop(&mut self) {
        // First this: a child must not close what has got the number since. Where that cannot be, it stays open.
        let Some(mut open) = lock_briefly(&UNSHARED) else { return };
        let number = self.number();
        open.retain(|known| *known != number);
        // SAFETY: dropped only here.
        unsafe { ManuallyDrop::drop(&mut self.0) };
    }
}
