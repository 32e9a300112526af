//! The log directory, and the lock that lets several processes write to it in turn.

use std::fs::File;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::platform::{self, Lock};
use crate::table::lock_briefly;

use super::open::open_guarded;

/// Others who wait for the lock are patient as long as they see it change hands. They look once a second.
const SIGN_PAUSE: Duration = Duration::from_millis(100);
const LOCK_FILE: &str = ".unified_logger.lock";

/// Descriptors of the lock files that are open in this process.
static OPEN: Mutex<Vec<i32>> = Mutex::new(Vec::new());

/// In a forked child: lets go of its parent's lock files. A lock is held for as long as any copy of its descriptor is open, so a child
/// would hold it past the death of a parent that was killed while it wrote. Nothing of the parent's may lock after this.
pub fn leave_locks_to_parent() {
    if let Some(mut open) = lock_briefly(&OPEN) {
        open.drain(..).for_each(platform::close);
    }
}

/// A lock file that is open, known to `leave_locks_to_parent`.
#[derive(Debug)]
struct LockFile(ManuallyDrop<File>);

impl LockFile {
    fn new(file: File) -> Self {
        if let Some(mut open) = lock_briefly(&OPEN) {
            open.push(platform::descriptor(&file));
        }
        Self(ManuallyDrop::new(file))
    }
}

impl Deref for LockFile {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // First this: a child must not close what has got the number since. Where that cannot be, it stays open.
        let Some(mut open) = lock_briefly(&OPEN) else { return };
        let number = platform::descriptor(self);
        open.retain(|known| *known != number);
        // SAFETY: dropped only here.
        unsafe { ManuallyDrop::drop(&mut self.0) };
    }
}

/// Makes the directory if it is missing, and makes sure that files can be made in it.
///
/// # Errors
/// When it cannot be made, is not a directory, must not be written, or is a link that another user may have laid.
pub fn prepare_directory(directory: &Path, mode: u32) -> Result<()> {
    if platform::is_planted_link(directory) {
        return Err(Error::SymbolicLink(directory.to_owned()));
    }
    platform::create_directories(directory, mode)
        .map_err(|error| Error::io("create the directory", directory, error))?;
    platform::may_write(directory).map_err(|error| Error::io("write in the directory", directory, error))
}

/// What came of asking for the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    Yes,
    /// Nobody else got it in the whole time either, or there were too many: whole lines may be appended, but nothing renamed.
    TimedOut,
    /// The lock file cannot be opened (no descriptors, no directory, no permission): as with `TimedOut`.
    NotOpened,
    /// The file system has no locks: this process acts as if it were alone.
    Unsupported,
}

impl Held {
    /// Whether files may be renamed and cut: no other process is at work, as far as can be known.
    #[must_use]
    pub fn is_alone(self) -> bool {
        matches!(self, Self::Yes | Self::Unsupported)
    }
}

/// One exclusive lock per log directory.
#[derive(Debug)]
pub struct DirectoryLock {
    path: PathBuf,
    mode: u32,
    file: Option<LockFile>,
    signed: Option<Instant>,
}

impl DirectoryLock {
    /// Opens the lock file beside the logs.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(directory: &Path, mode: u32) -> Result<Self> {
        let path = directory.join(LOCK_FILE);
        let file = open(&path, mode)?;
        Ok(Self { path, mode, file: Some(file), signed: None })
    }

    /// Runs `body` with the lock, or without it once `patience` is over.
    pub fn hold<R>(&mut self, patience: Duration, body: impl FnOnce(Held) -> R) -> R {
        // A directory that was removed and made again has another lock file.
        let moved = match (&self.file, platform::identity_at(&self.path)) {
            (Some(file), Ok(at_path)) => platform::identity(file).ok() != Some(at_path),
            _ => true,
        };
        if moved {
            self.file = None;
            self.file = open(&self.path, self.mode).ok();
        }
        let Some(file) = &self.file else { return body(Held::NotOpened) };
        match platform::lock(file, patience) {
            Lock::Held => {
                let held = Unlock(file);
                if self.signed.is_none_or(|at| at.elapsed() >= SIGN_PAUSE) {
                    platform::sign(file);
                    self.signed = Some(Instant::now());
                }
                let result = body(Held::Yes);
                drop(held);
                result
            }
            Lock::TimedOut => body(Held::TimedOut),
            Lock::Unsupported => body(Held::Unsupported),
        }
    }
}

/// Gives the lock back, also when writing panics.
struct Unlock<'a>(&'a File);

impl Drop for Unlock<'_> {
    fn drop(&mut self) {
        platform::unlock(self.0);
    }
}

fn open(path: &Path, mode: u32) -> Result<LockFile> {
    open_guarded("open the lock file", path, mode, |meta| meta.is_file()).map(|(file, _)| LockFile::new(file))
}
