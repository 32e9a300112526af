//! Methods for levels that a program adds. Such a record carries the name of its level, because several levels may have
//! one number.

use std::ffi::CString;

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::methods::{Method, attach_method, guarded, logger_of};
use super::write::{Way, write_at};
use super::{Logger, docs};
use crate::capture::{CallLevel, capture_fast_named};
use crate::filter::named::{self, NamedLevel};
use crate::filter::{Decision, Level, Values};
use crate::handover;
use crate::interpreter::arguments::Arguments;

/// The method of the level in a slot.
unsafe extern "C" fn at_slot<const SLOT: usize>(
    slf: *mut ffi::PyObject,
    values: *const *mut ffi::PyObject,
    positional: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls methods attached, and on instances of their class.
    unsafe {
        let py = Python::assume_attached();
        let arguments = Arguments { values, positional: positional.unsigned_abs(), names };
        guarded(py, || log(py, slf, SLOT, arguments))
    }
}

/// One for each slot: a method has no place for data of its own.
macro_rules! methods {
    ($($slot:literal)+) => { [$(at_slot::<$slot>),+] };
}
const METHODS: [Method; named::MOST] =
    methods!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);

#[inline(never)]
fn log(py: Python<'_>, slf: *mut ffi::PyObject, slot: usize, arguments: Arguments) -> PyResult<()> {
    let Some(NamedLevel { number, name }) = named::at(py, slot) else { return Ok(()) };
    // SAFETY: from a method of `Logger`.
    let logger = unsafe { logger_of(slf) };
    let level = || CallLevel { number, name: Some(name.to_owned()), unread: None };
    match logger.decide_named(py, slot, Level::of(number), Values::Arguments(arguments)) {
        Decision::Refuse => Ok(()),
        Decision::Capture(context) => {
            match capture_fast_named(py, number, name, &logger.fast_identity::<true>(), context, arguments) {
                Some(record) => handover::submit(py, record, logger.logger.as_ptr()),
                None => write_at(py, logger, slf, level(), arguments, false, Way::Engine),
            }
        }
        Decision::Record(_) => write_at(py, logger, slf, level(), arguments, false, Way::RECORDED),
        Decision::Process { kept: false } => write_at(py, logger, slf, level(), arguments, false, Way::Engine),
        Decision::CaptureAndKeep(_) | Decision::Process { kept: true } => {
            write_at(py, logger, slf, level(), arguments, false, Way::Kept)
        }
        Decision::Mark { kept, marks, .. } => {
            write_at(py, logger, slf, level(), arguments, false, Way::Marked { kept, marks })
        }
        Decision::LeaveToLogging => write_at(py, logger, slf, level(), arguments, false, Way::Logging),
    }
}

/// Gives loggers a method for a level. The name of the method is that of the level in small letters.
///
/// # Errors
/// There are too many of them.
#[pyfunction]
pub fn add_level(py: Python<'_>, name: &str, number: i32, method: &str) -> PyResult<()> {
    let too_many = || PyValueError::new_err(format!("at most {} levels can have methods", named::MOST));
    let slot = named::add(py, name, number).ok_or_else(too_many)?;
    let class = py.get_type::<Logger>();
    let (method, what) = (CString::new(method)?, CString::new(format!("Logs at {name}."))?);
    let doc = docs::of(&method, &what);
    attach_method(class.cast::<PyType>()?, method, METHODS[slot], doc)
}
