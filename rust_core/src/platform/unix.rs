//! Unix through libc, not raw system calls, so that preload shims and `faketime` act on them.

use std::ffi::CString;
use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Exposure, Identity, Lock};

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

/// Opens a log file for appending, creating it with exactly `mode`, whatever the umask takes away (it may never add).
/// With `follow` false a symbolic link is refused.
pub fn open_append(path: &Path, mode: u32, follow: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // Non-blocking only for the opening, so that a FIFO nobody reads cannot hold it up.
    let flags = libc::O_CLOEXEC | libc::O_NONBLOCK | if follow { 0 } else { libc::O_NOFOLLOW };
    options.append(true).read(true).mode(mode).custom_flags(flags);
    match options.clone().create_new(true).open(path) {
        Ok(file) => {
            file.set_permissions(Permissions::from_mode(mode))?;
            beyond_standard_streams(file)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            options.create(true).open(path).and_then(beyond_standard_streams)
        }
        Err(error) => Err(error),
    }
}

/// Gives a file away by its number; who takes it closes it.
pub fn into_descriptor(file: File) -> io::Result<i32> {
    Ok(file.into_raw_fd())
}

/// A file's number.
pub fn descriptor(file: &File) -> i32 {
    file.as_raw_fd()
}

/// Closes a file by its number, which nobody uses any more.
pub fn close(descriptor: i32) {
    // SAFETY: closing touches no memory; a number that is none is refused.
    unsafe { libc::close(descriptor) };
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

/// Creates a directory and its missing parents with exactly `mode`, whatever the umask takes away. What exists keeps its mode.
pub fn create_directories(path: &Path, mode: u32) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_directories(parent, mode)?;
    }
    match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => {
            // A directory inherits the bit for its group from the one it lies in.
            let inherited = path.symlink_metadata()?.mode() & 0o7000;
            std::fs::set_permissions(path, Permissions::from_mode(inherited | mode))
        }
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
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
    let meta = file.metadata()?;
    Ok(Identity { device: meta.dev(), inode: meta.ino() })
}

pub fn identity_at(path: &Path) -> io::Result<Identity> {
    let meta = path.metadata()?;
    Ok(Identity { device: meta.dev(), inode: meta.ino() })
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

fn signed(file: &File) -> Option<(i64, i64)> {
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
    synced(File::open(directory)?.sync_all())
}

fn synced(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOTSUP)) => Ok(()),
        result => result,
    }
}

/// Writes to the process's own standard error, as far as it takes it within a second.
pub fn write_stderr(bytes: &[u8]) -> io::Result<()> {
    let started = Instant::now();
    // What is ready takes so much without blocking: the least size of an atomic write to a pipe.
    for piece in bytes.chunks(512) {
        while !is_writable(2, Duration::from_millis(100)) {
            if started.elapsed() >= Duration::from_secs(1) {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        write_stderr_patiently(piece)?;
    }
    Ok(())
}

/// Writes to the process's own standard error, all of it or until it fails, however long it takes.
pub fn write_stderr_patiently(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        // SAFETY: the slice is valid for reads of its length.
        let written = unsafe { libc::write(2, bytes.as_ptr().cast(), bytes.len()) };
        if written < 0 {
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::EAGAIN) => {
                    is_writable(2, Duration::from_millis(100));
                }
                _ => return Err(error),
            }
        } else {
            bytes = &bytes[written.unsigned_abs()..];
        }
    }
    Ok(())
}

/// Whether a descriptor takes bytes (or fails at once), waiting for it.
fn is_writable(descriptor: i32, patience: Duration) -> bool {
    let mut poll = libc::pollfd { fd: descriptor, events: libc::POLLOUT, revents: 0 };
    // SAFETY: one valid pollfd.
    unsafe { libc::poll(&raw mut poll, 1, i32::try_from(patience.as_millis()).unwrap_or(i32::MAX)) > 0 }
}

/// Whether a file of this size ends with a newline. What cannot be read counts as ended.
pub fn ends_with_newline(file: &File, size: u64) -> bool {
    use std::os::unix::fs::FileExt;
    let mut last = [b'\n'];
    let _ = file.read_at(&mut last, size - 1);
    last == *b"\n"
}

pub fn is_character_device(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
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
