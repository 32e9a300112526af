//! What differs between operating systems. Everything else in the engine is portable.

use std::io;

mod coarse;
mod counter;
mod own_file;
mod prefetch;
mod signals;
#[cfg(unix)]
mod unix;
pub use coarse::coarse_milliseconds;
pub use counter::*;
pub use own_file::OwnFile;
pub use prefetch::prefetch;
pub use signals::*;
#[cfg(unix)]
pub use unix::*;

#[cfg(not(unix))]
mod mapping_other;
#[cfg(not(unix))]
mod other;
#[cfg(not(unix))]
pub use mapping_other::*;
#[cfg(not(unix))]
pub use other::*;

/// The identity of a file: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    pub device: u64,
    pub inode: u64,
}

/// A stream that the process was started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {
    Output,
    Error,
}

impl Standard {
    /// The number of its descriptor.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Output => 1,
            Self::Error => 2,
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Output => "standard output",
            Self::Error => "standard error",
        }
    }
}

/// A mark in a mode: an option asked for the mode, so it holds exactly. Without the mark, the umask narrows the mode.
pub const ASKED_FOR: u32 = 1 << 16;

/// A mode of these bits.
#[must_use]
pub const fn mode(bits: u32, is_asked_for: bool) -> u32 {
    bits & 0o777 | if is_asked_for { ASKED_FOR } else { 0 }
}

/// Whether a failed probe of a path tells that nothing is there. Any other error tells nothing.
#[must_use]
pub fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Removes a file that may be gone by now.
///
/// # Errors
/// When it is there, and cannot be removed.
pub fn remove_if_there(path: &std::path::Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if !is_missing(&error) => Err(error),
        _ => Ok(()),
    }
}

/// The result of asking for the directory's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    Held,
    /// Another process held it for the whole time given.
    TimedOut,
    /// The file system has no locks.
    Unsupported,
}

/// What other users may do in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    Private,
    /// Its group may create names in it, to share the logs or to set a trap.
    Group,
    /// Everybody may, or it belongs to another user.
    Open,
}
