//! How files beside the logs are opened: with their mode, and past the traps that other users can set in a directory that
//! they may write.

use std::fs::{File, Metadata};
use std::path::Path;

use crate::error::{Error, Result};
use crate::platform::{self, Exposure};

/// Opens or makes a log file for appending.
///
/// # Errors
/// When it cannot be opened, is not a regular file, or may be a trap of another user's.
pub fn open_log(path: &Path, mode: u32) -> Result<File> {
    open_guarded("open", path, mode, is_log).map(|(file, _)| file)
}

/// A regular file, or a device such as /dev/null that stands for none.
pub fn is_log(meta: &Metadata) -> bool {
    meta.is_file() || platform::is_character_device(meta)
}

/// Opens or makes a file for appending. What was opened is looked at, not the path: nobody can change it in between.
pub fn open_guarded(
    action: &'static str,
    path: &Path,
    mode: u32,
    is_usable: impl FnOnce(&Metadata) -> bool,
) -> Result<(File, Metadata)> {
    let failed = |error| Error::io(action, path, error);
    let directory = path.parent().unwrap_or(Path::new("."));
    let exposure = platform::exposure(directory);
    if exposure != Exposure::Private && path.symlink_metadata().is_ok_and(|meta| meta.is_symlink()) {
        return Err(Error::SymbolicLink(path.to_owned()));
    }
    let file = platform::open_append(path, mode, exposure == Exposure::Private).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    if !is_usable(&meta) {
        return Err(Error::NotRegular(path.to_owned()));
    }
    if exposure != Exposure::Private && platform::names(&meta) > 1 {
        return Err(Error::HardLink(path.to_owned()));
    }
    if exposure == Exposure::Open && platform::is_foreign(&meta, directory) {
        return Err(Error::Foreign(path.to_owned()));
    }
    Ok((file, meta))
}
