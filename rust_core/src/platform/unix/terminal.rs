//! A terminal that a standard stream leads to, written to without ever waiting in the system.

use std::ffi::CStr;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::time::Duration;

use super::beyond_standard_streams;
use super::streams::{is_writable, number_of};
use crate::platform::{OwnFile, Standard};

/// The terminal of a standard stream, opened once more: whether writing waits is a property of an opened file, and others share the
/// stream's.
#[derive(Debug)]
pub struct Terminal {
    file: OwnFile,
    standard: Standard,
    device: u64,
}

impl Terminal {
    /// `None` if the stream is no terminal, or one that this process may not open.
    #[must_use]
    pub fn open(standard: Standard) -> Option<Self> {
        let number = number_of(standard);
        // SAFETY: asking touches no memory; a number that is none is refused.
        if unsafe { libc::isatty(number) } != 1 {
            return None;
        }
        let device = device_of(number)?;
        let mut paths = name_of(number).into_iter().chain([PathBuf::from(format!("/proc/self/fd/{number}"))]);
        paths.find_map(|path| {
            let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
            let file = OpenOptions::new().write(true).custom_flags(flags).open(path).ok()?;
            (file.metadata().ok()?.rdev() == device).then_some(())?;
            Some(Self { file: OwnFile::new(beyond_standard_streams(file).ok()?).ok()?, standard, device })
        })
    }

    /// Whether the stream still leads to this terminal.
    #[must_use]
    pub fn is_there(&self) -> bool {
        device_of(number_of(self.standard)) == Some(self.device)
    }

    /// Writes what the terminal takes at once, and returns how many bytes that is.
    ///
    /// # Errors
    /// When it takes nothing any more, or the program has closed the file.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        // The number may lead to a file of the program by now.
        if device_of(self.file.as_raw_fd()) != Some(self.device) {
            return Err(io::Error::other("the program has closed its descriptor"));
        }
        // SAFETY: the slice is valid for reads of its length.
        let written = unsafe { libc::write(self.file.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
        if written >= 0 {
            return Ok(written.unsigned_abs());
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(0),
            _ => Err(error),
        }
    }

    /// Whether it takes bytes (or fails at once), waiting for it.
    #[must_use]
    pub fn is_ready(&self, patience: Duration) -> bool {
        is_writable(self.file.as_raw_fd(), patience)
    }
}

/// The device that a number leads to, if it is one.
fn device_of(number: i32) -> Option<u64> {
    // SAFETY: all bits zero are a state, and only the state is written.
    let mut state: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: as above; a number that is none is refused.
    let answer = unsafe { libc::fstat(number, &raw mut state) };
    #[allow(clippy::unnecessary_cast, reason = "it has another type on macOS")]
    (answer == 0 && state.st_mode & libc::S_IFMT == libc::S_IFCHR).then_some(state.st_rdev as u64)
}

fn name_of(number: i32) -> Option<PathBuf> {
    let mut name = [0; 256];
    // SAFETY: the buffer is as long as is said.
    let answer = unsafe { libc::ttyname_r(number, name.as_mut_ptr().cast(), name.len()) };
    let name = CStr::from_bytes_until_nul(&name).ok()?;
    (answer == 0).then(|| PathBuf::from(std::ffi::OsStr::from_bytes(name.to_bytes())))
}
