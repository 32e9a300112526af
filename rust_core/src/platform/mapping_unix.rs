//! Memory that outlives the process, who owns it, and noticing a fork.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Identity, beyond_standard_streams};

/// Pages of memory, given back when dropped.
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: a mapping is plain memory; who may touch which part of it is its user's affair.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Zeroed memory of this process alone; only touched pages cost any.
    ///
    /// # Errors
    /// When the system has none.
    pub fn anonymous(length: usize) -> io::Result<Self> {
        Self::map(length, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE, -1, 0)
    }

    /// `length` bytes of a file from `offset` on: what is stored there is the file's at once, and stays when the process is
    /// killed. The bytes must have been reserved: storing into a hole of a full disk would end the process.
    ///
    /// # Errors
    /// When the file cannot be mapped.
    pub fn shared(file: &File, offset: usize, length: usize) -> io::Result<Self> {
        Self::map(length, libc::MAP_SHARED, file.as_raw_fd(), offset)
    }

    fn map(length: usize, flags: i32, descriptor: i32, offset: usize) -> io::Result<Self> {
        let offset = libc::off_t::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        // SAFETY: a new mapping at an address of the system's choice touches no memory in use.
        let start = unsafe {
            libc::mmap(ptr::null_mut(), length, libc::PROT_READ | libc::PROT_WRITE, flags, descriptor, offset)
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, length })
    }

    /// Has the system provide a part of the memory now, as if it were written to; what is there stays. Where a system cannot, it
    /// does so at the first use, as ever.
    pub fn populate(&self, offset: usize, length: usize) {
        #[cfg(target_os = "linux")]
        {
            // A multiple of every page size there is.
            const PAGES: usize = 1 << 16;
            let from = offset / PAGES * PAGES;
            let until = (offset + length).next_multiple_of(PAGES).min(self.length);
            if from < until {
                // SAFETY: within the mapping; no content changes.
                unsafe { libc::madvise(self.start.as_ptr().add(from).cast(), until - from, libc::MADV_POPULATE_WRITE) };
            }
        }
        #[cfg(not(target_os = "linux"))]
        let _ = (offset, length);
    }

    #[must_use]
    pub fn start(&self) -> NonNull<u8> {
        self.start
    }

    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// The memory itself, for whoever makes a mapping of it again to give it back.
    #[must_use]
    pub fn into_start(self) -> NonNull<u8> {
        std::mem::ManuallyDrop::new(self).start
    }

    /// A mapping again.
    ///
    /// # Safety
    /// `start` came from `into_start` of a mapping of this length, and only this one is made of it.
    #[must_use]
    pub unsafe fn from_start(start: NonNull<u8>, length: usize) -> Self {
        Self { start, length }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `map`, and unmapped only here.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

/// Gives a file real room for `length` bytes.
///
/// # Errors
/// When there is not as much.
pub fn reserve(file: &File, length: u64) -> io::Result<()> {
    let length = libc::off_t::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?;
    #[cfg(not(target_vendor = "apple"))]
    loop {
        // SAFETY: the descriptor is open. File systems that cannot reserve are written to by the C library.
        match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, length) } {
            0 => return Ok(()),
            libc::EINTR => {}
            error => return Err(io::Error::from_raw_os_error(error)),
        }
    }
    #[cfg(target_vendor = "apple")]
    {
        use std::io::Write;
        let mut left = length.unsigned_abs() as usize;
        let zeros = [0; 1 << 16];
        let mut file = file;
        while left > 0 {
            left -= file.write(&zeros[..left.min(zeros.len())])?;
        }
        Ok(())
    }
}

/// Writes all of `bytes` at a place of a file.
///
/// # Errors
/// When the system refuses.
pub fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

/// Reads up to as many bytes as `bytes` holds from a place of a file; tells how many there were.
///
/// # Errors
/// When the system refuses.
pub fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < bytes.len() {
        match std::os::unix::fs::FileExt::read_at(file, &mut bytes[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Opens a file that belongs to this process's user alone. `create` makes it, and refuses one that is there.
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
    // A umask may take away from the owner as well.
    if create && file.metadata()?.mode() & 0o600 != 0o600 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Opens a file to look at it, without waiting for whatever it may be.
///
/// # Errors
/// When it cannot be opened, or is a link.
pub fn open_to_read(path: &Path) -> io::Result<File> {
    let flags = libc::O_CLOEXEC | libc::O_NOFOLLOW | libc::O_NONBLOCK;
    OpenOptions::new().read(true).custom_flags(flags).open(path).and_then(beyond_standard_streams)
}

/// Makes sure that a directory is there that only this process's user may enter, and no link.
///
/// # Errors
/// When it cannot be made, or is another's.
pub fn private_directory(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let meta = path.symlink_metadata()?;
    if meta.is_dir() && is_mine(&meta) && !others_may_write(&meta) {
        // A umask may take away from the owner as well.
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

/// Whether users other than a file's owner may write to it, or make names in it where it is a directory.
#[must_use]
pub fn others_may_write(meta: &std::fs::Metadata) -> bool {
    meta.mode() & 0o022 != 0
}

/// Runs `work` with the rights on files that the owner of a file has, and with none of this process's own: so that what that
/// user has laid in the way leads to nothing that the user could not reach. For root only.
///
/// It runs on a thread of its own, which ends with those rights: there is nothing to give back, to a process that may have changed its
/// user meanwhile.
///
/// # Errors
/// When the rights, or the thread, are not to be had; then `work` did not run.
#[cfg(target_os = "linux")]
pub fn with_rights_of<R: Send>(meta: &std::fs::Metadata, work: impl FnOnce() -> R + Send) -> io::Result<R> {
    let (user, group) = (meta.uid(), meta.gid());
    // The system takes the right to dump core from a process one of whose threads changes its user.
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
    /// No user's number: asking for it changes nothing and tells the present one.
    const NOBODY: u32 = u32::MAX;
    // Of this thread alone: the function of the C library sets the groups of all threads.
    // SAFETY: no number is told, and none is read.
    if unsafe { libc::syscall(libc::SYS_setgroups, 0, ptr::null::<libc::gid_t>()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // The user last: with it go the rights to change the rest.
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

/// The locks of a box: bytes of its file, so that nobody waits for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoxLock {
    /// Held by a process to show that it lives and that the box is its own. Every kind of death and `exec` give it back.
    Owner = 0,
    /// Held by the one process that recovers the box.
    Recovery = 1,
}

/// Takes a lock of a box. False when somebody has it.
///
/// It belongs to the open file, so that a process may read its own boxes without losing them. A forked child shares the open file:
/// it closes its copy, see `Number::close`. Where a system has no such locks, the lock belongs to the process: then closing any
/// descriptor of the file gives it back.
///
/// # Errors
/// When the file system has no locks.
pub fn lock_box(file: &File, which: BoxLock) -> io::Result<bool> {
    // SAFETY: an all-zero `flock` is valid.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_WRLCK as _;
    lock.l_whence = libc::SEEK_SET as _;
    lock.l_start = which as _;
    lock.l_len = 1;
    // SAFETY: the descriptor is open; `lock` outlives the call.
    let ask = |command| match unsafe { libc::fcntl(file.as_raw_fd(), command, &raw const lock) } {
        0 => Ok(true),
        _ => Err(io::Error::last_os_error()),
    };
    #[cfg(target_os = "linux")]
    let asked = match ask(libc::F_OFD_SETLK) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => ask(libc::F_SETLK),
        asked => asked,
    };
    #[cfg(not(target_os = "linux"))]
    let asked = ask(libc::F_SETLK);
    match asked {
        Err(error) if matches!(error.raw_os_error(), Some(libc::EACCES | libc::EAGAIN)) => Ok(false),
        asked => asked,
    }
}

/// What numbers of processes are counted in; `None` where that is not known.
#[must_use]
pub fn process_namespace() -> Option<u64> {
    Path::new("/proc/self/ns/pid").metadata().ok().map(|meta| meta.ino())
}

/// Whether no process has this number.
#[must_use]
pub fn is_no_process(id: u32) -> bool {
    let Ok(id) = libc::pid_t::try_from(id) else { return false };
    // SAFETY: the signal 0 is never sent.
    id > 0 && unsafe { libc::kill(id, 0) } == -1 && io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH)
}

/// When a process began, in the system's own count; `None` where that is not known.
#[must_use]
pub fn birth_of_process(id: u32) -> Option<u64> {
    let told = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // Behind the name, which may hold anything: the 22nd number, of which the third is the first there.
    told.rsplit(')').next()?.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// Whether a process has a file mapped.
///
/// # Errors
/// When that is not to be known: another user's process, or one that changed its user.
pub fn maps(process: u32, file: Identity, name: &str) -> io::Result<bool> {
    let inode = file.inode.to_string();
    // Names of other files may be no text. The device that stands there is another than that of the file where a file system has
    // volumes: the name tells more.
    let is_it = |line: &[u8]| {
        let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        words.nth(4) == Some(inode.as_bytes()) && line.rsplit(|byte| *byte == b'/').next() == Some(name.as_bytes())
    };
    match std::fs::read(format!("/proc/{process}/maps")) {
        Ok(maps) => Ok(maps.split(|byte| *byte == b'\n').any(is_it)),
        Err(error) if error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What tells a directory from every other, also from one that is later made at the same path or with the same number: its
/// identity, and when it was made where the system knows.
///
/// # Errors
/// When it cannot be looked at.
pub fn birth(directory: &Path) -> io::Result<[u64; 3]> {
    let meta = directory.metadata()?;
    let born = meta.created().ok().and_then(|born| born.duration_since(std::time::UNIX_EPOCH).ok());
    let born = born.map_or(0, |born| u64::try_from(born.as_nanos()).unwrap_or(0));
    Ok([meta.dev(), meta.ino(), born])
}

/// Shared memory of this user, where the system has it.
#[must_use]
pub fn shared_memory_directory() -> Option<PathBuf> {
    // SAFETY: always succeeds.
    let user = unsafe { libc::geteuid() };
    let parent = Path::new("/dev/shm");
    parent.is_dir().then(|| parent.join(format!("unified_logger-{user}")))
}

/// Whether shared memory goes when this process's container does: then it is no place for what must outlive a crash. A box beside
/// the logs is right everywhere, so a doubtful sign counts.
#[must_use]
pub fn is_in_container() -> bool {
    const FILES: [&str; 3] = ["/.dockerenv", "/run/.containerenv", "/run/systemd/container"];
    const VARIABLES: [&str; 5] = [
        "KUBERNETES_SERVICE_HOST",
        "container",
        "ECS_CONTAINER_METADATA_URI",
        "ECS_CONTAINER_METADATA_URI_V4",
        "K_SERVICE",
    ];
    FILES.iter().any(|path| Path::new(path).exists())
        || VARIABLES.iter().any(|name| std::env::var_os(name).is_some())
        || has_namespaces_of_its_own()
        || std::fs::read_to_string("/proc/self/mountinfo").is_ok_and(|mounts| has_root_of_layers(&mounts))
}

/// Whether processes or shared memory are counted apart from those of the machine, whose namespaces have fixed numbers
/// (`include/linux/proc_ns.h`).
fn has_namespaces_of_its_own() -> bool {
    [("pid", 0xEFFF_FFFC), ("ipc", 0xEFFF_FFFF)].into_iter().any(|(kind, of_the_machine)| {
        Path::new("/proc/self/ns").join(kind).metadata().is_ok_and(|meta| meta.ino() != of_the_machine)
    })
}

/// Whether the root directory is made of layers, as those of images are.
fn has_root_of_layers(mounts: &str) -> bool {
    mounts.lines().any(|mount| {
        let mut parts = mount.split(" - ");
        let at = parts.next().and_then(|front| front.split(' ').nth(4));
        let kind = parts.next().and_then(|back| back.split(' ').next());
        at == Some("/") && matches!(kind, Some("overlay" | "aufs" | "fuse-overlayfs" | "fuse.fuse-overlayfs"))
    })
}

/// One word, zeroed in every forked child, whoever forks it and how.
struct ForkGuard(NonNull<AtomicU32>);

// SAFETY: the word is atomic and never freed.
unsafe impl Send for ForkGuard {}
// SAFETY: as above.
unsafe impl Sync for ForkGuard {}

static FORK_GUARD: OnceLock<ForkGuard> = OnceLock::new();
/// Where the system zeroes nothing, a handler of the C library does.
static FALLBACK: AtomicU32 = AtomicU32::new(0);

impl ForkGuard {
    fn new() -> Self {
        Self::wiped_by_the_system().unwrap_or_else(|| {
            extern "C" fn wipe() {
                FALLBACK.store(0, Ordering::Relaxed);
            }
            // SAFETY: the handler only stores a number.
            unsafe { libc::pthread_atfork(None, None, Some(wipe)) };
            Self(NonNull::from(&FALLBACK))
        })
    }

    #[cfg(target_os = "linux")]
    fn wiped_by_the_system() -> Option<Self> {
        let page = Mapping::anonymous(4_096).ok()?;
        // SAFETY: the page was mapped just above.
        if unsafe { libc::madvise(page.start().as_ptr().cast(), 4_096, libc::MADV_WIPEONFORK) } != 0 {
            return None;
        }
        let word = page.start().cast();
        std::mem::forget(page);
        Some(Self(word))
    }

    #[cfg(not(target_os = "linux"))]
    fn wiped_by_the_system() -> Option<Self> {
        None
    }

    #[inline]
    fn word(&self) -> &AtomicU32 {
        // SAFETY: aligned (the start of a page, or a static), zeroed, never freed.
        unsafe { self.0.as_ref() }
    }
}

/// Starts noticing forks: from now on `has_forked` is false, in children of this process true.
pub fn notice_forks() {
    FORK_GUARD.get_or_init(ForkGuard::new).word().store(1, Ordering::Relaxed);
}

/// Whether this process was forked since `notice_forks`.
#[inline]
#[must_use]
pub fn has_forked() -> bool {
    FORK_GUARD.get().is_some_and(|guard| guard.word().load(Ordering::Relaxed) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forked_child_notices() {
        notice_forks();
        assert!(!has_forked());
        // SAFETY: the child only looks at memory, then ends at once.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::_exit(i32::from(!has_forked()));
            }
            let mut status = 0;
            libc::waitpid(child, &raw mut status, 0);
            assert_eq!(status, 0);
        }
    }

    #[test]
    fn who_reads_a_box_of_its_own_keeps_its_lock() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("box");
        let file = open_private(&path, true).unwrap();
        assert!(lock_box(&file, BoxLock::Owner).unwrap());
        assert!(std::fs::read(&path).unwrap().is_empty());
        let another = open_private(&path, false).unwrap();
        assert!(!lock_box(&another, BoxLock::Owner).unwrap());
        assert!(lock_box(&another, BoxLock::Recovery).unwrap());
        drop(file);
        assert!(lock_box(&another, BoxLock::Owner).unwrap());
    }

    #[test]
    fn a_root_of_layers_is_told_by_its_mount() {
        let of_layers =
            "30 1 0:5 / /proc rw - proc proc rw\n31 1 0:50 / / rw,relatime - overlay overlay rw,lowerdir=/a - b";
        let of_a_disk = "31 1 8:1 / / rw - ext4 /dev/sda1 rw\n32 31 0:50 / /mnt rw shared:1 - overlay overlay rw";
        assert!(has_root_of_layers(of_layers));
        assert!(!has_root_of_layers(of_a_disk));
    }

    #[test]
    fn only_a_number_that_no_process_has_is_none() {
        assert!(!is_no_process(std::process::id()));
        assert!(!is_no_process(1));
        assert!(!is_no_process(0));
        assert!(is_no_process(i32::MAX as u32));
    }

    #[test]
    fn what_is_stored_in_a_mapping_is_the_files() {
        let directory = tempfile::tempdir().unwrap();
        let file = open_private(&directory.path().join("box"), true).unwrap();
        reserve(&file, 8_192).unwrap();
        let identity = super::super::identity(&file).unwrap();
        let mapping = Mapping::shared(&file, 4_096, 4_096).unwrap();
        assert!(maps(std::process::id(), identity, "box").unwrap());
        assert!(!maps(std::process::id(), identity, "other").unwrap());
        assert!(!maps(u32::MAX, identity, "box").unwrap());
        // SAFETY: within the mapping.
        unsafe { mapping.start().add(904).write(7) };
        assert_eq!(std::fs::read(directory.path().join("box")).unwrap()[5_000], 7);
    }
}
