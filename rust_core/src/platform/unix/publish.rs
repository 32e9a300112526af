//! Gives a file that was written under a temporary name its own.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

/// Renames a file, and fails with `AlreadyExists` if the new name exists. Only a file system that has neither such a renaming nor hard links
/// leaves a moment in which another process may make the name.
///
/// # Errors
/// When the name exists, or the system refuses.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match rename_not_replacing(from, to) {
        Err(error) if is_not_known(&error) => {}
        result => return result,
    }
    match std::fs::hard_link(from, to) {
        Ok(()) => return std::fs::remove_file(from),
        Err(error) if is_not_known(&error) || error.kind() == io::ErrorKind::PermissionDenied => {}
        Err(error) => return Err(error),
    }
    match to.symlink_metadata() {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => std::fs::rename(from, to),
        Err(error) => Err(error),
    }
}

/// Makes a symbolic link.
///
/// # Errors
/// When the name exists, or the system refuses.
pub fn make_link(target: &str, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

fn is_not_known(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL | libc::ENOTSUP | libc::EPERM))
}

/// The system call, because old C libraries have no function for it.
#[cfg(target_os = "linux")]
fn rename_not_replacing(from: &Path, to: &Path) -> io::Result<()> {
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt;

    let (from, to) = (CString::new(from.as_os_str().as_bytes())?, CString::new(to.as_os_str().as_bytes())?);
    let here = libc::AT_FDCWD;
    // SAFETY: both texts end with NUL and outlive the call.
    let result =
        unsafe { libc::syscall(libc::SYS_renameat2, here, from.as_ptr(), here, to.as_ptr(), libc::RENAME_NOREPLACE) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(not(target_os = "linux"))]
fn rename_not_replacing(_from: &Path, _to: &Path) -> io::Result<()> {
    Err(io::Error::from_raw_os_error(libc::ENOSYS))
}

/// Has the system forget what it keeps of a file in memory, so that it is read from the device, and pushes nothing else out. A hint, which may
/// come to nothing.
pub fn forget_pages(file: &File) {
    #[cfg(target_os = "linux")]
    // SAFETY: the descriptor is open for as long as `file` is borrowed.
    unsafe {
        libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = file.as_raw_fd();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_name_that_exists_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| directory.path().join(name));
        fs::write(&one, "1").unwrap();
        rename_new(&one, &two).unwrap();
        assert!(!one.exists());
        fs::write(&one, "3").unwrap();
        assert_eq!(rename_new(&one, &two).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!((fs::read(&one).unwrap(), fs::read(&two).unwrap()), (b"3".to_vec(), b"1".to_vec()));
        let link = directory.path().join("link");
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        assert_eq!(rename_new(&one, &link).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }
}
