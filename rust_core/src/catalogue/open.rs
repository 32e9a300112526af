//! Opens files beside the boxes. In a directory of another user a trap may have such a name.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use crate::platform;

/// No catalogue has more bytes: it is written anew before, and then has a few hundred for each file.
pub(super) const LONGEST: u64 = 256 << 20;

/// Opens a file for reading. `None` for what no catalogue is: a link, something else than a file, or a file that is too long.
///
/// # Errors
/// When it cannot be opened, or `home` is a link.
pub(super) fn open(home: &Path, name: &str) -> io::Result<Option<(File, Metadata)>> {
    if home.symlink_metadata()?.is_symlink() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the directory is a link"));
    }
    let path = home.join(name);
    if !path.symlink_metadata()?.is_file() {
        return Ok(None);
    }
    let file = platform::open_to_read(&path)?;
    let meta = file.metadata()?;
    Ok((meta.is_file() && meta.len() <= LONGEST).then_some((file, meta)))
}
