//! The end of the interpreter. Once it is near, a thread other than the one that ends it may be stopped wherever Python code runs
//! or the interpreter is taken back, and the way it is stopped (`pthread_exit` until 3.13) must not pass through Rust. So from
//! the exit hook on such threads capture what they can without Python code, and never come back to the interpreter once
//! they have let go of it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use crate::gil::Gil;

/// How long the exit hook waits for calls of other threads that run Python code.
const PATIENCE: Duration = Duration::from_secs(1);

static NEAR: AtomicBool = AtomicBool::new(false);
/// Calls that may be running Python code now.
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// The thread that ends the interpreter.
static ENDS: Gil<Option<ThreadId>> = Gil::new(None);

/// Tells that the interpreter is about to end, on the thread that ends it, and waits for calls of others to come out of Python.
pub fn begin(py: Python<'_>) {
    // SAFETY: replaced at once.
    unsafe { *ENDS.get(py) = Some(thread::current().id()) };
    NEAR.store(true, Ordering::SeqCst);
    let started = Instant::now();
    while INSIDE.load(Ordering::SeqCst) > 0 && started.elapsed() < PATIENCE {
        py.detach(|| thread::sleep(Duration::from_micros(200)));
    }
}

/// A forked child is not ending because its parent was; calls of threads that it does not have never come out.
pub fn after_fork_in_child() {
    NEAR.store(false, Ordering::SeqCst);
    INSIDE.store(0, Ordering::SeqCst);
}

/// Whether no Python code may be run by a call of this thread.
#[cold]
pub fn is_here(py: Python<'_>) -> bool {
    // SAFETY: looked at only.
    NEAR.load(Ordering::Relaxed) && unsafe { *ENDS.get(py) } != Some(thread::current().id()) || is_finalizing()
}

fn is_finalizing() -> bool {
    #[cfg(Py_3_13)]
    // SAFETY: may be called at any time.
    return unsafe { pyo3::ffi::Py_IsFinalizing() } != 0;
    #[cfg(not(Py_3_13))]
    {
        unsafe extern "C" {
            fn _Py_IsFinalizing() -> std::ffi::c_int;
        }
        // SAFETY: as above.
        unsafe { _Py_IsFinalizing() != 0 }
    }
}

/// While it lives, the exit hook waits: Python code may run.
pub struct Inside(());

impl Inside {
    pub fn enter() -> Self {
        INSIDE.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        // A child forked by a call starts anew from 0.
        let _ = INSIDE.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |inside| inside.checked_sub(1));
    }
}

/// Lets go of the interpreter for `work`. Near its end a thread that does not end it stays away for good.
pub fn detached<R: Send>(py: Python<'_>, work: impl FnOnce() -> R + Send) -> R {
    // SAFETY: looked at only.
    let ends = unsafe { *ENDS.get(py) } == Some(thread::current().id());
    py.detach(move || {
        let result = work();
        if NEAR.load(Ordering::SeqCst) && !ends {
            stay_away();
        }
        result
    })
}

/// The process ends without this thread.
fn stay_away() -> ! {
    loop {
        thread::sleep(Duration::from_secs(3_600));
    }
}
