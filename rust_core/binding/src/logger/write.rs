//! Writes a call as a record, here or through `logging`.

use std::sync::atomic::Ordering;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use unified_logger_core::slab::Buffer;

use super::Logger;
use super::methods::logger_of;
use super::processed::Seen;
use crate::capture::{Call, CallLevel, LoggerIdentity, capture_bare, capture_braced, capture_fast, site};
use crate::filter::{Course, Decision, Level, Marks, Values};
use crate::handover;
use crate::interpreter::arguments::Arguments;
use crate::interpreter::ending;
use crate::interpreter::gil::{Gil, let_go_of_dropped};
use crate::interpreter::made::{self, OrGiveUp};
use crate::processors;

/// The Python function that logs through `logging`, for loggers to which others listen.
static LISTENED: Gil<Option<Py<PyAny>>> = Gil::new(None);

#[inline]
pub fn log<const BOUND: bool>(
    py: Python<'_>,
    slf: *mut ffi::PyObject,
    level: Level,
    arguments: Arguments,
) -> PyResult<()> {
    // SAFETY: from a method of `Logger`.
    let logger = unsafe { logger_of(slf) };
    let number = level.number;
    match logger.decide::<BOUND>(py, level, Values::Arguments(arguments)) {
        Decision::Refuse => Ok(()),
        Decision::Capture(context) => {
            match capture_fast(py, number, &logger.fast_identity::<BOUND>(), context, arguments) {
                Some(record) => handover::submit(py, record, logger.logger.as_ptr()),
                None => write(py, logger, slf, number, arguments, Way::Engine),
            }
        }
        Decision::CaptureAndKeep(context) => {
            match capture_fast(py, number, &logger.fast_identity::<BOUND>(), context, arguments) {
                Some(record) => handover::keep_and_submit(py, record, logger.logger.as_ptr()),
                None => write(py, logger, slf, number, arguments, Way::Kept),
            }
        }
        Decision::Record(context) => {
            match capture_fast(py, number, &logger.fast_identity::<BOUND>(), context, arguments) {
                Some(record) => handover::record(py, record),
                None => write(py, logger, slf, number, arguments, Way::RECORDED),
            }
        }
        Decision::Process { kept } => write_processed(py, logger, slf, number, arguments, Way::to_engine(kept)),
        Decision::Mark { shown, kept, marks } => {
            write_marked(py, logger, slf, number, arguments, shown, Way::Marked { kept, marks })
        }
        Decision::LeaveToLogging => write(py, logger, slf, number, arguments, Way::Logging),
    }
}

/// Writes a call that processors are shown first. One that they leave as it is takes the fast way after that.
#[cold]
#[inline(never)]
fn write_processed(
    py: Python<'_>,
    logger: &Logger,
    slf: *mut ffi::PyObject,
    number: i32,
    arguments: Arguments,
    way: Way,
) -> PyResult<()> {
    if ending::is_here(py) || logger.has_braces(py) {
        return write(py, logger, slf, number, arguments, way);
    }
    let inside = ending::Inside::enter();
    let identity = logger.identity();
    let call = Call::new(py, CallLevel::of(number), arguments, false);
    let Some(seen) = Seen::new(py, call, &identity) else { return Ok(()) };
    let fast =
        if seen.is_unchanged { capture_fast(py, number, &identity, identity.context(py), arguments) } else { None };
    let record = match fast {
        Some(record) => record,
        None => {
            let names = arguments.names(py);
            seen.write(py, &identity, |call, identity| call.capture(py, identity, names.as_ref()))?
        }
    };
    submit(py, inside, logger, record, way)
}

/// Writes a call whose record tells of others. One that takes the fast way gets it there.
#[cold]
#[inline(never)]
fn write_marked(
    py: Python<'_>,
    logger: &Logger,
    slf: *mut ffi::PyObject,
    number: i32,
    arguments: Arguments,
    shown: bool,
    way: Way,
) -> PyResult<()> {
    if shown {
        return write_processed(py, logger, slf, number, arguments, way);
    }
    let identity = LoggerIdentity { number: logger.home().fast_number.load(Ordering::Relaxed), ..logger.identity() };
    match capture_fast(py, number, &identity, logger.identity().context(py), arguments) {
        Some(record) => way.submit(py, record, logger),
        None => write(py, logger, slf, number, arguments, way),
    }
}

/// The way of a call that is not refused.
#[derive(Clone, Copy, PartialEq)]
pub enum Way {
    Engine,
    /// The same, and it is kept for somebody who may ask for it later.
    Kept,
    /// As one of them, and filters have said something of its record.
    Marked {
        kept: bool,
        marks: Marks,
    },
    /// Through `logging`, because others listen.
    Logging,
}

impl Way {
    /// It waits with its trace.
    pub const RECORDED: Self = Self::Marked { kept: false, marks: Marks { course: Course::Waits, ..Marks::NONE } };

    pub fn to_engine(kept: bool) -> Self {
        if kept { Self::Kept } else { Self::Engine }
    }

    /// Hands over the record of a call that went this way.
    pub fn submit(self, py: Python<'_>, record: Buffer, logger: &Logger) -> PyResult<()> {
        let logger = logger.logger.as_ptr();
        match self {
            Self::Marked { kept, marks } => handover::submit_marked(py, record, kept, &marks, logger),
            Self::Kept => handover::keep_and_submit(py, record, logger),
            Self::Engine | Self::Logging => handover::submit(py, record, logger),
        }
    }
}

/// Writes a call at a level without a name of its own that is not refused.
#[cold]
#[inline(never)]
fn write(
    py: Python<'_>,
    logger: &Logger,
    slf: *mut ffi::PyObject,
    number: i32,
    arguments: Arguments,
    way: Way,
) -> PyResult<()> {
    write_at(py, logger, slf, CallLevel::of(number), arguments, false, way)
}

/// Writes a call of any form that is not refused.
#[cold]
#[inline(never)]
pub fn write_at(
    py: Python<'_>,
    logger: &Logger,
    slf: *mut ffi::PyObject,
    level: CallLevel,
    arguments: Arguments,
    exception: bool,
    way: Way,
) -> PyResult<()> {
    if ending::is_here(py) {
        let record = capture_bare(py, level, &logger.identity(), arguments, exception);
        return handover::submit(py, record, logger.logger.as_ptr());
    }
    let inside = ending::Inside::enter();
    let has_braces = logger.has_braces(py);
    if has_braces
        && !exception
        && way != Way::Logging
        && !processors::see_calls(py)
        && let Some(record) = capture_braced(py, &level, &logger.identity(), arguments)
    {
        return submit(py, inside, logger, record, way);
    }
    let names = arguments.names(py);
    let identity = logger.identity();
    let mut call = Call::new(py, level, arguments, exception);
    if has_braces {
        call.merge_braces(&identity);
    }
    let Some(seen) = Seen::new(py, call, &identity) else { return Ok(()) };
    if way == Way::Logging
        && let Some(listened) = listened(py)
    {
        return seen.write(py, &identity, |call, identity| through_logging(py, &listened, slf, call, identity));
    }
    let record = seen.write(py, &identity, |call, identity| call.capture(py, identity, names.as_ref()))?;
    submit(py, inside, logger, record, way)
}

/// Hands over the record of a call that was captured `inside` the interpreter.
fn submit(py: Python<'_>, inside: ending::Inside, logger: &Logger, record: Buffer, way: Way) -> PyResult<()> {
    drop(inside);
    let submitted = way.submit(py, record, logger);
    let_go_of_dropped();
    submitted
}

/// The function for loggers to which others listen.
pub fn listened(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    LISTENED.held(py)
}

pub fn through_logging(
    py: Python<'_>,
    listened: &Bound<'_, PyAny>,
    slf: *mut ffi::PyObject,
    call: &Call<'_>,
    identity: &LoggerIdentity<'_>,
) -> PyResult<()> {
    let _handing_over = processors::Set::handing_over();
    let fields = match identity.bound {
        Some(bound) => bound.fields.named(py).copy()?,
        None => made::dict(py).or_give_up(),
    };
    for (name, field) in &call.fields {
        // A field of the call replaces a bound field of the same name, and stands where the call has it.
        if identity.bound.is_some() && fields.contains(name)? {
            fields.del_item(name)?;
        }
        fields.set_item(name, field)?;
    }
    for (name, text) in &call.notes {
        if !fields.contains(name)? {
            fields.set_item(name, text)?;
        }
    }
    let frame = site::caller(py, call.stack_level);
    // SAFETY: the object is alive while its method runs.
    let logger = unsafe { Bound::from_borrowed_ptr(py, slf) };
    let arguments = PyTuple::new(py, &call.arguments)?;
    let frame = frame.as_ref().map(|frame| frame.as_any().clone());
    listened.call1((
        logger,
        call.level.number,
        call.merged_text.as_ref().map_or(&call.message, |merged| merged.as_any()),
        arguments,
        fields,
        call.exception.as_ref(),
        call.stack,
        frame,
        call.ai,
        call.level.name.as_deref(),
        // Processors may have given it another one.
        identity.name,
    ))?;
    Ok(())
}

/// Sets the function that logs through `logging`, for loggers to which others listen.
#[pyfunction]
pub fn set_listened(function: Bound<'_, PyAny>) {
    let py = function.py();
    drop(LISTENED.replace(py, Some(function.unbind())));
}
