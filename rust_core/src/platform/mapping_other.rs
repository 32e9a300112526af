//! The plain fallback: memory of the process alone. Nothing outlives it, so there are no black boxes, and no forks.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;

use super::Identity;

/// Memory, given back when dropped.
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
    pub fn anonymous(length: usize) -> io::Result<Self> {
        let layout = Layout::from_size_align(length.max(1), 4_096).map_err(|_| io::ErrorKind::OutOfMemory)?;
        // SAFETY: the size is not zero.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, length })
    }

    pub fn shared(_file: &File, _offset: usize, _length: usize) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Memory comes with its first use.
    pub fn populate(&self, _offset: usize, _length: usize) {}

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
        if let Ok(layout) = Layout::from_size_align(self.length.max(1), 4_096) {
            // SAFETY: allocated by `anonymous` with this layout.
            unsafe { dealloc(self.start.as_ptr(), layout) };
        }
    }
}

/// Memory at an address that never changes. Here it leads nowhere else.
#[derive(Debug)]
pub struct Region(Mapping);

impl Region {
    pub fn new(length: usize) -> io::Result<Self> {
        Mapping::anonymous(length).map(Self)
    }

    #[must_use]
    pub fn start(&self) -> NonNull<u8> {
        self.0.start()
    }

    pub fn lead_to(&self, _file: &File, _offset: usize) -> io::Result<Mapping> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn lead_to_memory(&self) -> io::Result<Mapping> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

pub fn reserve(_file: &File, _length: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn write_at(_file: &File, _bytes: &[u8], _offset: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn read_at(_file: &File, _bytes: &mut [u8], _offset: u64) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn open_private(_path: &Path, _create: bool) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn open_to_read(path: &Path) -> io::Result<File> {
    File::open(path)
}

pub fn private_directory(_path: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[must_use]
pub fn is_mine(_meta: &std::fs::Metadata) -> bool {
    true
}

#[must_use]
pub fn is_roots(_meta: &std::fs::Metadata) -> bool {
    false
}

#[must_use]
pub fn is_root() -> bool {
    false
}

#[must_use]
pub fn same_owner(_one: &std::fs::Metadata, _other: &std::fs::Metadata) -> bool {
    true
}

#[must_use]
pub fn others_may_write(_meta: &std::fs::Metadata) -> bool {
    false
}

pub fn with_rights_of<R: Send>(_meta: &std::fs::Metadata, _work: impl FnOnce() -> R + Send) -> io::Result<R> {
    Err(io::ErrorKind::Unsupported.into())
}

#[must_use]
pub fn has_name(_meta: &std::fs::Metadata) -> bool {
    true
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoxLock {
    Owner,
    Recovery,
}

pub fn lock_box(_file: &File, _which: BoxLock) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

#[must_use]
pub fn process_namespace() -> Option<u64> {
    None
}

#[must_use]
pub fn is_no_process(_id: u32) -> bool {
    false
}

#[must_use]
pub fn birth_of_process(_id: u32) -> Option<u64> {
    None
}

pub fn maps(_process: u32, _file: Identity, _name: &str) -> io::Result<bool> {
    Ok(false)
}

pub fn birth(_directory: &Path) -> io::Result<[u64; 3]> {
    Err(io::ErrorKind::Unsupported.into())
}

#[must_use]
pub fn shared_memory_directory() -> Option<PathBuf> {
    None
}

#[must_use]
pub fn is_in_container() -> bool {
    false
}

pub fn notice_forks() {}

#[inline]
#[must_use]
pub fn has_forked() -> bool {
    false
}
