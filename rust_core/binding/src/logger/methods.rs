//! The logging methods. They are put into the class when the module is made: those of PyO3 would build a tuple and a
//! dictionary of the arguments.

use std::ffi::c_int;

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};
use unified_logger_core::level;

use super::Logger;
use super::write::{log, write};
use crate::filter::{Decision, Level, guard};
use crate::handover;
use crate::interpreter::arguments::Arguments;
use crate::interpreter::counts::MALFORMED;
use crate::interpreter::interrupt;
use crate::value::small_integer;

/// A logging method at `LEVEL`. With `EXCEPTION`, it adds the exception being handled. `BOUND` loggers have fields of
/// their own: they have a set of methods of their own, so that other loggers pay nothing for them.
unsafe extern "C" fn at_level<const LEVEL: i32, const EXCEPTION: bool, const BOUND: bool>(
    slf: *mut ffi::PyObject,
    values: *const *mut ffi::PyObject,
    positional: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls methods attached, and on instances of their class.
    unsafe {
        let py = Python::assume_attached();
        let arguments = Arguments { values, positional: positional.unsigned_abs(), names };
        guarded(py, || {
            if EXCEPTION {
                log_at(py, slf, LEVEL, arguments, true)
            } else {
                log::<BOUND>(py, slf, Level::of(LEVEL), arguments)
            }
        })
    }
}

/// `log(level, message, …)`.
unsafe extern "C" fn at_given_level<const BOUND: bool>(
    slf: *mut ffi::PyObject,
    values: *const *mut ffi::PyObject,
    positional: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: as in `at_level`.
    unsafe {
        let py = Python::assume_attached();
        let arguments = Arguments { values, positional: positional.unsigned_abs(), names };
        guarded(py, || {
            if arguments.positional == 0 {
                return log_by_names(py, slf, arguments);
            }
            if let Some(number) = standard_level(*values) {
                return log::<BOUND>(py, slf, Level::of(number), arguments.rest());
            }
            let given = Bound::from_borrowed_ptr(py, *values);
            log_at(py, slf, level_of(&given), arguments.rest(), false)
        })
    }
}

/// A call that the fast way does not take.
fn log_at(py: Python<'_>, slf: *mut ffi::PyObject, number: i32, arguments: Arguments, exception: bool) -> PyResult<()> {
    // SAFETY: from a method of `Logger`.
    let logger = unsafe { logger_of(slf) };
    match logger.decide_at(py, number) {
        Decision::Refuse => Ok(()),
        Decision::Capture(_) | Decision::Process => write(py, logger, slf, number, arguments, exception, false),
        Decision::LeaveToLogging => write(py, logger, slf, number, arguments, exception, true),
    }
}

/// The level of a call that was given one of any type. A level that cannot be read neither loses the record nor raises.
fn level_of(given: &Bound<'_, PyAny>) -> i32 {
    interrupt::ok(given.py(), level_number(given)).unwrap_or_else(|| {
        MALFORMED.add(1);
        level::WARNING
    })
}

/// `log(level=…, msg=…)`, which `logging` accepts too.
#[cold]
fn log_by_names(py: Python<'_>, slf: *mut ffi::PyObject, arguments: Arguments) -> PyResult<()> {
    let names: Vec<_> = arguments.names(py).iter().flatten().collect();
    let is_level = |name: &Bound<'_, PyAny>| interrupt::ok(py, name.eq("level")).unwrap_or(false);
    let Some(level) = names.iter().position(is_level) else {
        return Err(PyTypeError::new_err("log() needs a level"));
    };
    let others = || (0..names.len()).filter(|index| *index != level);
    let kept = PyTuple::new(py, others().map(|index| &names[index]).collect::<Vec<_>>())?;
    let values: Vec<_> = others().map(|index| arguments.keyword(py, index).as_ptr()).collect();
    let rest = Arguments { values: values.as_ptr(), positional: 0, names: kept.as_ptr() };
    log_at(py, slf, level_of(&arguments.keyword(py, level)), rest, false)
}

/// A level that has a method of its own, if it is given as a number.
#[inline]
unsafe fn standard_level(given: *mut ffi::PyObject) -> Option<i32> {
    // SAFETY: the caller has a live object.
    let number = unsafe {
        if ffi::PyLong_CheckExact(given) == 0 {
            return None;
        }
        small_integer(given)?
    };
    let bucket = (1..=5).find(|bucket| bucket * 10 == number)?;
    Some(bucket as i32 * 10)
}

/// A level as `logging` accepts it: a number. Names are accepted too.
fn level_number(given: &Bound<'_, PyAny>) -> PyResult<i32> {
    let py = given.py();
    let number: i32 = match interrupt::ok(py, given.extract()) {
        Some(number) => number,
        None => {
            let logging = py.import("logging")?;
            let number_of = |name: Bound<'_, PyAny>| logging.call_method1("getLevelName", (name,))?.extract();
            let name = given.str()?;
            // A name that a program gave a level may have small letters.
            number_of(name.clone().into_any())
                .or_else(|_: PyErr| number_of(name.call_method0("upper")?))
                .map_err(|_| PyTypeError::new_err(format!("level must be a number or a level's name, not {given}")))?
        }
    };
    guard::note_level_name(&py.import("logging")?, number)?;
    Ok(number)
}

#[inline]
pub unsafe fn logger_of<'a>(slf: *mut ffi::PyObject) -> &'a Logger {
    // SAFETY: method descriptors check the type of `self`; the object outlives the call, and `Logger` is frozen.
    unsafe {
        let logger: *const Logger = Borrowed::from_ptr(Python::assume_attached(), slf).cast_unchecked::<Logger>().get();
        &*logger
    }
}

/// Runs a call so that no panic crosses into the interpreter.
#[inline]
fn guarded(py: Python<'_>, call: impl FnOnce() -> PyResult<()>) -> *mut ffi::PyObject {
    if let Err(error) = handover::contained(py, call) {
        error.restore(py);
        return std::ptr::null_mut();
    }
    // SAFETY: attached.
    unsafe { ffi::Py_NewRef(ffi::Py_None()) }
}

type Method = ffi::PyCFunctionFastWithKeywords;

/// Attaches the logging methods to the class.
pub fn attach_methods(py: Python<'_>) -> PyResult<()> {
    attach::<false>(&py.get_type::<Logger>())
}

/// Attaches the logging methods to a class of loggers with fields of their own.
#[pyfunction]
pub fn attach_bound_methods(class: &Bound<'_, PyType>) -> PyResult<()> {
    attach::<true>(class)
}

fn attach<const BOUND: bool>(class: &Bound<'_, PyType>) -> PyResult<()> {
    let py = class.py();
    let methods: [(&std::ffi::CStr, Method, &std::ffi::CStr); 7] = [
        (c"debug", at_level::<{ level::DEBUG }, false, BOUND>, c"Logs at DEBUG."),
        (c"info", at_level::<{ level::INFO }, false, BOUND>, c"Logs at INFO."),
        (c"warning", at_level::<{ level::WARNING }, false, BOUND>, c"Logs at WARNING."),
        (c"error", at_level::<{ level::ERROR }, false, BOUND>, c"Logs at ERROR."),
        (c"critical", at_level::<{ level::CRITICAL }, false, BOUND>, c"Logs at CRITICAL."),
        (c"exception", at_level::<{ level::ERROR }, true, BOUND>, c"Logs at ERROR with the exception being handled."),
        (c"log", at_given_level::<BOUND>, c"Logs at the level given first."),
    ];
    const FLAGS: c_int = ffi::METH_FASTCALL | ffi::METH_KEYWORDS;
    let native = py.get_type::<Logger>();
    for (name, method, doc) in methods {
        let doc = super::docs::of(name, doc);
        let definition = Box::leak(Box::new(ffi::PyMethodDef {
            ml_name: name.as_ptr(),
            ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: method },
            ml_flags: FLAGS,
            ml_doc: doc.into_raw(), // kept for ever, as the definition is
        }));
        // SAFETY: the definition lives for ever; the class is live, and the methods take only its instances.
        let descriptor =
            unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyDescr_NewMethod(native.as_type_ptr(), definition))? };
        class.setattr(name.to_str().unwrap_or_default(), descriptor)?;
    }
    Ok(())
}
