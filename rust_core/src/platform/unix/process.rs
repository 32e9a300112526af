//! Processes and threads: their numbers, when they began, and the clock.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::platform::Identity;

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

/// Lets this thread have a processor and the disk only while nobody else wants them, as far as the system does that.
#[cfg(target_os = "linux")]
pub fn yield_to_others() {
    /// `IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0)` and `IOPRIO_WHO_PROCESS`, which the C library does not name.
    const IDLE: libc::c_int = 3 << 13;
    const THREAD: libc::c_int = 1;
    let none = libc::sched_param { sched_priority: 0 };
    // SAFETY: both are about the calling thread, and the first reads the parameters that it is given. Where they are refused, it stays as it is.
    unsafe {
        libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const none);
        libc::syscall(libc::SYS_ioprio_set, THREAD, 0, IDLE);
    }
}

#[cfg(not(target_os = "linux"))]
pub fn yield_to_others() {}

/// How the system schedules the calling thread, for tests; 0 where that is not asked.
#[cfg(test)]
pub fn scheduling() -> i32 {
    #[cfg(target_os = "linux")]
    // SAFETY: about the calling thread; nothing is read or written.
    return unsafe { libc::sched_getscheduler(0) };
    #[cfg(not(target_os = "linux"))]
    0
}

#[cfg(test)]
pub fn assert_yielding(scheduling: i32) {
    #[cfg(target_os = "linux")]
    assert_eq!(scheduling, libc::SCHED_IDLE);
    #[cfg(not(target_os = "linux"))]
    assert_eq!(scheduling, 0);
}

/// The calling thread's number, if `has_thread` can search for it on this system, otherwise 0.
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

/// Whether the calling thread is the process's first. False if that is not known.
#[must_use]
pub fn is_main_thread() -> bool {
    thread_id() == process_id()
}

/// The namespace of process numbers. `None` if it is not known.
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

/// When a process began, in the system's own count. `None` if that is not known.
#[must_use]
pub fn birth_of_process(id: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The search begins behind the name, which may hold anything. The time is field 22, and the first field there is
    // field 3.
    stat.rsplit(')').next()?.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// Whether a process has a file mapped.
///
/// # Errors
/// When the system does not say, for a process of another user or a process that changed its user.
pub fn maps(process: u32, file: Identity, name: &str) -> io::Result<bool> {
    let inode = file.inode.to_string();
    // Names of other files may be no text. The name is compared, and not the device, which differs on file systems
    // with volumes.
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

/// Page faults of the calling thread so far. Always 0 on systems that do not count them for a thread.
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
        let known = libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut lowest, &raw mut bytes) == 0
            && libc::pthread_attr_getguardsize(attributes.as_ptr(), &raw mut guard) == 0;
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        // Some versions of the C library count the guard as part of it.
        (known && guard < bytes).then(|| (lowest as usize + guard, bytes - guard))
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

/// This system does not report it.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
#[must_use]
pub fn stack_bounds() -> Option<(usize, usize)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_number_that_no_process_has_is_none() {
        assert!(!is_no_process(std::process::id()));
        assert!(!is_no_process(1));
        assert!(!is_no_process(0));
        assert!(is_no_process(i32::MAX as u32));
    }
}
