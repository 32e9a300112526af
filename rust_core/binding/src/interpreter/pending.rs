//! Functions that the main thread calls soon.

use std::ffi::{c_int, c_void};

use pyo3::ffi;
use pyo3::prelude::*;
use unified_logger_core::platform;

/// Asks the main thread to call `function` soon.
pub fn call(function: Bound<'_, PyAny>) {
    let py = function.py();
    let held = function.into_ptr();
    // SAFETY: attached; the reference that was held goes to the call, or comes back.
    unsafe {
        if ffi::Py_AddPendingCall(Some(call_held), held.cast()) != 0 {
            drop(Bound::from_owned_ptr(py, held));
        }
    }
}

/// Calls a function when the current fork is over for the parent: at once, or on the main thread right after.
pub fn call_soon(function: Bound<'_, PyAny>) -> PyResult<()> {
    let py = function.py();
    let held = function.into_ptr();
    if after_fork(call_held, held.cast()) {
        return Ok(());
    }
    // SAFETY: the reference that was held.
    unsafe { Bound::from_owned_ptr(py, held) }.call0().map(drop)
}

extern "C" fn call_held(function: *mut c_void) -> c_int {
    // SAFETY: pending calls are made with the interpreter attached, and the reference was held for this one. Only calls
    // into the interpreter happen here, so nothing unwinds.
    unsafe {
        let function: *mut ffi::PyObject = function.cast();
        let result = ffi::PyObject_CallNoArgs(function);
        ffi::Py_DECREF(function);
        if result.is_null() {
            ffi::PyErr_WriteUnraisable(std::ptr::null_mut());
        } else {
            ffi::Py_DECREF(result);
        }
    }
    0
}

/// Asks the main thread to call a function once a fork is over. False if that is unnecessary or impossible.
///
/// From 3.13 on, Python counts threads after the hooks in the parent, and warns of them. Right after that, the main
/// thread runs its pending calls. A fork on another thread has more than one thread in any case.
pub fn after_fork(function: extern "C" fn(*mut c_void) -> c_int, argument: *mut c_void) -> bool {
    // SAFETY: attached; the function takes its argument.
    cfg!(Py_3_13) && platform::is_main_thread() && unsafe { ffi::Py_AddPendingCall(Some(function), argument) } == 0
}
