//! Files that forked children do not keep open.

use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::Mutex;

use crate::platform::{Number, OwnFile};
use crate::table::lock_briefly;

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
