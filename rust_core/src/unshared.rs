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

/// A file that forked children do not keep open. A lock is held while any copy of its descriptor is open, and so is the room on the disk of a
/// file that was removed: a child would have both past the death of its parent.
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

#[cfg(all(test, unix))]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn a_child_closes_them_also_where_another_thread_opens_some_at_the_fork() {
        let directory = tempfile::tempdir().unwrap();
        let open = |name: &str| Unshared::new(File::create(directory.path().join(name)).unwrap()).unwrap();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    drop(open("other"));
                }
            });
            let mut statuses = std::collections::BTreeSet::new();
            for _ in 0..300 {
                let file = open("own");
                // SAFETY: the child only looks at memory and closes files, then ends at once.
                unsafe {
                    let child = libc::fork();
                    if child == 0 {
                        leave_files_to_parent();
                        libc::_exit(i32::from(file.is_held()));
                    }
                    let mut status = 0;
                    libc::waitpid(child, &raw mut status, 0);
                    statuses.insert(status);
                }
                assert!(file.is_held());
            }
            is_over.store(true, Ordering::Relaxed);
            other.join().unwrap();
            assert_eq!(statuses.into_iter().collect::<Vec<_>>(), [0]);
        });
        // Places are used again.
        assert!(UNSHARED.count() < 1_000);
    }
}
