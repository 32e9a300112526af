//! A call becomes a record, or does not.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::methods::logger_of;
use super::{Logger, Verdict};
use crate::capture::{Call, Origin, capture_bare, capture_plain, site};
use crate::context;
use crate::handover;
use crate::interpreter::arguments::Arguments;
use crate::interpreter::counts::FILTERED;
use crate::interpreter::ending;
use crate::interpreter::gil::{Gil, let_go_of_dropped};

/// Logs through `logging` itself, for loggers that others listen to: a Python function.
static LISTENED: Gil<Option<Py<PyAny>>> = Gil::new(None);

#[inline]
pub fn log<const BOUND: bool>(
    py: Python<'_>,
    slf: *mut ffi::PyObject,
    number: i32,
    bucket: usize,
    arguments: Arguments,
    exception: bool,
) -> PyResult<()> {
    // SAFETY: from a method of `Logger`.
    let logger = unsafe { logger_of(slf) };
    let home = if BOUND { logger.home() } else { logger };
    match home.verdict(py, bucket) {
        Verdict::Native if !exception => match capture_plain::<BOUND>(py, number, &logger.origin(), arguments) {
            Some(record) => handover::submit(py, record, logger.logger.as_ptr()),
            None => write(py, logger, slf, number, arguments, false, &Verdict::Native),
        },
        Verdict::Refused => refuse(py, logger, number, arguments, slf, exception),
        verdict => write(py, logger, slf, number, arguments, exception, &verdict),
    }
}

/// A call below its level.
#[inline]
pub fn refuse(
    py: Python<'_>,
    logger: &Logger,
    number: i32,
    arguments: Arguments,
    slf: *mut ffi::PyObject,
    exception: bool,
) -> PyResult<()> {
    if !context::are_worth_a_look() {
        return filtered();
    }
    match second_look(py, logger, number) {
        Some(verdict) => write(py, logger, slf, number, arguments, exception, &verdict),
        None => filtered(),
    }
}

pub fn filtered() -> PyResult<()> {
    FILTERED.add(1);
    Ok(())
}

/// What is said to a call below its level. Before the start it is kept: the level may be another by then. And a context may have a level of
/// its own.
#[cold]
pub fn second_look(py: Python<'_>, logger: &Logger, number: i32) -> Option<Verdict> {
    match context::least(py) {
        Some(least) if number < least => return None,
        Some(_) => {}
        None => return handover::is_early(py).then_some(Verdict::Native),
    }
    // SAFETY: looked at only; it was asked just now.
    let guard = unsafe { &*logger.home().guard.get() }.as_ref()?;
    guard.is_open_to(number).then_some(if guard.is_native() { Verdict::Native } else { Verdict::Listened })
}

/// A call in any of its forms.
#[cold]
#[inline(never)]
pub fn write(
    py: Python<'_>,
    logger: &Logger,
    slf: *mut ffi::PyObject,
    number: i32,
    arguments: Arguments,
    exception: bool,
    verdict: &Verdict,
) -> PyResult<()> {
    if context::least(py).is_some_and(|least| number < least) {
        return filtered();
    }
    if ending::is_here(py) {
        let record = capture_bare(py, number, &logger.origin(), arguments, exception);
        return handover::submit(py, record, logger.logger.as_ptr());
    }
    let inside = ending::Inside::enter();
    let names = arguments.names(py);
    let call = Call::new(py, number, arguments, exception);
    if matches!(verdict, Verdict::Listened)
        && let Some(listened) = listened(py)
    {
        return through_logging(py, &listened, slf, &call, &logger.origin());
    }
    let record = call.capture(py, &logger.origin(), names.as_ref())?;
    drop(inside);
    let submitted = handover::submit(py, record, logger.logger.as_ptr());
    let_go_of_dropped();
    submitted
}

/// The function for loggers that others listen to.
pub fn listened(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    LISTENED.held(py)
}

pub fn through_logging(
    py: Python<'_>,
    listened: &Bound<'_, PyAny>,
    slf: *mut ffi::PyObject,
    call: &Call<'_>,
    origin: &Origin<'_>,
) -> PyResult<()> {
    let fields = match origin.bound {
        Some(bound) => bound.fields.named(py).copy()?,
        None => PyDict::new(py),
    };
    for (name, field) in &call.fields {
        // A bound field of that name gives way: the call's stands where the call has it.
        if origin.bound.is_some() && fields.contains(name)? {
            fields.del_item(name)?;
        }
        fields.set_item(name, field)?;
    }
    let frame = site::caller(py, call.stack_level);
    // SAFETY: the object is alive while its method runs.
    let logger = unsafe { Bound::from_borrowed_ptr(py, slf) };
    let arguments = PyTuple::new(py, &call.arguments)?;
    let frame = frame.as_ref().map(|frame| frame.as_any().clone());
    listened.call1((
        logger,
        call.level,
        &call.message,
        arguments,
        fields,
        call.exception.as_ref(),
        call.stack,
        frame,
        call.ai,
    ))?;
    Ok(())
}

/// Sets the function that logs through `logging` for loggers that others listen to.
#[pyfunction]
pub fn set_listened(function: Bound<'_, PyAny>) {
    let py = function.py();
    drop(LISTENED.replace(py, Some(function.unbind())));
}
