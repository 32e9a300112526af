//! Opening files for appending, making directories, and syncing both to the device.

use std::ffi::CString;
use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::os::fd::FromRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::number::flags_of;
use super::{beyond_standard_streams, is_root};
use crate::platform::ASKED_FOR;

/// Opens a log file for appending, or makes it with `mode` and the umask. Returns whether it was made. With `follow`
/// false a symbolic link is refused.
pub fn open_append(path: &Path, mode: u32, follow: bool) -> io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    // Non-blocking for the opening, so that a FIFO without a reader cannot hold it up.
    let flags = libc::O_CLOEXEC | libc::O_NONBLOCK | if follow { 0 } else { libc::O_NOFOLLOW };
    options.append(true).read(true).mode(mode & 0o777).custom_flags(flags);
    let (file, made) = match options.clone().create_new(true).open(path) {
        Ok(file) => (file, true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (options.create(true).open(path)?, false),
        Err(error) => return Err(error),
    };
    Ok((beyond_standard_streams(file)?, made))
}

/// Sets the mode of a file that was just made. A mode that an option asked for holds exactly. Any other mode is
/// narrowed by the umask, except for the bits that the owner needs.
pub fn settle_mode(file: &File, mode: u32) -> io::Result<()> {
    let found = file.metadata()?.mode();
    let wanted = settled(found, mode);
    if found == wanted { Ok(()) } else { file.set_permissions(Permissions::from_mode(wanted & 0o7777)) }
}

/// The mode for a file with the mode `found`. The bits of group and others stay as they are, unless an option asked
/// for the mode.
fn settled(found: u32, mode: u32) -> u32 {
    if mode & ASKED_FOR == 0 { found | mode & 0o700 } else { found & !0o777 | mode & 0o777 }
}

/// The rights that a file passes on to its successor: user and group, and a mode that must not be widened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    user: u32,
    group: u32,
    mode: u32,
}

impl Rights {
    /// The rights of a regular file. A device, to which a link may lead, has no successor.
    #[must_use]
    pub fn of(meta: &Metadata) -> Option<Self> {
        meta.is_file().then(|| Self { user: meta.uid(), group: meta.gid(), mode: meta.mode() })
    }

    /// The rights of the file that is open under a number. `None` if there is none.
    #[must_use]
    pub fn of_descriptor(descriptor: i32) -> Option<Self> {
        flags_of(descriptor)?;
        // SAFETY: the number is one; only probed, whatever it is, and never closed.
        let file = ManuallyDrop::new(unsafe { File::from_raw_fd(descriptor) });
        Self::of(&file.metadata().ok()?)
    }

    /// The mode for the new file. It is narrowed as the old file was, which may have been closed to others since it
    /// was made. A mode that an option asked for stays.
    #[must_use]
    pub fn narrowed(self, mode: u32) -> u32 {
        if mode & ASKED_FOR == 0 { mode & (self.mode | 0o700) } else { mode }
    }

    /// Gives a file that root has just made the user and group of the file before it. They may be the only ones to use
    /// it later.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn give_from_root(self, file: &File) -> io::Result<()> {
        if !is_root() {
            return Ok(());
        }
        let found = file.metadata()?;
        if (found.uid(), found.gid()) == (self.user, self.group) {
            return Ok(());
        }
        std::os::unix::fs::fchown(file, Some(self.user), Some(self.group))
    }

    /// Gives another file these rights whole, because it takes the place of this one. If the group cannot be given, the file is closed to the
    /// group that it has.
    ///
    /// # Errors
    /// When the mode cannot be set.
    pub fn give_all(self, file: &File) -> io::Result<()> {
        let found = file.metadata()?;
        let mut mode = self.mode & 0o777;
        if (found.uid(), found.gid()) != (self.user, self.group)
            && std::os::unix::fs::fchown(file, Some(self.user), Some(self.group)).is_err()
            && (found.gid() != self.group && std::os::unix::fs::fchown(file, None, Some(self.group)).is_err())
        {
            mode &= 0o707;
        }
        file.set_permissions(Permissions::from_mode(mode))
    }
}

/// Creates a directory and its missing parents, with modes as in `settle_mode`. Directories that exist keep their
/// modes. Returns the error if a mode could not be set, which is no reason to stop.
pub fn create_directories(path: &Path, mode: u32) -> io::Result<Option<io::Error>> {
    if path.is_dir() {
        return Ok(None);
    }
    let mut unset = None;
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        unset = create_directories(parent, mode)?;
    }
    match DirBuilder::new().mode(mode & 0o777).create(path) {
        Ok(()) => {
            // A directory inherits the bit for its group from the one it lies in.
            let found = path.symlink_metadata()?.mode();
            let wanted = settled(found, mode);
            if found != wanted {
                unset = std::fs::set_permissions(path, Permissions::from_mode(wanted & 0o7777)).err().or(unset);
            }
            Ok(unset)
        }
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(unset),
        Err(error) => Err(error),
    }
}

/// Syncs a file to the device. A file without a device, such as a terminal, needs no sync.
pub fn sync_data(file: &File) -> io::Result<()> {
    synced(file.sync_data())
}

/// Syncs the names in a directory to the device.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    // A FIFO in place of the directory would hold the opening up for ever.
    let flags = libc::O_CLOEXEC | libc::O_DIRECTORY;
    synced(OpenOptions::new().read(true).custom_flags(flags).open(directory)?.sync_all())
}

fn synced(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOTSUP)) => Ok(()),
        result => result,
    }
}

/// The bytes of the file system that a path is on, and how many of them this user may still take.
///
/// # Errors
/// When the system does not say.
pub fn disk(path: &Path) -> io::Result<(u64, u64)> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut found = MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: a path with an end, and room for the answer.
    if unsafe { libc::statvfs(path.as_ptr(), found.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has filled it.
    let found = unsafe { found.assume_init() };
    #[allow(clippy::useless_conversion)] // some systems count with 32 bits
    let bytes = |blocks: libc::fsblkcnt_t| u64::from(blocks).saturating_mul(u64::from(found.f_frsize));
    Ok((bytes(found.f_blocks), bytes(found.f_bavail)))
}

/// Whether a file of this size ends with a newline. A file that cannot be read counts as ended.
pub fn ends_with_newline(file: &File, size: u64) -> bool {
    use std::os::unix::fs::FileExt;
    let mut last = [b'\n'];
    let _ = file.read_at(&mut last, size - 1);
    last == *b"\n"
}

pub fn is_character_device(meta: &std::fs::Metadata) -> bool {
    meta.file_type().is_char_device()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seen to fail (it waits for ever) with the directory opened as any file.
    #[test]
    fn a_fifo_in_the_place_of_a_directory_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fifo");
        let name = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).unwrap();
        // SAFETY: a text with an end.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        assert_eq!(sync_directory(&path).unwrap_err().raw_os_error(), Some(libc::ENOTDIR));
        sync_directory(directory.path()).unwrap();
    }
}
