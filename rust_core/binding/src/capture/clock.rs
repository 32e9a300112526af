//! The time of a call: the system's time, or the time of `time` while a package stops or moves the clocks of a program
//! under test.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use unified_logger_core::clock;

use crate::interpreter::ending;
use crate::interpreter::gil::{Gil, intern, let_go_of_dropped};
use crate::interpreter::interrupt;

/// Whether a package that moves the application's clock is loaded.
static MOVES: Gil<bool> = Gil::new(false);
/// How long an answer is trusted, in nanoseconds. Loading such a package and moving a clock with it takes longer.
const PAUSE: u64 = 5_000_000;
/// When the clock was last checked for such a package.
static LAST_READ: Gil<i64> = Gil::new(0);
/// How many modules were loaded at the last check.
static MODULES: Gil<ffi::Py_ssize_t> = Gil::new(0);
/// A Python function that returns the application's time.
static ASKS: Gil<Option<Py<PyAny>>> = Gil::new(None);

/// Sets the function that returns the time of `time`, in nanoseconds since the epoch.
#[pyfunction]
pub fn set_asked_time(function: Bound<'_, PyAny>) {
    let py = function.py();
    drop(ASKS.replace(py, Some(function.unbind())));
}

/// Nanoseconds since the epoch, UTC.
#[inline]
pub fn now(py: Python<'_>) -> i64 {
    match clock::estimate() {
        Some(time) => time,
        None => read(py),
    }
}

/// Where the processor's counter is of no use, every call comes here.
fn read(py: Python<'_>) -> i64 {
    let time = clock::read();
    // SAFETY: a flag and a number.
    let (moves, last_read) = unsafe { (*MOVES.get(py), *LAST_READ.get(py)) };
    if !moves && (time - last_read).unsigned_abs() < PAUSE { time } else { read_closely(py, time) }
}

#[cold]
#[inline(never)]
fn read_closely(py: Python<'_>, time: i64) -> i64 {
    if ending::is_here(py) || clock::is_stopped() {
        return time;
    }
    LAST_READ.replace(py, time);
    let asked = if moves(py) { asked(py) } else { None };
    asked.inspect(|asked| clock::follow(*asked)).unwrap_or(time)
}

/// Checks whether clocks may be moved, as reading the clock does by itself.
pub fn expect_moves(py: Python<'_>) {
    if !ending::is_here(py) {
        moves(py);
    }
}

/// Whether clocks may be moved. Once they may, each call checks them.
fn moves(py: Python<'_>) -> bool {
    // SAFETY: a flag and a number. The dictionary of modules exists until the interpreter ends.
    let (known, modules) = unsafe {
        let modules = ffi::PyImport_GetModuleDict();
        let count = ffi::PyDict_Size(modules);
        if *MOVES.get(py) {
            return true;
        }
        (std::mem::replace(&mut *MODULES.get(py), count) == count, modules)
    };
    // SAFETY: as above.
    !known && unsafe { Bound::from_borrowed_ptr(py, modules) }.cast::<PyDict>().is_ok_and(|modules| notice(modules))
}

/// `freezegun` exchanges the functions of `time`, `time_machine` patches them. Neither announces it, so a loaded
/// package is the sign.
#[cold]
fn notice(modules: &Bound<'_, PyDict>) -> bool {
    let py = modules.py();
    let _inside = ending::Inside::enter();
    let moves = [intern!(py, "freezegun"), intern!(py, "time_machine")]
        .into_iter()
        .any(|name| interrupt::ok(py, modules.contains(name)).unwrap_or(false));
    if moves {
        MOVES.replace(py, true);
        clock::expect_moves();
    }
    moves
}

/// The time of `time`.
fn asked(py: Python<'_>) -> Option<i64> {
    // SAFETY: looked at and counted only.
    let function = unsafe { &*ASKS.get(py) }.as_ref()?.clone_ref(py).into_bound(py);
    let inside = ending::Inside::enter();
    let time = interrupt::ok(py, function.call0().and_then(|time| time.extract()));
    drop(function);
    drop(inside);
    let_go_of_dropped();
    time
}
