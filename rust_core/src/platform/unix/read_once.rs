//! Reading files of which nobody needs the pages again.

use std::fs::File;
use std::os::fd::AsRawFd;

/// Tells the system that a file is read once. A hint, which may come to nothing.
pub fn will_read_once(file: &File) {
    #[cfg(target_os = "linux")]
    // SAFETY: the descriptor is open for as long as `file` is borrowed.
    unsafe {
        libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_NOREUSE);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = file.as_raw_fd();
}

/// Tells the system that a file is read soon, so that it begins with it. A hint, which may come to nothing.
pub fn will_read_soon(file: &File) {
    #[cfg(target_os = "linux")]
    // SAFETY: the descriptor is open for as long as `file` is borrowed.
    unsafe {
        libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_WILLNEED);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = file.as_raw_fd();
}

/// Has the system forget what it keeps of some bytes of a file. A hint, which may come to nothing.
pub fn forget_range(file: &File, from: u64, length: u64) {
    #[cfg(target_os = "linux")]
    if let (Ok(from), Ok(length)) = (libc::off_t::try_from(from), libc::off_t::try_from(length)) {
        // SAFETY: the descriptor is open for as long as `file` is borrowed.
        unsafe {
            libc::posix_fadvise(file.as_raw_fd(), from, length, libc::POSIX_FADV_DONTNEED);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (file.as_raw_fd(), from, length);
}

/// Whether the system has the byte at an offset in memory. Where it does not tell, it has.
#[must_use]
pub fn is_in_memory(file: &File, at: u64) -> bool {
    #[cfg(target_os = "linux")]
    {
        let mut byte = 0_u8;
        let into = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
        // As the call of the system, because older libraries do not have it. The offset goes in two halves, of which 64 bits take the first whole.
        #[allow(clippy::cast_possible_truncation)] // of 32 bits, where the other half follows
        let (low, high) = (at.cast_signed() as libc::c_long, (at >> 32).cast_signed() as libc::c_long);
        // SAFETY: one byte is read into one byte, from a descriptor that is open for as long as `file` is borrowed.
        let count = unsafe {
            libc::syscall(
                libc::SYS_preadv2,
                file.as_raw_fd(),
                &raw const into,
                1_usize,
                low,
                high,
                libc::c_long::from(libc::RWF_NOWAIT),
            )
        };
        count >= 0 || std::io::Error::last_os_error().kind() != std::io::ErrorKind::WouldBlock
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (file.as_raw_fd(), at);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_just_written_is_in_memory() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, [7; 10_000]).unwrap();
        let file = File::open(&path).unwrap();
        will_read_once(&file);
        will_read_soon(&file);
        assert!(is_in_memory(&file, 0));
        forget_range(&file, 0, 10_000);
        assert!(is_in_memory(&file, 20_000), "behind the end nothing is waited for");
    }
}
