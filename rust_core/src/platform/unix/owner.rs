//! Who owns a file, and files of this user alone.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
#[cfg(target_os = "linux")]
use std::ptr;

use super::beyond_standard_streams;

/// Opens a file that belongs to this process's user alone. `create` makes it, and fails if it exists.
///
/// # Errors
/// When it cannot be opened, or is a link.
pub fn open_private(path: &Path, create: bool) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(create)
        .mode(0o600)
        .custom_flags(libc::O_CLOEXEC | libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
        .and_then(beyond_standard_streams)?;
    // The umask may have removed rights of the owner as well.
    if create && file.metadata()?.mode() & 0o600 != 0o600 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Opens a file for reading, without waiting for a FIFO or a device.
///
/// # Errors
/// When it cannot be opened, or is a link.
pub fn open_to_read(path: &Path) -> io::Result<File> {
    let flags = libc::O_CLOEXEC | libc::O_NOFOLLOW | libc::O_NONBLOCK;
    OpenOptions::new().read(true).custom_flags(flags).open(path).and_then(beyond_standard_streams)
}

/// Makes sure that a path is a directory that only this process's user may enter, and no link.
///
/// # Errors
/// When it cannot be made, or belongs to another user.
pub fn private_directory(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let meta = path.symlink_metadata()?;
    if meta.is_dir() && is_mine(&meta) && !others_may_write(&meta) {
        // The umask may have removed rights of the owner as well.
        if meta.mode() & 0o700 == 0o700 {
            Ok(())
        } else {
            std::fs::set_permissions(path, Permissions::from_mode(0o700))
        }
    } else {
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is not a directory of this user alone"))
    }
}

/// Whether a file belongs to the user that this process acts for.
#[must_use]
pub fn is_mine(meta: &std::fs::Metadata) -> bool {
    // SAFETY: always succeeds.
    meta.uid() == unsafe { libc::geteuid() }
}

/// Whether a file belongs to root.
#[must_use]
pub fn is_roots(meta: &std::fs::Metadata) -> bool {
    meta.uid() == 0
}

/// Whether this process may act for any user.
#[must_use]
pub fn is_root() -> bool {
    // SAFETY: always succeeds.
    unsafe { libc::geteuid() == 0 }
}

/// Whether two files belong to the same user.
#[must_use]
pub fn same_owner(one: &std::fs::Metadata, other: &std::fs::Metadata) -> bool {
    one.uid() == other.uid()
}

/// Whether users other than a file's owner may write to it, or make names in it if it is a directory.
#[must_use]
pub fn others_may_write(meta: &std::fs::Metadata) -> bool {
    meta.mode() & 0o022 != 0
}

/// Runs `work` with the file rights of a file's owner, and none of this process's own. So a trap that this user has
/// laid leads to nothing that the user could not reach. For root only.
///
/// The work runs on a thread of its own, which ends with those rights. So no rights have to be restored in a process
/// that may have changed its user by then.
///
/// # Errors
/// When the rights cannot be taken, or there is no thread. Then `work` did not run.
#[cfg(target_os = "linux")]
pub fn with_rights_of<R: Send>(meta: &std::fs::Metadata, work: impl FnOnce() -> R + Send) -> io::Result<R> {
    let (user, group) = (meta.uid(), meta.gid());
    // If a thread changes its user, the system forbids the whole process to dump core.
    // SAFETY: asking touches no memory.
    let dumps = unsafe { libc::prctl(libc::PR_GET_DUMPABLE) };
    std::thread::scope(|scope| {
        let thread =
            std::thread::Builder::new().name("unified_logger_recovery".into()).spawn_scoped(scope, move || {
                let taken = take_rights(user, group);
                if dumps == 1 {
                    // SAFETY: it sets a mark of the process.
                    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 1) };
                }
                taken.map(|()| work())
            })?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Elsewhere rights belong to the whole process, whose other threads must keep them.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn with_rights_of<R: Send>(_meta: &std::fs::Metadata, _work: impl FnOnce() -> R + Send) -> io::Result<R> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Gives the calling thread the rights on files of another user, and those of no group but one.
#[cfg(target_os = "linux")]
fn take_rights(user: u32, group: u32) -> io::Result<()> {
    /// No user has this number. Asking for it changes nothing, and returns the present user.
    const NOBODY: u32 = u32::MAX;
    // A system call, since the function of the C library sets the groups of all threads.
    // SAFETY: the list has no entries, so none is read.
    if unsafe { libc::syscall(libc::SYS_setgroups, 0, ptr::null::<libc::gid_t>()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // The user is changed last, because the rights to change the groups go with it.
    // SAFETY: all concern the calling thread's rights on files alone.
    let now = unsafe {
        libc::setfsgid(group);
        libc::setfsuid(user);
        (libc::setfsuid(NOBODY).cast_unsigned(), libc::setfsgid(NOBODY).cast_unsigned())
    };
    if now == (user, group) { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

/// Whether a name still leads to an open file.
#[must_use]
pub fn has_name(meta: &std::fs::Metadata) -> bool {
    meta.nlink() > 0
}
