//! Opening a rotated file, and whether it is still what it was.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use crate::error::{Error, Result};
use crate::platform::{self, Exposure, Identity};

/// Opens a log file for reading, and never what a link leads to.
pub fn open(action: &'static str, path: &Path) -> Result<(File, Metadata)> {
    let failed = |error| Error::io(action, path, error);
    let found = path.symlink_metadata().map_err(failed)?;
    if found.is_symlink() {
        return Err(Error::SymbolicLink(path.to_owned()));
    }
    let file = platform::open_to_read(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() {
        return Err(Error::NotRegular(path.to_owned()));
    }
    let directory = directory_of(path);
    let exposure = platform::exposure(directory);
    if exposure != Exposure::Private && platform::names(&meta) > 1 {
        return Err(Error::HardLink(path.to_owned()));
    }
    if exposure == Exposure::Open && platform::is_foreign(&meta, directory) {
        return Err(Error::Foreign(path.to_owned()));
    }
    Ok((file, meta))
}

pub fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What tells whether a file was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    identity: Identity,
    length: u64,
    modified: Option<SystemTime>,
}

impl State {
    pub fn of(meta: &Metadata) -> Self {
        Self { identity: platform::identity_of(meta), length: meta.len(), modified: meta.modified().ok() }
    }

    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Whether the file is what it was, and still has its name.
    pub fn still_holds(&self, file: &File, path: &Path) -> io::Result<bool> {
        let named = match path.symlink_metadata() {
            Err(error) if platform::is_missing(&error) => return Ok(false),
            named => named?,
        };
        Ok(Self::of(&file.metadata()?) == *self && platform::identity_of(&named) == self.identity)
    }
}
