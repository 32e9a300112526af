//! Noticing a fork.

use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

#[cfg(target_os = "linux")]
use super::Mapping;

/// One word that is zeroed in every forked child, however it is forked.
struct ForkGuard(NonNull<AtomicU32>);

// SAFETY: the word is atomic and never freed.
unsafe impl Send for ForkGuard {}

// SAFETY: as above.
unsafe impl Sync for ForkGuard {}

static FORK_GUARD: OnceLock<ForkGuard> = OnceLock::new();
/// The word on systems that cannot zero memory at a fork. A handler of the C library zeroes it.
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

/// Starts noticing forks. From now on `has_forked` is false here, and true in children of this process.
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
}
