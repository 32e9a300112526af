//! Replaces `logging.Logger.isEnabledFor` once a context has a level. Inside such a context its level answers,
//! elsewhere the original method does.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyType};

use crate::context;
use crate::filter::guard::is_of_logging;
use crate::interpreter::arguments::Arguments;
use crate::interpreter::ending;
use crate::interpreter::gil::intern;
use crate::interpreter::interrupt;
use crate::interpreter::method::ReplacedMethod;

static REPLACED: ReplacedMethod = ReplacedMethod::new("isEnabledFor", call);

/// Makes the loggers of `logging` follow the levels of contexts. A method that other code has put there is left alone.
pub fn follow_contexts(py: Python<'_>) -> PyResult<()> {
    let logging = py.import(intern!(py, "logging"))?;
    let class = logging.getattr(intern!(py, "Logger"))?.cast_into::<PyType>()?;
    let present = class.getattr(intern!(py, "isEnabledFor"))?;
    if is_own(&present) || !is_of_logging(&present, &logging) {
        return Ok(());
    }
    REPLACED.replace(&class, present)
}

/// Gives the loggers of `logging` their own method back. Contexts still decide for the loggers of this library.
#[pyfunction]
pub fn leave_stdlib_levels(py: Python<'_>) -> PyResult<()> {
    REPLACED.put_back(py)
}

/// Whether a method is the replacement.
pub fn is_own(method: &Bound<'_, PyAny>) -> bool {
    REPLACED.is_own(method)
}

/// The answer of the logger itself, without the context.
pub fn without_context<'py>(logger: &Bound<'py, PyAny>, number: i32) -> PyResult<Bound<'py, PyAny>> {
    let name = intern!(logger.py(), "isEnabledFor");
    if let Some(original) = REPLACED.original_of(&logger.get_type().getattr(name)?)
        && let method = logger.getattr(name)?.getattr(intern!(logger.py(), "__self__"))
        && interrupt::ok(logger.py(), method).is_some_and(|bound| bound.is(logger))
    {
        return original.call1((logger, number));
    }
    logger.call_method1(name, (number,))
}

/// The level up to which a logger makes no record at all, because it is disabled or `logging.disable` is set.
pub fn off(logger: &Bound<'_, PyAny>) -> PyResult<i32> {
    let py = logger.py();
    if logger.getattr(intern!(py, "disabled"))?.is_truthy()? {
        return Ok(i32::MAX);
    }
    logger.getattr(intern!(py, "manager"))?.getattr(intern!(py, "disable"))?.extract()
}

/// A call of the replacement.
unsafe extern "C-unwind" fn call(
    slf: *mut ffi::PyObject,
    values: *const *mut ffi::PyObject,
    positional: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls methods attached, on instances of their class, with live arguments. No value here
    // is left to be dropped.
    unsafe {
        let py = Python::assume_attached();
        let arguments = Arguments { values, positional: positional.unsigned_abs(), names };
        match contained(py, slf, arguments) {
            Answer::Decided(true) => ffi::Py_NewRef(ffi::Py_True()),
            Answer::Decided(false) => ffi::Py_NewRef(ffi::Py_False()),
            Answer::Raised => std::ptr::null_mut(),
            Answer::Unknown => REPLACED.call_original(py, slf, values, positional, names),
        }
    }
}

#[inline(never)]
fn contained(py: Python<'_>, slf: *mut ffi::PyObject, arguments: Arguments) -> Answer {
    if !context::may_decide_on_levels() {
        return Answer::Unknown;
    }
    // SAFETY: the object is alive while its method runs.
    let answer = || answer(&unsafe { Bound::from_borrowed_ptr(py, slf) }, arguments);
    let decided = catch_unwind(AssertUnwindSafe(answer)).unwrap_or(None);
    match interrupt::raise(py, Ok(decided)) {
        Ok(decided) => decided.map_or(Answer::Unknown, Answer::Decided),
        Err(error) => {
            error.restore(py);
            Answer::Raised
        }
    }
}

/// The answer for a level that is known without the original.
enum Answer {
    Decided(bool),
    Raised,
    Unknown,
}

/// The answer of the context, if it has a level.
fn answer(logger: &Bound<'_, PyAny>, arguments: Arguments) -> Option<bool> {
    let py = logger.py();
    if ending::is_here(py) || arguments.positional != 1 || !arguments.names.is_null() {
        return None;
    }
    let _inside = ending::Inside::enter();
    let least = context::least(py)?;
    let level: i32 = arguments.positional(py, 0).cast_exact::<PyInt>().ok()?.extract().ok()?;
    Some(level > interrupt::ok(py, off(logger))? && level >= least)
}
