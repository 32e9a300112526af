//! The end of the interpreter. Once all exit hooks have run, other threads are stopped where they take the interpreter
//! back. Until 3.13 they are stopped by `pthread_exit`, which must not pass through Rust. From then on such threads
//! capture without Python code, and a thread that has let go of the interpreter never comes back to it.
//!
//! Until then every thread continues: a hook that runs after this library's may join it. `End` notices that moment.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use pyo3::ffi;
use pyo3::prelude::*;
use unified_logger_core::platform;

use crate::interpreter::gil::{Gil, intern};
use crate::interpreter::pending;

/// How long the end waits for other threads that run Python code, and for an engine that was started after the exit
/// hook.
pub const PATIENCE: Duration = Duration::from_secs(1);
const POLL_PAUSE: Duration = Duration::from_micros(200);

/// Whether all exit hooks have run.
static NEAR: AtomicBool = AtomicBool::new(false);
/// Number of calls that may be running Python code.
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// Number of threads that are about to take the interpreter back.
static COMING: AtomicUsize = AtomicUsize::new(0);
/// The thread that ends the interpreter.
static ENDS: Gil<Option<ThreadId>> = Gil::new(None);
/// The Python function that registers the exit hook again.
static AGAIN: Gil<Option<Py<PyAny>>> = Gil::new(None);

/// Called before anything else ends.
static LAST: Gil<Option<fn(Python<'_>)>> = Gil::new(None);

/// Sets the function that is called once all exit hooks have run, before other threads are kept out.
pub fn set_last(py: Python<'_>, function: fn(Python<'_>)) {
    LAST.replace(py, Some(function));
}

/// Given to `atexit` with the exit hook, and held by nothing else. The interpreter drops its hooks once the last of
/// them has run, and right after that it begins to stop threads.
#[pyclass(frozen)]
pub struct End(());

#[pymethods]
impl End {
    /// `again` registers the exit hook again, with another `End`.
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

/// Whether the hooks were dropped because the interpreter ends. A program can tell `atexit` to run or to forget its
/// hooks and continue. In that case a function of the program is running, and `threading` has not shut down.
fn is_over(py: Python<'_>) -> bool {
    // SAFETY: attached; the frame is borrowed and only compared.
    unsafe { ffi::PyEval_GetFrame() }.is_null()
        || py
            .import(intern!(py, "threading"))
            .and_then(|threading| threading.getattr(intern!(py, "_SHUTTING_DOWN"))?.is_truthy())
            .unwrap_or(false)
}

/// Registers the exit hook again, once `atexit` is done with its list.
fn register_again(py: Python<'_>) {
    let again = AGAIN.held(py);
    if let Some(again) = again {
        pending::call(again);
    }
}

/// Called when all exit hooks have run, on the thread that ends the interpreter. Waits until other calls have left
/// Python, and lets none in again. After its last check this thread keeps the interpreter.
fn begin(py: Python<'_>) {
    if let Some(function) = LAST.copied(py) {
        function(py);
    }
    ENDS.replace(py, Some(thread::current().id()));
    NEAR.store(true, Ordering::SeqCst);
    let started = Instant::now();
    let mut collector = Collector::stop(py);
    // The collector first: its check may run Python code, which lets other threads run.
    while !collector.is_idle(py) || INSIDE.load(Ordering::SeqCst) > 0 || COMING.load(Ordering::SeqCst) > 0 {
        if started.elapsed() >= PATIENCE {
            return;
        }
        py.detach(|| thread::sleep(POLL_PAUSE));
    }
}

/// The collector of cycles, stopped while the value lives. Until 3.11 any allocation may start it, even in a function
/// that runs no Python code itself, and its finalizers are Python code.
struct Collector {
    was_enabled: bool,
    is_idle: bool,
}

impl Collector {
    fn stop(_py: Python<'_>) -> Self {
        // From 3.12 on the collector runs only between instructions.
        // SAFETY: attached.
        let was_enabled = cfg!(not(Py_3_12)) && unsafe { ffi::PyGC_Disable() } != 0;
        Self { was_enabled, is_idle: !was_enabled }
    }

    /// Whether no thread is inside the collector. Once none is, none enters it.
    fn is_idle(&mut self, py: Python<'_>) -> bool {
        // While a thread is inside, no other thread can collect. Otherwise the new cycle is found.
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

/// Makes one cycle and has it collected. Other garbage is left alone: other threads may leave any amount and more while
/// finalizers run. False if nothing was collected.
fn collect_a_cycle(py: Python<'_>) -> PyResult<bool> {
    let gc = py.import(intern!(py, "gc"))?;
    // If a program has frozen objects itself, they stay frozen. Then all young objects are collected.
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

/// Starts the counts of a forked child again: it does not end with its parent, and it lacks the threads whose calls
/// were counted.
pub fn after_fork_in_child() {
    NEAR.store(false, Ordering::SeqCst);
    INSIDE.store(0, Ordering::SeqCst);
    COMING.store(0, Ordering::SeqCst);
}

/// Whether calls of this thread must not run Python code.
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

/// The end waits while the value lives: Python code may run.
pub struct Inside(());

impl Inside {
    pub fn enter() -> Self {
        INSIDE.fetch_add(1, Ordering::SeqCst);
        Self(())
    }

    /// For functions that have no record to save. Near the end, a thread that does not end the interpreter stops here.
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

/// Counts one less, but never below 0: a child forked during a call has started again from 0.
fn leave(counted: &AtomicUsize) {
    let _ = counted.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| count.checked_sub(1));
}

/// Releases the interpreter for `work`. Near the interpreter's end, a thread that does not end it never comes back.
pub fn detached<R: Send>(py: Python<'_>, work: impl FnOnce() -> R + Send) -> R {
    let ends = ends(py);
    let result = py.detach(|| {
        // A panic is passed on after the thread is back.
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

/// Counts this thread as coming back. Either the end sees the count and waits, or this thread sees the end and stays
/// away.
fn come_back() {
    COMING.fetch_add(1, Ordering::SeqCst);
    // If some object kept the `End`, the end was not noticed. The main thread continues in any case.
    if NEAR.load(Ordering::SeqCst) || is_finalizing() && !platform::is_main_thread() {
        leave(&COMING);
        stay_away();
    }
}

/// Waits until the process ends.
fn stay_away() -> ! {
    loop {
        thread::sleep(Duration::from_secs(3_600));
    }
}
