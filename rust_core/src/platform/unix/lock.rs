//! Locks: that of a log directory, and those of a box.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use crate::platform::Lock;

/// The pauses between attempts to take a lock. They grow at first, so that a short wait stays short and a longer wait
/// costs little. Then they shrink with the age of the wait.
const SHORTEST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(1);
/// After this long a pause is half as long, after twice this a third, and so on.
const AGING: Duration = Duration::from_millis(10);

/// Takes the exclusive lock of `file`, waiting at most `patience` for the next sign that others take turns (`sign`), and ten
/// times as long in all.
///
/// The longer a process has waited, the more often it asks. So a process that came later is less likely to be faster,
/// and no process starves.
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

/// The last sign of a holder of the lock of `file`.
pub fn signed(file: &File) -> Option<(i64, i64)> {
    file.metadata().ok().map(|meta| (meta.mtime(), meta.mtime_nsec()))
}

pub fn unlock(file: &File) {
    // SAFETY: as in `lock`. It cannot fail for a descriptor that is open.
    unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_UN) };
}

/// The locks of a box. They are different bytes of its file, so that taking one never waits for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoxLock {
    /// Held by the owner, to show that it lives. Every kind of death releases it, and so does `exec`.
    Owner = 0,
    /// Held by the one process that recovers the box.
    Recovery = 1,
}

/// Takes a lock of a box. False if another process has it.
///
/// The lock belongs to the open file, so that a process may read its own boxes without losing their locks. A forked
/// child shares the open file, and closes its copy; see `Number::close`. On systems without such locks, the lock
/// belongs to the process, and closing any descriptor of the file releases it.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::open_private;

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
}
