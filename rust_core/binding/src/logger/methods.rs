//! The logging methods. They are put into the class when the module is made: those of PyO3 would build a tuple and a
//! dictionary of the arguments.

use std::ffi::{CStr, CString, c_int};

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple, PyType};
use unified_logger_core::level;
use unified_logger_core::names;

use super::Logger;
use super::write::{Way, log, write_at};
use crate::capture::CallLevel;
use crate::filter::{Decision, Level, Values, guard, named};
use crate::handover;
use crate::interpreter::arguments::Arguments;
use crate::interpreter::counts::MALFORMED;
use crate::interpreter::interrupt;
use crate::value::shown::text_of;
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
                log_at(py, slf, CallLevel::of(LEVEL), arguments, true)
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
fn log_at(
    py: Python<'_>,
    slf: *mut ffi::PyObject,
    level: CallLevel,
    arguments: Arguments,
    exception: bool,
) -> PyResult<()> {
    // SAFETY: from a method of `Logger`.
    let logger = unsafe { logger_of(slf) };
    match logger.decide_at(py, level.number, Values::Arguments(arguments)) {
        Decision::Refuse => Ok(()),
        Decision::Capture(_) | Decision::Process { kept: false } => {
            write_at(py, logger, slf, level, arguments, exception, Way::Engine)
        }
        Decision::CaptureAndKeep(_) | Decision::Process { kept: true } => {
            write_at(py, logger, slf, level, arguments, exception, Way::Kept)
        }
        Decision::Mark { kept, marks, .. } => {
            write_at(py, logger, slf, level, arguments, exception, Way::Marked { kept, marks })
        }
        Decision::Record(_) => write_at(py, logger, slf, level, arguments, exception, Way::RECORDED),
        Decision::LeaveToLogging => write_at(py, logger, slf, level, arguments, exception, Way::Logging),
    }
}

/// The level of a call that was given one of any type. A level that cannot be read neither loses the record nor raises.
fn level_of(given: &Bound<'_, PyAny>) -> CallLevel {
    let py = given.py();
    interrupt::ok(py, level_number(given)).or_else(|| known_level(given)).unwrap_or_else(|| {
        MALFORMED.add(1);
        let unread = text_of(given);
        // The value is in the record, where redaction finds secrets.
        handover::report(
            py,
            "find the level of a call",
            "no level has this name; it was logged at WARNING, see $level",
        );
        CallLevel { number: level::WARNING, name: None, unread: Some(unread) }
    })
}

/// `log(level=…, msg=…)`, which `logging` accepts too.
#[cold]
fn log_by_names(py: Python<'_>, slf: *mut ffi::PyObject, arguments: Arguments) -> PyResult<()> {
    let given: Vec<_> = arguments.names(py).iter().flatten().collect();
    let is_level = |name: &Bound<'_, PyAny>| interrupt::ok(py, name.eq("level")).unwrap_or(false);
    let Some(level) = given.iter().position(is_level) else {
        return Err(PyTypeError::new_err("log() needs a level"));
    };
    let others = || (0..given.len()).filter(|index| *index != level);
    let kept = PyTuple::new(py, others().map(|index| &given[index]).collect::<Vec<_>>())?;
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
fn level_number(given: &Bound<'_, PyAny>) -> PyResult<CallLevel> {
    let py = given.py();
    if let Ok(name) = given.cast_exact::<PyString>()
        && let Some(level) = named::find(py, &name.to_string_lossy())
    {
        return Ok(CallLevel { number: level.number, name: Some(level.name.to_owned()), unread: None });
    }
    let logging = py.import("logging")?;
    if let Some(number) = interrupt::ok(py, given.extract()) {
        guard::note_level_name(&logging, number)?;
        return Ok(CallLevel::of(number));
    }
    let name = given.cast::<PyString>()?;
    // A name that a program gave a level may have small letters.
    for name in [name.clone().into_any(), name.call_method0("upper")?] {
        let text = names::bounded_level_name(&text_of(&name)).to_owned();
        let found = logging.call_method1("getLevelName", (name,)).and_then(|number| number.extract());
        let number = named::find(py, &text).map(|level| level.number);
        let Some(number) = number.or_else(|| interrupt::ok(py, found)) else { continue };
        guard::note_level_name(&logging, number)?;
        // Several names may have one number.
        let is_other = names::here().level_name(number) != text && !is_alias(&text);
        return Ok(CallLevel { number, name: is_other.then_some(text), unread: None });
    }
    Err(PyTypeError::new_err("no level"))
}

/// A number, or the name of a standard level: known also where `logging` cannot be asked, as at the limit of recursion.
#[cold]
fn known_level(given: &Bound<'_, PyAny>) -> Option<CallLevel> {
    if let Some(number) = interrupt::ok(given.py(), given.extract()) {
        return Some(CallLevel::of(number));
    }
    let name = given.cast_exact::<PyString>().ok()?.to_string_lossy();
    let others = [("WARN", level::WARNING), ("FATAL", level::CRITICAL)];
    let standard = (1..=5).map(|bucket| bucket * 10).find(|number| level::name(*number).eq_ignore_ascii_case(&name));
    let number =
        standard.or_else(|| Some(others.into_iter().find(|(other, _)| name.eq_ignore_ascii_case(other))?.1))?;
    Some(CallLevel::of(number))
}

/// Whether `logging` has a name only as another one for a standard level.
fn is_alias(name: &str) -> bool {
    matches!(name, "WARN" | "FATAL")
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
pub fn guarded(py: Python<'_>, call: impl FnOnce() -> PyResult<()>) -> *mut ffi::PyObject {
    if let Err(error) = handover::contained(py, call) {
        error.restore(py);
        return std::ptr::null_mut();
    }
    // SAFETY: attached.
    unsafe { ffi::Py_NewRef(ffi::Py_None()) }
}

pub type Method = ffi::PyCFunctionFastWithKeywords;

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
    let methods: [(&CStr, Method, &CStr); 9] = [
        (c"debug", at_level::<{ level::DEBUG }, false, BOUND>, c"Logs at DEBUG."),
        (c"info", at_level::<{ level::INFO }, false, BOUND>, c"Logs at INFO."),
        (c"warning", at_level::<{ level::WARNING }, false, BOUND>, c"Logs at WARNING."),
        (c"error", at_level::<{ level::ERROR }, false, BOUND>, c"Logs at ERROR."),
        (c"critical", at_level::<{ level::CRITICAL }, false, BOUND>, c"Logs at CRITICAL."),
        (c"exception", at_level::<{ level::ERROR }, true, BOUND>, c"Logs at ERROR with the exception being handled."),
        (c"log", at_given_level::<BOUND>, c"Logs at the level given first."),
        // The older names of `logging`, which libraries still use.
        (c"warn", at_level::<{ level::WARNING }, false, BOUND>, c"Logs at WARNING."),
        (c"fatal", at_level::<{ level::CRITICAL }, false, BOUND>, c"Logs at CRITICAL."),
    ];
    for (name, method, doc) in methods {
        attach_method(class, name.to_owned(), method, super::docs::of(name, doc))?;
    }
    Ok(())
}

/// Attaches a method to a class of loggers.
pub fn attach_method(class: &Bound<'_, PyType>, name: CString, method: Method, doc: CString) -> PyResult<()> {
    const FLAGS: c_int = ffi::METH_FASTCALL | ffi::METH_KEYWORDS;
    let py = class.py();
    let native = py.get_type::<Logger>();
    // Kept for ever, as the class is.
    let (name, doc): (&CStr, &CStr) = (Box::leak(name.into_boxed_c_str()), Box::leak(doc.into_boxed_c_str()));
    let definition = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: method },
        ml_flags: FLAGS,
        ml_doc: doc.as_ptr(),
    }));
    // SAFETY: the definition lives for ever; the class is live, and the methods take only its instances.
    let descriptor =
        unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyDescr_NewMethod(native.as_type_ptr(), definition))? };
    class.setattr(name.to_str().unwrap_or_default(), descriptor)
}
