//! Memory that outlives the process.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};

/// Pages of memory, given back when dropped.
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: a mapping is plain memory; who may touch which part of it is its user's affair.
unsafe impl Send for Mapping {}

// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Zeroed memory of this process alone; only touched pages cost any.
    ///
    /// # Errors
    /// When the system has none.
    pub fn anonymous(length: usize) -> io::Result<Self> {
        Self::map(length, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE, -1, 0)
    }

    /// `length` bytes of a file from `offset` on. A store goes into the file at once, and stays when the process is
    /// killed. The bytes must be reserved, because a store into a hole of a full disk would end the process.
    ///
    /// # Errors
    /// When the file cannot be mapped.
    pub fn shared(file: &File, offset: usize, length: usize) -> io::Result<Self> {
        Self::map(length, libc::MAP_SHARED, file.as_raw_fd(), offset)
    }

    fn map(length: usize, flags: i32, descriptor: i32, offset: usize) -> io::Result<Self> {
        let offset = libc::off_t::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        // SAFETY: a new mapping at an address of the system's choice touches no memory in use.
        let start = unsafe {
            libc::mmap(ptr::null_mut(), length, libc::PROT_READ | libc::PROT_WRITE, flags, descriptor, offset)
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, length })
    }

    /// Asks the system for a part of the memory now, as a first store would. The content stays. A system that cannot
    /// do this provides the memory at its first use.
    pub fn populate(&self, offset: usize, length: usize) {
        #[cfg(target_os = "linux")]
        {
            // A multiple of every page size there is.
            const PAGES: usize = 1 << 16;
            let from = offset / PAGES * PAGES;
            let until = (offset + length).next_multiple_of(PAGES).min(self.length);
            if from < until {
                // SAFETY: within the mapping; no content changes.
                unsafe { libc::madvise(self.start.as_ptr().add(from).cast(), until - from, libc::MADV_POPULATE_WRITE) };
            }
        }
        #[cfg(not(target_os = "linux"))]
        let _ = (offset, length);
    }

    #[must_use]
    pub fn start(&self) -> NonNull<u8> {
        self.start
    }

    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// The memory itself. `from_start` makes a mapping of it again, to give it back.
    #[must_use]
    pub fn into_start(self) -> NonNull<u8> {
        std::mem::ManuallyDrop::new(self).start
    }

    /// A mapping again.
    ///
    /// # Safety
    /// `start` came from `into_start` of a mapping of this length, and only this one is made of it.
    #[must_use]
    pub unsafe fn from_start(start: NonNull<u8>, length: usize) -> Self {
        Self { start, length }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `map`, and unmapped only here.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

/// Gives a file real room for `length` bytes.
///
/// # Errors
/// When there is not as much.
pub fn reserve(file: &File, length: u64) -> io::Result<()> {
    let length = libc::off_t::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?;
    #[cfg(not(target_vendor = "apple"))]
    loop {
        // SAFETY: the descriptor is open. File systems that cannot reserve are written to by the C library.
        match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, length) } {
            0 => return Ok(()),
            libc::EINTR => {}
            error => return Err(io::Error::from_raw_os_error(error)),
        }
    }
    #[cfg(target_vendor = "apple")]
    {
        use std::io::Write;
        let mut left = length.unsigned_abs() as usize;
        let zeros = [0; 1 << 16];
        let mut file = file;
        while left > 0 {
            left -= file.write(&zeros[..left.min(zeros.len())])?;
        }
        Ok(())
    }
}

/// Writes all of `bytes` at an offset of a file.
///
/// # Errors
/// When the system refuses.
pub fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

/// Reads from an offset of a file until `bytes` is full. Returns how many bytes there were.
///
/// # Errors
/// When the system refuses.
pub fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < bytes.len() {
        match std::os::unix::fs::FileExt::read_at(file, &mut bytes[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{identity, maps, open_private};

    #[test]
    fn what_is_stored_in_a_mapping_is_the_files() {
        let directory = tempfile::tempdir().unwrap();
        let file = open_private(&directory.path().join("box"), true).unwrap();
        reserve(&file, 8_192).unwrap();
        let identity = identity(&file).unwrap();
        let mapping = Mapping::shared(&file, 4_096, 4_096).unwrap();
        assert!(maps(std::process::id(), identity, "box").unwrap());
        assert!(!maps(std::process::id(), identity, "other").unwrap());
        assert!(!maps(u32::MAX, identity, "box").unwrap());
        // SAFETY: within the mapping.
        unsafe { mapping.start().add(904).write(7) };
        assert_eq!(std::fs::read(directory.path().join("box")).unwrap()[5_000], 7);
    }
}
