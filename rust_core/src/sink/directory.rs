//! The log directory, and the lock that lets several processes write to it in turn.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::error_handler::remark;
use crate::platform::{self, Lock, OwnFile, Rights};
use crate::unshared::Unshared;

use super::inherited;
use super::open::{open_guarded, unset};

/// Processes that wait for the lock are patient while they see it change hands. They check once a second.
const SIGN_PAUSE: Duration = Duration::from_millis(100);
/// How long a batch waits for a lock that an earlier batch waited for in vain, while no other process has signed it
/// since.
const STUCK_PATIENCE: Duration = Duration::from_millis(10);
const LOCK_FILE: &str = ".unified_logger.lock";

/// Makes the directory if it is missing, and makes sure that files can be made in it.
///
/// # Errors
/// When it cannot be made, is not a directory, must not be written, or is a link that another user may have laid.
pub fn prepare_directory(directory: &Path, mode: u32) -> Result<()> {
    if platform::is_planted_link(directory) {
        return Err(Error::SymbolicLink(directory.to_owned()));
    }
    make_directory(directory, mode).or_else(|error| {
        // The child of a process that may use it goes on with what that has open there.
        if inherited::is_any_in(directory, &error) { Ok(()) } else { Err(error) }
    })
}

fn make_directory(directory: &Path, mode: u32) -> Result<()> {
    if let Some(error) = platform::create_directories(directory, mode)
        .map_err(|error| Error::io("create the directory", directory, error))?
    {
        unset("set the mode of a directory", directory, &error);
    }
    platform::may_write(directory).map_err(|error| Error::io("write in the directory", directory, error))
}

/// The result of asking for the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    Yes,
    /// The lock did not change hands in the whole time, or too many processes waited. Whole lines may be appended, but
    /// nothing may be renamed.
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
    /// Those of the file that was open last.
    rights: Option<Rights>,
    file: Option<Unshared>,
    signed: Option<Instant>,
    /// The last sign of another that was seen when it was last waited for in vain.
    stuck: Option<Option<(i64, i64)>>,
}

impl DirectoryLock {
    /// Opens the lock file beside the logs.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(directory: &Path, mode: u32) -> Result<Self> {
        Self::named(directory, LOCK_FILE, mode)
    }

    /// Opens a lock file of another purpose.
    ///
    /// # Errors
    /// As `open`.
    pub fn named(directory: &Path, name: &str, mode: u32) -> Result<Self> {
        let path = directory.join(name);
        let (file, rights) = match open(&path, mode, None) {
            Ok((file, rights)) => (Some(file), rights),
            Err(error) if inherited::is_any_in(directory, &error) => (None, None),
            Err(error) => return Err(error),
        };
        Ok(Self { path, mode, rights, file, signed: None, stuck: None })
    }

    /// Runs `body` with the lock, or without it once `patience` is over.
    pub fn hold<R>(&mut self, patience: Duration, body: impl FnOnce(Held) -> R) -> R {
        if !self.is_in_place() {
            // The file may have been given to another user since it was opened.
            if let Some(Ok(Some(meta))) = self.file.as_ref().map(|file| file.probe()) {
                self.rights = Rights::of(&meta);
            }
            self.file = None;
            if let Ok((file, rights)) = open(&self.path, self.mode, self.rights) {
                (self.file, self.rights) = (Some(file), rights);
            }
        }
        let Some(file) = &self.file else { return body(Held::NotOpened) };
        // A process that never releases the lock must not cost each batch a second.
        let is_stuck = self.stuck.is_some_and(|sign| sign == platform::signed(file));
        match platform::lock(file, if is_stuck { STUCK_PATIENCE.min(patience) } else { patience }) {
            Lock::Held => {
                self.stuck = None;
                let held = Unlock(file);
                if self.signed.is_none_or(|at| at.elapsed() >= SIGN_PAUSE) {
                    platform::sign(file);
                    self.signed = Some(Instant::now());
                }
                let result = body(Held::Yes);
                drop(held);
                result
            }
            Lock::TimedOut => {
                self.stuck = Some(platform::signed(file));
                body(Held::TimedOut)
            }
            Lock::Unsupported => body(Held::Unsupported),
        }
    }

    /// Whether the open file is this library's still, and the one at its path, as far as can be known: a directory that was removed and
    /// made again has another. A probe that is refused tells nothing of it.
    fn is_in_place(&self) -> bool {
        let Some(file) = &self.file else { return false };
        if !file.is_held() {
            remark("keep a descriptor", lost(&self.path));
            return false;
        }
        match platform::identity_at(&self.path) {
            Ok(found) => found == file.identity(),
            Err(error) => !platform::is_missing(&error),
        }
    }
}

/// The message about a number that leads elsewhere.
pub fn lost(path: &Path) -> String {
    format!("that of {} was closed or given to another file by the program; it is opened anew", path.display())
}

/// Gives the lock back, also when writing panics.
struct Unlock<'a>(&'a OwnFile);

impl Drop for Unlock<'_> {
    fn drop(&mut self) {
        // Another file may have the number now, with a lock of the program.
        if self.0.is_held() {
            platform::unlock(self.0);
        }
    }
}

fn open(path: &Path, mode: u32, before: Option<Rights>) -> Result<(Unshared, Option<Rights>)> {
    const ACTION: &str = "open the lock file";
    let (file, meta) = open_guarded(ACTION, path, mode, before, |meta| meta.is_file())?;
    let file = Unshared::new(file).map_err(|error| Error::io(ACTION, path, error))?;
    Ok((file, Rights::of(&meta)))
}
