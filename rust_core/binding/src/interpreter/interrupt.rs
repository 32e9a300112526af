//! Exceptions for the program that arrive during a logging call: Ctrl-C, `sys.exit` of a signal handler, the end of a
//! green thread. The record is written first, then the call raises them.

use std::thread::{self, ThreadId};

use pyo3::exceptions::PyException;
use pyo3::prelude::*;

use crate::interpreter::gil::Gil;

/// At most one for each thread.
static HELD: Gil<Vec<(ThreadId, PyErr)>> = Gil::new(Vec::new());

/// Keeps an exception that was raised during a capture. An `Exception` is not kept: it is a fault of the captured
/// value.
#[cold]
pub fn hold(py: Python<'_>, error: &PyErr) {
    if error.is_instance_of::<PyException>(py) {
        return;
    }
    let (thread, error) = (thread::current().id(), error.clone_ref(py));
    // SAFETY: no Python code runs while the reference lives.
    let held = unsafe { &mut *HELD.get(py) };
    if held.iter().all(|(other, _)| *other != thread) {
        held.push((thread, error));
    }
}

/// The answer of Python code, if it returned. A raised exception is held back if it is for the program.
#[inline]
pub fn ok<T>(py: Python<'_>, answer: PyResult<T>) -> Option<T> {
    match answer {
        Ok(answer) => Some(answer),
        Err(error) => {
            hold(py, &error);
            None
        }
    }
}

/// Ends a call: raises the exception that was held back in it, otherwise returns its result. Every function that the
/// interpreter calls and that may hold back an exception ends with this. Otherwise an unrelated call would raise it
/// much later.
#[inline]
pub fn raise<T>(py: Python<'_>, result: PyResult<T>) -> PyResult<T> {
    // SAFETY: looked at only.
    if unsafe { &*HELD.get(py) }.is_empty() { result } else { raise_held(py, result) }
}

#[cold]
fn raise_held<T>(py: Python<'_>, result: PyResult<T>) -> PyResult<T> {
    let thread = thread::current().id();
    // SAFETY: no Python code runs while the reference lives; a result that is replaced is dropped after it.
    let held = unsafe { &mut *HELD.get(py) };
    match held.iter().position(|(other, _)| *other == thread) {
        Some(index) => Err(held.swap_remove(index).1),
        None => result,
    }
}
