//! What differs between operating systems. Everything else in the engine is portable.

mod counter;
#[cfg(unix)]
mod mapping_unix;
#[cfg(unix)]
mod unix;
pub use counter::*;
#[cfg(unix)]
pub use mapping_unix::*;
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

/// What makes two open files the same file: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    pub device: u64,
    pub inode: u64,
}

/// What came of asking for the directory's lock.
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
    /// Its group may create names in it: whoever shares the logs, or sets a trap.
    Group,
    /// Everybody may, or it belongs to another user.
    Open,
}
