//! Which context is current.

use std::ffi::CString;

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::{Context, captured, foreign, ids, now, sampled};
use crate::interpreter::ending;
use crate::interpreter::gil::Gil;
use crate::interpreter::interrupt;
use crate::interpreter::made::OrGiveUp;
use crate::recorder;

/// The context variable that holds the current `Context`.
pub static VARIABLE: Gil<*mut ffi::PyObject> = Gil::new(std::ptr::null_mut());

/// The same variable while no other library takes part, otherwise null. So calls pay nothing for a question that has
/// one answer.
pub static ALONE: Gil<*mut ffi::PyObject> = Gil::new(std::ptr::null_mut());

/// A context variable whose default is None. Made here, it costs no import of `contextvars`.
#[pyfunction]
pub fn context_variable<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    let name = CString::new(name)?;
    // SAFETY: attached; the name ends with a zero byte, and the result is a new reference or null.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyContextVar_New(name.as_ptr(), ffi::Py_None())) }
}

/// Sets the context variable that holds the current context.
#[pyfunction]
pub fn set_context_variable(variable: &Bound<'_, PyAny>) -> PyResult<()> {
    check_variable(variable)?;
    let py = variable.py();
    // SAFETY: the variable is kept for the life of the process.
    unsafe {
        *VARIABLE.get(py) = variable.clone().into_ptr();
        *ALONE.get(py) = variable.as_ptr();
    }
    Ok(())
}

pub fn check_variable(variable: &Bound<'_, PyAny>) -> PyResult<()> {
    // SAFETY: a live object.
    if unsafe { ffi::PyContextVar_CheckExact(variable.as_ptr()) } == 0 {
        return Err(PyTypeError::new_err("variable must be a contextvars.ContextVar"));
    }
    Ok(())
}

/// The context of the calling thread or task.
#[inline]
pub fn current(py: Python<'_>) -> Option<Bound<'_, Context>> {
    let variable = ALONE.copied(py);
    if variable.is_null() {
        return among_others(py);
    }
    // SAFETY: as above.
    unsafe { of_variable(py, variable) }
}

/// The least level of records in the current context, if the context has one. For callers that can afford a function
/// call.
#[cold]
#[inline(never)]
pub fn least(py: Python<'_>) -> Option<i32> {
    current(py)?.get().least.get()
}

#[cold]
fn among_others(py: Python<'_>) -> Option<Bound<'_, Context>> {
    let variable = VARIABLE.copied(py);
    if variable.is_null() {
        return None;
    }
    // SAFETY: as above.
    let own = unsafe { of_variable(py, variable) };
    if ending::is_here(py) { own } else { foreign::decide(py, own) }
}

/// The value of the variable, if it is a context.
#[inline]
unsafe fn of_variable(py: Python<'_>, variable: *mut ffi::PyObject) -> Option<Bound<'_, Context>> {
    // SAFETY: the caller has a context variable.
    unsafe { value_of(py, variable) }?.cast_into_exact::<Context>().ok().map(now)
}

#[inline]
pub unsafe fn value_of(py: Python<'_>, variable: *mut ffi::PyObject) -> Option<Bound<'_, PyAny>> {
    let mut value = std::ptr::null_mut();
    // SAFETY: `variable` is a context variable; a found value is a new reference.
    let found = unsafe { ffi::PyContextVar_Get(variable, std::ptr::null_mut(), &raw mut value) };
    if found < 0 {
        drop(PyErr::take(py));
        return None;
    }
    // SAFETY: as above.
    unsafe { Bound::from_owned_ptr_or_opt(py, value) }
}

/// A context of a new trace, without fields. Most requests begin with one.
#[pyfunction]
pub fn new_trace(py: Python<'_>) -> PyResult<Bound<'_, Context>> {
    // Making any object may start the collector, which may run Python code.
    let _inside = ending::Inside::enter_or_stay(py);
    let (trace_id, span_id) = (ids::new_trace_id(py)?, ids::new_span_id(py)?);
    let captured = captured(Some(&trace_id), Some(&span_id), &[]);
    let empty = Context::empty(py)?;
    let made = sampled::decide(py, Some(&trace_id), None, None, true);
    let recording = recorder::of_trace(py, Some(&trace_id));
    let context = Context {
        sampled: sampled::sampled(made, &captured, &empty.fields),
        captured,
        trace_id: Some(trace_id.unbind()),
        span_id: Some(span_id.unbind()),
        foreign_value: foreign::current(py).map(Bound::unbind),
        recording,
        ..empty
    };
    Bound::new(py, context)
}

/// The current context, of this library or of another one.
#[pyfunction]
pub fn current_context(py: Python<'_>) -> PyResult<Option<Bound<'_, Context>>> {
    let current = current(py);
    interrupt::raise(py, Ok(current))
}

/// Does work in a context that has these ids and no fields. The current context returns after it.
pub fn with_ids_alone<'py, R>(
    py: Python<'py>,
    [trace_id, span_id]: [Option<Bound<'py, PyString>>; 2],
    work: impl FnOnce() -> R,
) -> R {
    let variable = VARIABLE.copied(py);
    // It stands for as many as it did before its ids were changed.
    let before = current(py);
    let made = before.as_ref().and_then(|before| before.get().decision());
    let captured = captured(trace_id.as_ref(), span_id.as_ref(), &[]);
    let empty = Context::empty(py).or_give_up();
    let context = Context {
        sampled: sampled::sampled(made, &captured, &empty.fields),
        captured,
        trace_id: trace_id.map(Bound::unbind),
        span_id: span_id.map(Bound::unbind),
        foreign_value: foreign::current(py).map(Bound::unbind),
        recording: before.as_ref().and_then(|before| before.get().recording()).cloned(),
        ..empty
    };
    let made = interrupt::ok(py, Bound::new(py, context)).filter(|_| !variable.is_null());
    // SAFETY: the variable is kept for the life of the process; the token is a new reference or null.
    let token = made
        .and_then(|made| unsafe { Bound::from_owned_ptr_or_opt(py, ffi::PyContextVar_Set(variable, made.as_ptr())) });
    let _returns = token.map(|token| Returns { variable, token });
    work()
}

/// Lets the earlier context return, also if the work panics.
struct Returns<'py> {
    variable: *mut ffi::PyObject,
    token: Bound<'py, PyAny>,
}

impl Drop for Returns<'_> {
    fn drop(&mut self) {
        // SAFETY: attached, since there is a token. It is of this variable, which is kept for the life of the process.
        unsafe {
            if ffi::PyContextVar_Reset(self.variable, self.token.as_ptr()) < 0 {
                ffi::PyErr_Clear();
            }
        }
    }
}
