//! Records of AI calls.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::Logger;
use super::processed::Seen;
use super::write::{Way, listened, through_logging};
use crate::capture::{Call, CallLevel, exception_of};
use crate::filter::{Decision, Values};
use crate::handover;
use crate::interpreter::ending;

/// Logs an AI record. It goes to the AI file, whatever the logger's name.
#[pyfunction]
pub fn log_ai(
    logger: &Bound<'_, Logger>,
    number: i32,
    message: Bound<'_, PyAny>,
    fields: &Bound<'_, PyDict>,
    exception: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    handover::contained(logger.py(), || write_ai(logger, number, message, fields, exception))
}

fn write_ai(
    logger: &Bound<'_, Logger>,
    number: i32,
    message: Bound<'_, PyAny>,
    fields: &Bound<'_, PyDict>,
    exception: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let py = logger.py();
    let native = logger.get();
    let decision = native.decide_at(py, number, Values::Fields(fields));
    if matches!(decision, Decision::Refuse) {
        return Ok(());
    }
    let inside = ending::Inside::enter();
    let mut call = Call {
        level: CallLevel::of(number),
        message,
        merged_text: None,
        notes: Vec::new(),
        arguments: Vec::new(),
        fields: fields.iter().collect(),
        exception: exception.and_then(exception_of),
        stack: false,
        stack_level: 1,
        ai: true,
    };
    let identity = native.identity();
    if native.has_braces(py) {
        call.merge_braces(&identity);
    }
    let Some(seen) = Seen::new(py, call, &identity) else { return Ok(()) };
    if matches!(decision, Decision::LeaveToLogging)
        && let Some(listened) = listened(py)
    {
        let listener = logger.as_ptr();
        return seen.write(py, &identity, |call, identity| through_logging(py, &listened, listener, call, identity));
    }
    let names = PyTuple::new(py, fields.keys())?;
    let record = seen.write(py, &identity, |call, identity| call.capture(py, identity, Some(&names)))?;
    drop(inside);
    let way = match decision {
        Decision::Mark { kept, marks, .. } => Way::Marked { kept, marks },
        Decision::Record(_) => Way::RECORDED,
        Decision::CaptureAndKeep(_) | Decision::Process { kept: true } => Way::Kept,
        _ => Way::Engine,
    };
    way.submit(py, record, native)
}
