//! Files that forked children do not keep open.

use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::platform::{Number, OwnFile};

/// The files that a child does not keep open. A place without one is null, and is used again. No lock is taken for it: a thread that gets no
/// processor also opens such files, and a child would lack what was locked at the fork.
static UNSHARED: boxcar::Vec<AtomicPtr<Number>> = boxcar::Vec::new();

/// To be called in a forked child: closes its parent's unshared files. They must not be used after this.
pub fn leave_files_to_parent() {
    for (_, place) in &UNSHARED {
        let number = place.swap(ptr::null_mut(), Ordering::Acquire);
        // SAFETY: a file leaves its place before its number is freed, and a child has no other thread that could do so meanwhile.
        if let Some(number) = unsafe { number.as_ref() } {
            number.close();
        }
    }
}

/// A file that forked children do not keep open. A lock is held while any copy of its descriptor is open. The same is true of the room on the disk
/// of a file that was removed. A child would have both past the death of its parent.
#[derive(Debug)]
pub struct Unshared {
    file: ManuallyDrop<OwnFile>,
    /// To this its place points.
    number: Arc<Number>,
    place: usize,
}

impl Unshared {
    /// Takes a file that was just opened.
    ///
    /// # Errors
    /// When the system does not tell what it is.
    pub fn new(file: File) -> io::Result<Self> {
        let file = OwnFile::new(file)?;
        let number = Arc::new(file.number());
        let pointer = Arc::as_ptr(&number).cast_mut();
        let take = |place: &AtomicPtr<Number>| {
            place.compare_exchange(ptr::null_mut(), pointer, Ordering::Release, Ordering::Relaxed).is_ok()
        };
        let free = UNSHARED.iter().find(|(_, place)| take(place)).map(|(at, _)| at);
        let place = free.unwrap_or_else(|| UNSHARED.push(AtomicPtr::new(pointer)));
        Ok(Self { file: ManuallyDrop::new(file), number, place })
    }
}

impl Deref for Unshared {
    type Target = OwnFile;

    fn deref(&self) -> &OwnFile {
        &self.file
    }
}

impl Drop for Unshared {
    fn drop(&mut self) {
        // First this: a child must not close what has got the number since. In a child the place may have another file by now.
        if let Some(place) = UNSHARED.get(self.place) {
            let own = Arc::as_ptr(&self.number).cast_mut();
            let _ = place.compare_exchange(own, ptr::null_mut(), Ordering::AcqRel, Ordering::Relaxed);
        }
        // SAFETY: dropped only here.
        unsafe { ManuallyDrop::drop(&mut self.file) };
    }
}
