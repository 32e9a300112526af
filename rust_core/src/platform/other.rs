//! The plain fallback: files and clocks of the standard library, no locks between processes, no modes.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Exposure, Identity, Lock, Standard};

/// Nanoseconds since the epoch.
#[inline]
pub fn wall_clock() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

#[must_use]
pub fn process_id() -> u32 {
    std::process::id()
}

/// Threads have no numbers here.
#[must_use]
pub const fn thread_id() -> u32 {
    0
}

#[must_use]
pub const fn has_thread(_id: u32) -> bool {
    false
}

/// Not known here.
#[must_use]
pub const fn is_main_thread() -> bool {
    false
}

pub fn open_append(path: &Path, _mode: u32, _follow: bool) -> io::Result<(File, bool)> {
    OpenOptions::new().append(true).read(true).create(true).open(path).map(|file| (file, false))
}

pub fn settle_mode(_file: &File, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// Files belong to nobody here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights;

impl Rights {
    #[must_use]
    pub const fn of(_meta: &Metadata) -> Option<Self> {
        None
    }

    #[must_use]
    pub const fn of_descriptor(_descriptor: i32) -> Option<Self> {
        None
    }

    #[must_use]
    pub const fn narrowed(self, mode: u32) -> u32 {
        mode
    }

    /// # Errors
    /// None.
    pub const fn give_from_root(self, _file: &File) -> io::Result<()> {
        Ok(())
    }

    /// # Errors
    /// None.
    pub const fn give_all(self, _file: &File) -> io::Result<()> {
        Ok(())
    }
}

/// Files have no numbers that another language's library knows.
pub fn into_descriptor(_file: File) -> io::Result<i32> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Files have no numbers that a program could close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    pub identity: Identity,
}

impl Number {
    pub fn of(file: &File) -> io::Result<Self> {
        Ok(Self { identity: identity(file)? })
    }

    /// None that another language's library knows.
    #[must_use]
    pub const fn descriptor(&self) -> i32 {
        -1
    }

    pub(super) fn probe(&self, file: &File) -> io::Result<Option<Metadata>> {
        file.metadata().map(Some)
    }

    #[must_use]
    pub const fn is_held(&self) -> bool {
        true
    }

    /// There is no fork, hence nobody who asks for it.
    pub fn duplicate(&self) -> io::Result<File> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// As above.
    pub const fn close(self) {}
}

#[must_use]
pub const fn is_want_of_descriptors(_error: &io::Error) -> bool {
    false
}

/// Whether this very file may not be renamed or removed.
#[must_use]
pub const fn is_pinned(_error: &io::Error) -> bool {
    false
}

pub fn create_directories(path: &Path, _mode: u32) -> io::Result<Option<io::Error>> {
    std::fs::create_dir_all(path).map(|()| None)
}

pub fn exposure(_directory: &Path) -> Exposure {
    Exposure::Private
}

pub fn names(_meta: &std::fs::Metadata) -> u64 {
    1
}

pub fn is_foreign(_meta: &std::fs::Metadata, _directory: &Path) -> bool {
    false
}

pub fn is_planted_link(_path: &Path) -> bool {
    false
}

pub fn may_write(directory: &Path) -> io::Result<()> {
    if directory.metadata()?.permissions().readonly() { Err(io::ErrorKind::PermissionDenied.into()) } else { Ok(()) }
}

/// Without inodes a file is known by its creation time and length being unknown: all files count as the same.
pub fn identity(_file: &File) -> io::Result<Identity> {
    Ok(Identity { device: 0, inode: 0 })
}

#[must_use]
pub const fn identity_of(_meta: &Metadata) -> Identity {
    Identity { device: 0, inode: 0 }
}

pub fn identity_at(path: &Path) -> io::Result<Identity> {
    path.metadata().map(|_| Identity { device: 0, inode: 0 })
}

pub fn lock(_file: &File, _patience: Duration) -> Lock {
    Lock::Unsupported
}

pub const fn sign(_file: &File) {}

pub const fn signed(_file: &File) -> Option<(i64, i64)> {
    None
}

pub fn unlock(_file: &File) {}

pub fn sync_data(file: &File) -> io::Result<()> {
    file.sync_data()
}

/// Directories cannot be opened as files everywhere: their names are left to the system.
pub fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}

/// A standard stream. It is written to patiently: that it would wait is not known here.
#[derive(Debug)]
pub struct OpenStream(Standard);

impl OpenStream {
    #[must_use]
    pub const fn most(&self) -> usize {
        1 << 16
    }

    #[must_use]
    pub fn piece<'a>(&self, lines: &'a [u8]) -> &'a [u8] {
        lines
    }

    pub fn write(&self, piece: &[u8]) -> io::Result<usize> {
        self.0.write_patiently(piece).map(|()| piece.len())
    }

    #[must_use]
    pub const fn is_ready(&self, _patience: Duration) -> bool {
        false
    }
}

#[must_use]
pub fn is_want_of_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::OutOfMemory)
}

/// There is no such signal.
pub fn without_sigpipe<R>(work: impl FnOnce() -> R) -> R {
    work()
}

impl Standard {
    pub const fn open(self) -> io::Result<OpenStream> {
        Ok(OpenStream(self))
    }

    pub const fn remember(self, _is_known: bool) {}

    #[must_use]
    pub const fn is_taken(self) -> bool {
        false
    }

    pub fn write_patiently(self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Output => io::stdout().write_all(bytes),
            Self::Error => io::stderr().write_all(bytes),
        }
    }
}

/// Terminals are not asked here: settings may say how wide they are.
#[must_use]
pub const fn terminal_columns() -> Option<usize> {
    None
}

/// Lines for a terminal take the way of all others here.
#[derive(Debug)]
pub enum Terminal {}

impl Terminal {
    #[must_use]
    pub const fn open(_standard: Standard) -> Option<Self> {
        None
    }

    #[must_use]
    pub const fn is_there(&self) -> bool {
        match *self {}
    }

    pub const fn write(&self, _bytes: &[u8]) -> io::Result<usize> {
        match *self {}
    }

    #[must_use]
    pub const fn is_ready(&self, _patience: Duration) -> bool {
        match *self {}
    }
}

pub fn write_stderr(bytes: &[u8]) -> io::Result<()> {
    io::stderr().write_all(bytes)
}

pub fn yield_to_others() {}

pub fn disk(_path: &Path) -> io::Result<(u64, u64)> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Without reading at an offset, a file counts as ended: no other process writes to it here.
pub fn ends_with_newline(_file: &File, _size: u64) -> bool {
    true
}

pub fn is_character_device(_meta: &std::fs::Metadata) -> bool {
    false
}

/// Not counted here.
#[cfg(test)]
pub fn page_faults() -> i64 {
    0
}

/// The lowest address and the bytes of the calling thread's stack: not told here.
#[must_use]
pub fn stack_bounds() -> Option<(usize, usize)> {
    None
}

/// Renames a file, unless the new name exists.
///
/// # Errors
/// When the name exists, or the system refuses.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    if to.symlink_metadata().is_ok() { Err(io::ErrorKind::AlreadyExists.into()) } else { std::fs::rename(from, to) }
}

/// Links to files are a privilege here.
///
/// # Errors
/// Always.
pub fn make_link(_target: &str, _link: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// What the system keeps in memory is its own affair here.
pub const fn forget_pages(_file: &File) {}

/// What the system keeps in memory is its own affair here.
pub const fn forget_range(_file: &File, _from: u64, _length: u64) {}

pub const fn will_read_once(_file: &File) {}

pub const fn will_read_soon(_file: &File) {}

/// Not told here: as if it had it.
#[must_use]
pub const fn is_in_memory(_file: &File, _at: u64) -> bool {
    true
}
