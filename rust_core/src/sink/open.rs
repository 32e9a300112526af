//! How files beside the logs are opened: with their mode, and past the traps that other users can set in a directory that
//! they may write.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use crate::error::{Error, Result};
use crate::error_handler::remark;
use crate::platform::{self, Exposure, Rights};

/// Opens or makes a log file for appending. One that is made has the rights of the one `before` it.
///
/// # Errors
/// When it cannot be opened, is not a regular file, or may be a trap of another user's.
pub fn open_log(path: &Path, mode: u32, before: Option<Rights>) -> Result<File> {
    open_guarded("open", path, mode, before, is_log).map(|(file, _)| file)
}

/// What is not as it should be, and is no reason to do without logs, is said.
pub fn unset(action: &'static str, path: &Path, error: &io::Error) {
    remark(action, format!("{}: {error}", path.display()));
}

/// A regular file, or a device such as /dev/null that stands for none.
pub fn is_log(meta: &Metadata) -> bool {
    meta.is_file() || platform::is_character_device(meta)
}

/// Opens or makes a file for appending. What was opened is looked at, not the path: nobody can change it in between.
///
/// A file that is made is open to no more users than the one `before` it. If root makes it, it gets the user and group of that one, which
/// must be able to go on with it.
pub fn open_guarded(
    action: &'static str,
    path: &Path,
    mode: u32,
    before: Option<Rights>,
    is_usable: impl FnOnce(&Metadata) -> bool,
) -> Result<(File, Metadata)> {
    let failed = |error| Error::io(action, path, error);
    let directory = path.parent().unwrap_or(Path::new("."));
    let exposure = platform::exposure(directory);
    if exposure != Exposure::Private && path.symlink_metadata().is_ok_and(|meta| meta.is_symlink()) {
        return Err(Error::SymbolicLink(path.to_owned()));
    }
    let mode = before.map_or(mode, |before| before.narrowed(mode));
    let (file, made) = platform::open_append(path, mode, exposure == Exposure::Private).map_err(failed)?;
    if made {
        // Made it is, and it can be written: some file systems have neither modes nor owners.
        if let Err(error) = platform::settle_mode(&file, mode) {
            unset("set the mode of a file", path, &error);
        }
        if let Some(Err(error)) = before.map(|before| before.give_from_root(&file)) {
            unset("give a file to the owner of the one before it", path, &error);
        }
    }
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
