//! Words at an address of their own, in memory or in a file.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};

use super::Mapping;

/// Memory at an address that never changes, while what lies behind it does: memory of the process, or a part of a file.
#[derive(Debug)]
pub struct Region {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: a region is plain memory that is never given back; who may touch which part of it is its user's affair.
unsafe impl Send for Region {}

// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    /// Zeroed memory of this process.
    ///
    /// # Errors
    /// When the system has none.
    pub fn new(length: usize) -> io::Result<Self> {
        let start = map(ptr::null_mut(), length, libc::MAP_SHARED | libc::MAP_ANONYMOUS, -1, 0)?;
        Ok(Self { start, length })
    }

    #[must_use]
    pub fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Leads to a part of a file from now on: a multiple of the size of a page, of reserved bytes. Returns what it led to before, at
    /// another address. A store at the same time goes to one of both.
    ///
    /// # Errors
    /// When the file cannot be mapped. Then nothing has changed.
    pub fn lead_to(&self, file: &File, offset: usize) -> io::Result<Mapping> {
        self.lead(libc::MAP_SHARED, file.as_raw_fd(), offset)
    }

    /// Leads to zeroed memory of this process from now on.
    ///
    /// # Errors
    /// When the system has none. Then nothing has changed.
    pub fn lead_to_memory(&self) -> io::Result<Mapping> {
        self.lead(libc::MAP_SHARED | libc::MAP_ANONYMOUS, -1, 0)
    }

    fn lead(&self, flags: i32, descriptor: i32, offset: usize) -> io::Result<Mapping> {
        let before = self.again()?;
        map(self.start.as_ptr(), self.length, flags | libc::MAP_FIXED, descriptor, offset)?;
        Ok(before)
    }

    /// The same memory at another address.
    #[cfg(target_os = "linux")]
    fn again(&self) -> io::Result<Mapping> {
        // SAFETY: an old length of 0 makes a second mapping of shared memory, and leaves the first as it is.
        let start = unsafe { libc::mremap(self.start.as_ptr().cast(), 0, self.length, libc::MREMAP_MAYMOVE) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        // SAFETY: mapped just above, with this length.
        Ok(unsafe { Mapping::from_start(start, self.length) })
    }

    /// A copy, on systems that cannot do so: what is stored between the copy and the change is lost.
    #[cfg(not(target_os = "linux"))]
    fn again(&self) -> io::Result<Mapping> {
        let copy = Mapping::anonymous(self.length)?;
        // SAFETY: both are mapped with this length, and do not overlap.
        unsafe { copy.start().copy_from_nonoverlapping(self.start, self.length) };
        Ok(copy)
    }
}

fn map(at: *mut u8, length: usize, flags: i32, descriptor: i32, offset: usize) -> io::Result<NonNull<u8>> {
    let offset = libc::off_t::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
    // SAFETY: the system chooses the address, or it is that of a region, which is mapped with this length.
    let start = unsafe { libc::mmap(at.cast(), length, libc::PROT_READ | libc::PROT_WRITE, flags, descriptor, offset) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(start.cast()).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use super::*;

    const LENGTH: usize = 1 << 16;

    fn word(start: NonNull<u8>) -> &'static AtomicU64 {
        // SAFETY: the first word of a mapping that the test keeps.
        unsafe { start.cast().as_ref() }
    }

    #[test]
    fn no_store_is_lost_while_it_leads_elsewhere() {
        let region = Region::new(LENGTH).unwrap();
        let ends = AtomicBool::new(false);
        let mut found = 0;
        let mut stored = 0;
        std::thread::scope(|scope| {
            let storing = scope.spawn(|| {
                let mut count = 0;
                while !ends.load(Ordering::Relaxed) {
                    word(region.start()).fetch_add(1, Ordering::Relaxed);
                    count += 1;
                }
                count
            });
            for number in 0..200 {
                let mut file = tempfile::tempfile().unwrap();
                file.write_all(&[0; 2 * LENGTH]).unwrap();
                let before = if number % 2 == 0 { region.lead_to(&file, LENGTH) } else { region.lead_to_memory() };
                found += word(before.unwrap().start()).load(Ordering::Relaxed);
            }
            ends.store(true, Ordering::Relaxed);
            stored = storing.join().unwrap();
        });
        assert!(stored > 0);
        let last = word(region.start()).load(Ordering::Relaxed);
        if cfg!(target_os = "linux") {
            assert_eq!(found + last, stored);
        }
    }

    #[test]
    fn what_cannot_be_mapped_changes_nothing() {
        let region = Region::new(LENGTH).unwrap();
        word(region.start()).store(7, Ordering::Relaxed);
        assert!(region.lead_to(&tempfile::tempfile().unwrap(), 1).is_err());
        assert_eq!(word(region.start()).load(Ordering::Relaxed), 7);
    }
}
