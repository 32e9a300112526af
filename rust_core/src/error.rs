//! The one error type of the engine: what was tried, on what, and why it failed.

use std::io;
use std::path::{Path, PathBuf};

/// Why the engine could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("{} is not a regular file", .0.display())]
    NotRegular(PathBuf),
    #[error("{} is a symbolic link in a directory that others may write", .0.display())]
    SymbolicLink(PathBuf),
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
            Self::Io { path, .. } | Self::NotRegular(path) | Self::SymbolicLink(path) => Some(path),
            Self::Thread { .. } => None,
        }
    }
}

pub type Result<T> = std::result::Result<T, Error>;
