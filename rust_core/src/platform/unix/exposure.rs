//! What others may do in a directory, and whose a file is.

use std::ffi::CString;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::platform::{Exposure, Identity};

/// What others may do in `directory`. A directory that cannot be probed counts as open to all.
pub fn exposure(directory: &Path) -> Exposure {
    match directory.metadata() {
        Ok(meta) if meta.mode() & 0o002 == 0 && is_trusted(meta.uid()) => {
            if meta.mode() & 0o020 == 0 {
                Exposure::Private
            } else {
                Exposure::Group
            }
        }
        _ => Exposure::Open,
    }
}

/// This user, or root.
fn is_trusted(user: u32) -> bool {
    // SAFETY: always succeeds.
    user == 0 || user == unsafe { libc::geteuid() }
}

/// Names that a file has.
pub fn names(meta: &Metadata) -> u64 {
    meta.nlink()
}

/// Whether a file belongs to another user than this one, root and the owner of its directory.
pub fn is_foreign(meta: &Metadata, directory: &Path) -> bool {
    !is_trusted(meta.uid()) && directory.metadata().ok().map(|directory| directory.uid()) != Some(meta.uid())
}

/// Whether `path` is a link that another user may have laid.
pub fn is_planted_link(path: &Path) -> bool {
    let exposed = path.parent().is_some_and(|parent| exposure(parent) != Exposure::Private);
    exposed && path.symlink_metadata().is_ok_and(|meta| meta.is_symlink() && !is_trusted(meta.uid()))
}

/// Whether this process may create files in `directory`, as the user whose rights it has.
pub fn may_write(directory: &Path) -> io::Result<()> {
    let path = CString::new(directory.as_os_str().as_bytes())?;
    let access = libc::W_OK | libc::X_OK;
    // SAFETY: `path` is a NUL-terminated string that outlives the call.
    if unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), access, libc::AT_EACCESS) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

pub fn identity(file: &File) -> io::Result<Identity> {
    file.metadata().map(|meta| identity_of(&meta))
}

pub fn identity_at(path: &Path) -> io::Result<Identity> {
    path.metadata().map(|meta| identity_of(&meta))
}

#[must_use]
pub fn identity_of(meta: &Metadata) -> Identity {
    Identity { device: meta.dev(), inode: meta.ino() }
}
