//! The end of the interpreter. Once all exit hooks have run, a thread other than the one that ends it is stopped where it takes the
//! interpreter back, and the way it is stopped (`pthread_exit` until 3.13) must not pass through Rust. So from then on such
//! threads capture what they can without Python code, and whoever has let go of the interpreter never comes back to it.
//!
//! Until then every thread goes on as ever: a hook that runs after ours may join it. `End` tells when that time has come.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use pyo3::ffi;
use pyo3::prelude::*;
use unified_logger_core::platform;

use crate::interpreter::gil::{Gil, intern};
use crate::interpreter::pending;

/// How long the end waits for calls of other threads that run Python code, and for what was started after the exit hook.
pub const PATIENCE: Duration = Duration::from_secs(1);
const POLL_PAUSE: Duration = Duration::from_micros(200);

/// Whether all exit hooks have run.
static NEAR: AtomicBool = AtomicBool::new(false);
/// Calls that may be running Python code now.
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// Threads that are about to take the interpreter back.
static COMING: AtomicUsize = AtomicUsize::new(0);
/// The thread that ends the interpreter.
static ENDS: Gil<Option<ThreadId>> = Gil::new(None);
/// What hands the exit hook over anew.
static AGAIN: Gil<Option<Py<PyAny>>> = Gil::new(None);

/// Called before anything else ends.
static LAST: Gil<Option<fn(Python<'_>)>> = Gil::new(None);

/// Says what is called once all exit hooks have run, before other threads are kept out.
pub fn set_last(py: Python<'_>, function: fn(Python<'_>)) {
    LAST.replace(py, Some(function));
}

/// Handed to `atexit` with our exit hook, and kept by nobody else: the interpreter lets go of its hooks once the last of them has
/// run, and right after that it begins to stop threads.
#[pyclass(frozen)]
pub struct End(());

#[pymethods]
impl End {
    /// `again` registers the exit hook anew, with another one of these.
    #[new]
    fn new(again: Bound<'_, PyAny>) -> Self {
        let py = again.py();
        drop(AGAIN.replace(py, Some(again.unbind())));
        Self(())
    }
}

impl Drop for End {
    fn drop(&mut self) {
        Python::attach(|py| {
            let raised = PyErr::take(py);
            if is_over(py) {
                begin(py);
            } else {
                register_again(py);
            }
            if let Some(raised) = raised {
                raised.restore(py);
            }
        });
    }
}

/// Whether the hooks were let go of because the interpreter ends. `atexit` can be told to run or to forget them by a program that
/// goes on; then a function of that program runs, and `threading` has not shut down.
fn is_over(py: Python<'_>) -> bool {
    // SAFETY: attached; the frame is borrowed and only compared.
    unsafe { ffi::PyEval_GetFrame() }.is_null()
        || py
            .import(intern!(py, "threading"))
            .and_then(|threading| threading.getattr(intern!(py, "_SHUTTING_DOWN"))?.is_truthy())
            .unwrap_or(false)
}

/// Has the exit hook registered anew, once `atexit` is done with its list.
fn register_again(py: Python<'_>) {
    let again = AGAIN.held(py);
    if let Some(again) = again {
        pending::call(again);
    }
}

/// All exit hooks have run, on the thread that ends the interpreter: waits for calls of others to come out of Python, and lets
/// nobody in again. From its last look on this thread keeps the interpreter.
fn begin(py: Python<'_>) {
    if let Some(function) = LAST.copied(py) {
        function(py);
    }
    ENDS.replace(py, Some(thread::current().id()));
    NEAR.store(true, Ordering::SeqCst);
    let started = Instant::now();
    let mut collector = Collector::stop(py);
    // The collector first: its look may run Python code, which lets others go on.
    while !collector.is_idle(py) || INSIDE.load(Ordering::SeqCst) > 0 || COMING.load(Ordering::SeqCst) > 0 {
        if started.elapsed() >= PATIENCE {
            return;
        }
        py.detach(|| thread::sleep(POLL_PAUSE));
    }
}

/// The collector of cycles, stopped while it lives. Until 3.11 any allocation may start it, also one of a function that runs no
/// Python code otherwise, and finalizers that it calls are Python code.
struct Collector {
    was_enabled: bool,
    is_idle: bool,
}

impl Collector {
    fn stop(_py: Python<'_>) -> Self {
        // From 3.12 on it runs between instructions alone.
        // SAFETY: attached.
        let was_enabled = cfg!(not(Py_3_12)) && unsafe { ffi::PyGC_Disable() } != 0;
        Self { was_enabled, is_idle: !was_enabled }
    }

    /// Whether no thread is inside it. Once none is, none comes in.
    fn is_idle(&mut self, py: Python<'_>) -> bool {
        // While one is, it collects nothing for another; else it finds the cycle that was just made.
        self.is_idle = self.is_idle || collect_a_cycle(py).unwrap_or(true);
        self.is_idle
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if self.was_enabled {
            // SAFETY: dropped where it was made, attached. The interpreter collects once more before it takes modules apart.
            unsafe { ffi::PyGC_Enable() };
        }
    }
}

/// Makes garbage in a cycle and has it collected, and nothing else: other threads may have left any amount, and go on leaving more while
/// its finalizers run. False if nothing was.
fn collect_a_cycle(py: Python<'_>) -> PyResult<bool> {
    let gc = py.import(intern!(py, "gc"))?;
    // What a program has set aside itself stays there: then all that is young is collected.
    let sets_aside = gc.call_method0(intern!(py, "get_freeze_count"))?.extract::<usize>()? == 0;
    if sets_aside {
        gc.call_method0(intern!(py, "freeze"))?;
    }
    let found = collect_one_more(py, &gc);
    if sets_aside {
        gc.call_method0(intern!(py, "unfreeze"))?;
    }
    Ok(found? > 0)
}

fn collect_one_more(py: Python<'_>, gc: &Bound<'_, PyModule>) -> PyResult<usize> {
    let cycle = pyo3::types::PyList::empty(py);
    cycle.append(&cycle)?;
    drop(cycle);
    gc.call_method1(intern!(py, "collect"), (0,))?.extract()
}

/// A forked child is not ending because its parent was; calls of threads that it does not have never come out.
pub fn after_fork_in_child() {
    NEAR.store(false, Ordering::SeqCst);
    INSIDE.store(0, Ordering::SeqCst);
    COMING.store(0, Ordering::SeqCst);
}

/// Whether no Python code may be run by a call of this thread.
#[cold]
pub fn is_here(py: Python<'_>) -> bool {
    NEAR.load(Ordering::Relaxed) && !ends(py) || is_finalizing()
}

/// Whether this thread ends the interpreter.
fn ends(py: Python<'_>) -> bool {
    NEAR.load(Ordering::Relaxed) && ENDS.copied(py) == Some(thread::current().id())
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

/// While it lives, the end waits: Python code may run.
pub struct Inside(());

impl Inside {
    pub fn enter() -> Self {
        INSIDE.fetch_add(1, Ordering::SeqCst);
        Self(())
    }

    /// For functions that have nothing to save, unlike calls that log: near the end a thread that does not end the interpreter
    /// goes no further.
    pub fn enter_or_stay(py: Python<'_>) -> Self {
        if NEAR.load(Ordering::Relaxed) && !ends(py) {
            py.detach(|| stay_away());
        }
        Self::enter()
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        leave(&INSIDE);
    }
}

/// A child forked by a call starts anew from 0.
fn leave(counted: &AtomicUsize) {
    let _ = counted.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| count.checked_sub(1));
}

/// Lets go of the interpreter for `work`. Near its end a thread that does not end it stays away for good.
pub fn detached<R: Send>(py: Python<'_>, work: impl FnOnce() -> R + Send) -> R {
    let ends = ends(py);
    let result = py.detach(|| {
        // A panic comes back the same way.
        let result = catch_unwind(AssertUnwindSafe(work));
        if !ends {
            come_back();
        }
        result
    });
    if !ends {
        leave(&COMING);
    }
    result.unwrap_or_else(|payload| resume_unwind(payload))
}

/// Counts this thread as one that comes: either the end sees it and waits, or it sees the end and stays away.
fn come_back() {
    COMING.fetch_add(1, Ordering::SeqCst);
    // Should somebody have kept the `End`, there was no such moment; the main thread goes on in any case.
    if NEAR.load(Ordering::SeqCst) || is_finalizing() && !platform::is_main_thread() {
        leave(&COMING);
        stay_away();
    }
}

/// The process ends without this thread.
fn stay_away() -> ! {
    loop {
        thread::sleep(Duration::from_secs(3_600));
    }
}
