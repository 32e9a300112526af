//! The one error type of the engine: what was tried, on what, and why it failed.

use std::io;
use std::path::{Path, PathBuf};

use crate::escape;

/// Why the engine could not start, or a sink not write.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {action} {}: {source}", shown(path))]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("{} is not a regular file", shown(.0))]
    NotRegular(PathBuf),
    #[error("{} is a symbolic link in a directory that others may write", shown(.0))]
    SymbolicLink(PathBuf),
    #[error("{} has another name too, in a directory that others may write", shown(.0))]
    HardLink(PathBuf),
    #[error("{} belongs to another user, in a directory that everybody may write", shown(.0))]
    Foreign(PathBuf),
    #[error("cannot {action} {}: a panic, which is a defect of this library", shown(path))]
    Panicked { action: &'static str, path: PathBuf },
    #[error("cannot start the {name} thread: {source}")]
    Thread { name: &'static str, source: io::Error },
}

impl Error {
    pub fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    /// The path the error is about, where there is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Io { path, .. }
            | Self::Panicked { path, .. }
            | Self::NotRegular(path)
            | Self::SymbolicLink(path)
            | Self::HardLink(path)
            | Self::Foreign(path) => Some(path),
            Self::Thread { .. } => None,
        }
    }
}

/// A path may hold anything; the sentence it stands in stays one line.
fn shown(path: &Path) -> String {
    escape::shown(&path.display().to_string())
}

pub type Result<T> = std::result::Result<T, Error>;
