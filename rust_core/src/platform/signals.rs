//! Which threads the system may hand a signal of the process to.

#[cfg(unix)]
use std::mem::MaybeUninit;

/// Those that a thread gets for what it did itself: held back they would end the process with nobody asked.
#[cfg(unix)]
const OF_THE_THREAD: [libc::c_int; 7] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGABRT, libc::SIGSYS];

/// While this value lives, this thread holds back the signals of the process. Threads that it starts hold them back
/// for ever.
#[cfg(unix)]
pub struct SignalsHeldBack(libc::sigset_t);

#[cfg(unix)]
impl SignalsHeldBack {
    #[must_use]
    pub fn here() -> Option<Self> {
        let (mut held, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        // SAFETY: the first set is filled before it is changed and read; the second is filled where the call succeeds.
        unsafe {
            libc::sigfillset(held.as_mut_ptr());
            for signal in OF_THE_THREAD {
                libc::sigdelset(held.as_mut_ptr(), signal);
            }
            let done = libc::pthread_sigmask(libc::SIG_SETMASK, held.as_ptr(), before.as_mut_ptr()) == 0;
            done.then(|| Self(before.assume_init()))
        }
    }
}

#[cfg(unix)]
impl Drop for SignalsHeldBack {
    fn drop(&mut self) {
        // SAFETY: the set from before. Signals that were held back are delivered now.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut()) };
    }
}

#[cfg(not(unix))]
pub struct SignalsHeldBack;

#[cfg(not(unix))]
impl SignalsHeldBack {
    /// There are none.
    #[must_use]
    pub fn here() -> Option<Self> {
        None
    }
}
