//! Unix through libc, not raw system calls, so that preload shims and `faketime` act on them.

use std::ffi::CString;
use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use super::{ASKED_FOR, Exposure, Identity, Lock};

/// Between two looks at a lock that another holds. The first pauses grow, so that a short wait is short and a longer one costs
/// little; then they shrink by the age of the wait.
const SHORTEST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(1);
/// After this long a pause is half as long, after twice this a third, and so on.
const AGING: Duration = Duration::from_millis(10);

/// Nanoseconds since the epoch.
#[inline]
pub fn wall_clock() -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a valid timespec; CLOCK_REALTIME always exists.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut time) };
    #[allow(clippy::useless_conversion, reason = "both are 32 bits wide on some systems")]
    let (seconds, nanoseconds) = (i64::from(time.tv_sec), i64::from(time.tv_nsec));
    seconds * 1_000_000_000 + nanoseconds
}

#[must_use]
pub fn process_id() -> u32 {
    std::process::id()
}

/// The calling thread's number, where the system has some that `has_thread` can look for, else 0.
#[must_use]
pub fn thread_id() -> u32 {
    #[cfg(target_os = "linux")]
    // SAFETY: no arguments, cannot fail.
    return unsafe { libc::gettid() }.cast_unsigned();
    #[cfg(not(target_os = "linux"))]
    0
}

/// Whether the system still counts a thread among those of this process.
#[must_use]
pub fn has_thread(id: u32) -> bool {
    id != 0 && Path::new(&format!("/proc/self/task/{id}")).exists()
}

/// Whether the calling thread is the process's first; false where that is not known.
#[must_use]
pub fn is_main_thread() -> bool {
    thread_id() == process_id()
}

/// Opens a log file for appending, and tells whether it made it, with what the umask leaves of `mode`.
/// With `follow` false a symbolic link is refused.
pub fn open_append(path: &Path, mode: u32, follow: bool) -> io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    // Non-blocking only for the opening, so that a FIFO nobody reads cannot hold it up.
    let flags = libc::O_CLOEXEC | libc::O_NONBLOCK | if follow { 0 } else { libc::O_NOFOLLOW };
    options.append(true).read(true).mode(mode & 0o777).custom_flags(flags);
    let (file, made) = match options.clone().create_new(true).open(path) {
        Ok(file) => (file, true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (options.create(true).open(path)?, false),
        Err(error) => return Err(error),
    };
    Ok((beyond_standard_streams(file)?, made))
}

/// Sees to the mode of a file that was just made: exactly the one that was asked for; otherwise the umask has narrowed it, but for what
/// its owner needs.
pub fn settle_mode(file: &File, mode: u32) -> io::Result<()> {
    let found = file.metadata()?.mode();
    let wanted = settled(found, mode);
    if found == wanted { Ok(()) } else { file.set_permissions(Permissions::from_mode(wanted & 0o7777)) }
}

/// The bits that others' modes and those of groups are made of stay as they are, unless all were asked for.
fn settled(found: u32, mode: u32) -> u32 {
    if mode & ASKED_FOR == 0 { found | mode & 0o700 } else { found & !0o777 | mode & 0o777 }
}

/// What a file hands on to the one that takes its place: its user and group, and a mode that is not to be widened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    user: u32,
    group: u32,
    mode: u32,
}

impl Rights {
    /// Those of a regular file: a device, which a link may lead to, has no such successor.
    #[must_use]
    pub fn of(meta: &Metadata) -> Option<Self> {
        meta.is_file().then(|| Self { user: meta.uid(), group: meta.gid(), mode: meta.mode() })
    }

    /// Those of the file that is open under a number; none where there is none.
    #[must_use]
    pub fn of_descriptor(descriptor: i32) -> Option<Self> {
        flags_of(descriptor)?;
        // SAFETY: the number is one; looked at only, whatever it is, and never closed.
        let file = ManuallyDrop::new(unsafe { File::from_raw_fd(descriptor) });
        Self::of(&file.metadata().ok()?)
    }

    /// The mode for the new file: somebody may have closed the old one to others since it was made. One that was asked for stays.
    #[must_use]
    pub fn narrowed(self, mode: u32) -> u32 {
        if mode & ASKED_FOR == 0 { mode & (self.mode | 0o700) } else { mode }
    }

    /// Gives a file that root has just made the user and group of the one before it. They may be the only ones that use it later.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn give_from_root(self, file: &File) -> io::Result<()> {
        if !super::is_root() {
            return Ok(());
        }
        let found = file.metadata()?;
        if (found.uid(), found.gid()) == (self.user, self.group) {
            return Ok(());
        }
        std::os::unix::fs::fchown(file, Some(self.user), Some(self.group))
    }
}

/// Gives a file away by its number; who takes it closes it.
pub fn into_descriptor(file: File) -> io::Result<i32> {
    Ok(file.into_raw_fd())
}

/// A file's number, with what it led to: the file, and how that was opened. Who opens the same file in another way has another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    descriptor: i32,
    pub identity: Identity,
    flags: i32,
}

impl Number {
    /// # Errors
    /// When the system does not tell what the file is.
    pub fn of(file: &File) -> io::Result<Self> {
        let descriptor = file.as_raw_fd();
        let flags = flags_of(descriptor).ok_or_else(io::Error::last_os_error)?;
        Ok(Self { descriptor, identity: identity(file)?, flags })
    }

    #[must_use]
    pub const fn descriptor(&self) -> i32 {
        self.descriptor
    }

    /// What `file`, whose number this is, is now; `None` once the number leads elsewhere.
    ///
    /// # Errors
    /// When the look fails, which tells nothing of the number.
    pub(super) fn look(&self, file: &File) -> io::Result<Option<Metadata>> {
        if flags_of(self.descriptor) != Some(self.flags) {
            return Ok(None);
        }
        match file.metadata() {
            Ok(meta) => Ok((identity_of(&meta) == self.identity).then_some(meta)),
            Err(error) if error.raw_os_error() == Some(libc::EBADF) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the number leads to the file still. A look that fails otherwise leaves it at how it was opened.
    #[must_use]
    pub fn is_held(&self) -> bool {
        // SAFETY: looked at only, whatever it is, and never closed.
        let file = ManuallyDrop::new(unsafe { File::from_raw_fd(self.descriptor) });
        self.look(&file).map_or(true, |found| found.is_some())
    }

    /// The file under another number, if it is held.
    ///
    /// # Errors
    /// When it is not, or when there are no descriptors left.
    pub fn duplicate(&self) -> io::Result<File> {
        // SAFETY: a number that is none is refused; a new one is owned by nobody else.
        let copy = unsafe { libc::fcntl(self.descriptor, libc::F_DUPFD_CLOEXEC, 3) };
        if copy < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: as above.
        let file = unsafe { File::from_raw_fd(copy) };
        match Self::of(&file)? {
            Self { identity, flags, .. } if (identity, flags) == (self.identity, self.flags) => Ok(file),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Closes the file by its number, which nobody in this process uses any more, if it is that file's still.
    pub fn close(self) {
        if self.is_held() {
            // SAFETY: closing touches no memory; a number that is none is refused.
            unsafe { libc::close(self.descriptor) };
        }
    }
}

/// Whether the process, or the system, has as many files open as it may.
#[must_use]
pub fn is_want_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

/// How a number's file was opened; `None` where there is none.
fn flags_of(descriptor: i32) -> Option<i32> {
    // SAFETY: asking touches no memory; a number that is none is refused.
    Some(unsafe { libc::fcntl(descriptor, libc::F_GETFL) }).filter(|flags| *flags != -1)
}

/// A process that closed its standard error would get its number for the next file, and what is meant for the console would
/// go there.
pub(super) fn beyond_standard_streams(file: File) -> io::Result<File> {
    if file.as_raw_fd() > 2 {
        return Ok(file);
    }
    // SAFETY: the descriptor is open; a new one is owned by nobody else.
    unsafe {
        match libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 3) {
            -1 => Err(io::Error::last_os_error()),
            copy => Ok(File::from_raw_fd(copy)),
        }
    }
}

/// Creates a directory and its missing parents, with modes as `settle_mode` has them. What exists keeps its mode. Tells what kept
/// a mode from being set, which is no reason not to go on.
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

/// What others may do in `directory`. One that cannot be looked at counts as open to all.
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

/// Whether a file belongs to somebody who is neither this user, nor root, nor the owner of the directory it lies in.
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

/// Takes the exclusive lock of `file`, waiting at most `patience` for the next sign that others take turns (`sign`), and ten
/// times as long in all.
///
/// The longer a process has waited, the more often it asks: whoever came later is less likely to be faster, and nobody starves.
pub fn lock(file: &File, patience: Duration) -> Lock {
    let started = Instant::now();
    let mut pause = SHORTEST_PAUSE;
    let (mut seen, mut at) = (signed(file), started);
    loop {
        // SAFETY: the descriptor is open for as long as `file` is borrowed.
        if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
            return Lock::Held;
        }
        match io::Error::last_os_error().raw_os_error() {
            Some(libc::EWOULDBLOCK) => {
                let waited = started.elapsed();
                if at.elapsed() >= patience {
                    let before = std::mem::replace(&mut seen, signed(file));
                    if seen == before || waited >= patience * 10 {
                        return Lock::TimedOut;
                    }
                    at = Instant::now();
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
                let age = u32::try_from(waited.as_millis() / AGING.as_millis()).unwrap_or(u32::MAX - 1);
                std::thread::sleep((pause / (1 + age)).max(SHORTEST_PAUSE));
            }
            Some(libc::EINTR) => {}
            _ => return Lock::Unsupported,
        }
    }
}

/// Signs a locked file with the time, for those who wait for it.
pub fn sign(file: &File) {
    let now = libc::timespec { tv_sec: 0, tv_nsec: libc::UTIME_NOW };
    // SAFETY: the descriptor is open for as long as `file` is borrowed; two times are given. If it fails, others are just less
    // patient.
    unsafe { libc::futimens(file.as_raw_fd(), [now, now].as_ptr()) };
}

/// The last sign of whoever holds the lock of `file`.
pub fn signed(file: &File) -> Option<(i64, i64)> {
    file.metadata().ok().map(|meta| (meta.mtime(), meta.mtime_nsec()))
}

pub fn unlock(file: &File) {
    // SAFETY: as in `lock`. It cannot fail for a descriptor that is open.
    unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_UN) };
}

/// Brings what was written to a file to the device. What has no device, a terminal for one, has nothing to bring.
pub fn sync_data(file: &File) -> io::Result<()> {
    synced(file.sync_data())
}

/// Brings the names in a directory to the device.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    // A FIFO in its place would hold the opening up for good.
    let flags = libc::O_CLOEXEC | libc::O_DIRECTORY;
    synced(OpenOptions::new().read(true).custom_flags(flags).open(directory)?.sync_all())
}

fn synced(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOTSUP)) => Ok(()),
        result => result,
    }
}

/// Whether a file of this size ends with a newline. What cannot be read counts as ended.
pub fn ends_with_newline(file: &File, size: u64) -> bool {
    use std::os::unix::fs::FileExt;
    let mut last = [b'\n'];
    let _ = file.read_at(&mut last, size - 1);
    last == *b"\n"
}

pub fn is_character_device(meta: &std::fs::Metadata) -> bool {
    meta.file_type().is_char_device()
}

/// Page faults of the calling thread so far; always 0 where they are not counted for a thread.
#[cfg(test)]
pub fn page_faults() -> i64 {
    #[cfg(target_os = "linux")]
    // SAFETY: all zeroes are a valid value, and the pointer is to it.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage);
        usage.ru_minflt
    }
    #[cfg(not(target_os = "linux"))]
    0
}

/// The lowest address and the bytes of the calling thread's stack, its guard aside.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[must_use]
pub fn stack_bounds() -> Option<(usize, usize)> {
    // SAFETY: the attributes are written before they are read, and given back.
    unsafe {
        let mut attributes = std::mem::MaybeUninit::<libc::pthread_attr_t>::uninit();
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return None;
        }
        let (mut lowest, mut bytes, mut guard) = (std::ptr::null_mut(), 0, 0);
        let told = libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut lowest, &raw mut bytes) == 0
            && libc::pthread_attr_getguardsize(attributes.as_ptr(), &raw mut guard) == 0;
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        // Some versions of the C library count the guard as part of it.
        (told && guard < bytes).then(|| (lowest as usize + guard, bytes - guard))
    }
}

/// The lowest address and the bytes of the calling thread's stack.
#[cfg(target_vendor = "apple")]
#[must_use]
pub fn stack_bounds() -> Option<(usize, usize)> {
    // SAFETY: a thread may always ask for its own.
    let (highest, bytes) = unsafe {
        let own = libc::pthread_self();
        (libc::pthread_get_stackaddr_np(own) as usize, libc::pthread_get_stacksize_np(own))
    };
    Some((highest.checked_sub(bytes)?, bytes))
}

/// Not told by this system.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
#[must_use]
pub fn stack_bounds() -> Option<(usize, usize)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_leads_elsewhere_is_neither_read_nor_closed() {
        let directory = tempfile::tempdir().unwrap();
        let open = |name: &str| open_append(&directory.path().join(name), 0o640, true).unwrap().0;
        let own = super::super::OwnFile::new(open("own")).unwrap();
        assert!(own.is_held() && own.look().unwrap().is_some());
        let other = open("other");
        // SAFETY: both are open; the library's file is replaced under its number, as a program may do.
        let number = unsafe { libc::dup2(other.as_raw_fd(), own.as_raw_fd()) };
        assert!(!own.is_held() && own.look().unwrap().is_none());
        drop(own);
        assert!(flags_of(number).is_some());
        // SAFETY: opened just above by `dup2`, and used by nobody else.
        unsafe { libc::close(number) };
    }

    /// Seen to fail (it waits for good) with the directory opened as any file.
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

    #[test]
    fn a_file_opened_in_another_way_is_another() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("own");
        let own = super::super::OwnFile::new(open_append(&path, 0o640, true).unwrap().0).unwrap();
        let other = File::open(&path).unwrap();
        // SAFETY: as above.
        let number = unsafe { libc::dup2(other.as_raw_fd(), own.as_raw_fd()) };
        drop(own);
        assert!(flags_of(number).is_some());
        // SAFETY: as above.
        unsafe { libc::close(number) };
    }
}
