//! Open files by their numbers.

use std::fs::{File, Metadata};
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd};

use super::{identity, identity_of};
use crate::platform::Identity;

/// Gives a file away by its number. The receiver closes it.
pub fn into_descriptor(file: File) -> io::Result<i32> {
    Ok(file.into_raw_fd())
}

/// A file's number, with the file and the way it was opened. The same file opened in another way has another `Number`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    descriptor: i32,
    pub identity: Identity,
    flags: i32,
}

impl Number {
    /// # Errors
    /// When the system does not tell what the file is.
    pub fn of(file: &File) -> io::Result<Self> {
        let descriptor = file.as_raw_fd();
        let flags = flags_of(descriptor).ok_or_else(io::Error::last_os_error)?;
        Ok(Self { descriptor, identity: identity(file)?, flags })
    }

    #[must_use]
    pub const fn descriptor(&self) -> i32 {
        self.descriptor
    }

    /// The metadata of `file`, which has this number. `None` once the number leads elsewhere.
    ///
    /// # Errors
    /// When the probe fails, which tells nothing of the number.
    pub(in crate::platform) fn probe(&self, file: &File) -> io::Result<Option<Metadata>> {
        if flags_of(self.descriptor) != Some(self.flags) {
            return Ok(None);
        }
        match file.metadata() {
            Ok(meta) => Ok((identity_of(&meta) == self.identity).then_some(meta)),
            Err(error) if error.raw_os_error() == Some(libc::EBADF) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the number still leads to the file. If the probe fails, the way the number was opened decides.
    #[must_use]
    pub fn is_held(&self) -> bool {
        // SAFETY: only probed, whatever it is, and never closed.
        let file = ManuallyDrop::new(unsafe { File::from_raw_fd(self.descriptor) });
        self.probe(&file).map_or(true, |found| found.is_some())
    }

    /// The file under another number, if this number still leads to it.
    ///
    /// # Errors
    /// When the number leads elsewhere, or there are no descriptors left.
    pub fn duplicate(&self) -> io::Result<File> {
        // SAFETY: a number that is none is refused; a new one is owned by nobody else.
        let copy = unsafe { libc::fcntl(self.descriptor, libc::F_DUPFD_CLOEXEC, 3) };
        if copy < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: as above.
        let file = unsafe { File::from_raw_fd(copy) };
        match Self::of(&file)? {
            Self { identity, flags, .. } if (identity, flags) == (self.identity, self.flags) => Ok(file),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Closes the file by its number, if the number still leads to it. Nothing in this process may use the number any
    /// more.
    pub fn close(self) {
        if self.is_held() {
            // SAFETY: closing touches no memory; a number that is none is refused.
            unsafe { libc::close(self.descriptor) };
        }
    }
}

/// Whether the process, or the system, has as many files open as it may.
#[must_use]
pub fn is_want_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

/// Whether this very file may not be renamed or removed, though the directory may be written: in one with the sticky bit, or because it was made
/// unchangeable.
#[must_use]
pub fn is_pinned(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EPERM)
}

/// How a number's file was opened; `None` where there is none.
pub(super) fn flags_of(descriptor: i32) -> Option<i32> {
    // SAFETY: asking touches no memory; a number that is none is refused.
    Some(unsafe { libc::fcntl(descriptor, libc::F_GETFL) }).filter(|flags| *flags != -1)
}

/// Moves a file off the numbers of the standard streams. A process that closed its standard error would give that
/// number to the next file, and console output would go there.
pub(in crate::platform) fn beyond_standard_streams(file: File) -> io::Result<File> {
    if file.as_raw_fd() > 2 {
        return Ok(file);
    }
    // SAFETY: the descriptor is open; a new one is owned by nobody else.
    unsafe {
        match libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 3) {
            -1 => Err(io::Error::last_os_error()),
            copy => Ok(File::from_raw_fd(copy)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{OwnFile, open_append};

    #[test]
    fn a_number_that_leads_elsewhere_is_neither_read_nor_closed() {
        let directory = tempfile::tempdir().unwrap();
        let open = |name: &str| open_append(&directory.path().join(name), 0o640, true).unwrap().0;
        let own = OwnFile::new(open("own")).unwrap();
        assert!(own.is_held() && own.probe().unwrap().is_some());
        let other = open("other");
        // SAFETY: both are open; the library's file is replaced under its number, as a program may do.
        let number = unsafe { libc::dup2(other.as_raw_fd(), own.as_raw_fd()) };
        assert!(!own.is_held() && own.probe().unwrap().is_none());
        drop(own);
        assert!(flags_of(number).is_some());
        // SAFETY: opened just above by `dup2`, and used by nobody else.
        unsafe { libc::close(number) };
    }

    #[test]
    fn a_file_opened_in_another_way_is_another() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("own");
        let own = OwnFile::new(open_append(&path, 0o640, true).unwrap().0).unwrap();
        let other = File::open(&path).unwrap();
        // SAFETY: as above.
        let number = unsafe { libc::dup2(other.as_raw_fd(), own.as_raw_fd()) };
        drop(own);
        assert!(flags_of(number).is_some());
        // SAFETY: as above.
        unsafe { libc::close(number) };
    }
}
