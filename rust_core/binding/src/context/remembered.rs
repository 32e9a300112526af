//! What is remembered of a context that an exception has left, until the exception is reported.
//!
//! The exception may never be. So neither the objects among the fields stay alive for it, nor records that wait with the trace.

use pyo3::prelude::*;

use super::{Context, Fields, foreign};
use crate::interpreter::ending;
use crate::interpreter::made;
use crate::recorder;

/// The ids and the captured fields of a context, without the values of the fields and without what is recorded of the trace.
#[pyfunction]
pub fn remember_context<'py>(context: &Bound<'py, Context>) -> PyResult<Bound<'py, Context>> {
    let py = context.py();
    // Making any object may start the collector, which may run Python code.
    let _inside = ending::Inside::enter_or_stay(py);
    let made = remembered(py, context.get())?;
    Bound::new(py, Context { carried: None, recording: None, ..made })
}

/// A remembered context again, with what is recorded of its trace by now.
#[pyfunction]
pub fn recall_context<'py>(context: &Bound<'py, Context>) -> PyResult<Bound<'py, Context>> {
    let py = context.py();
    let _inside = ending::Inside::enter_or_stay(py);
    let made = remembered(py, context.get())?;
    let trace_id = context.get().trace_id.as_ref().map(|id| id.bind(py));
    let recording = recorder::of_trace(py, trace_id);
    // It is newer than the context that another library has here.
    let foreign_value = foreign::current(py).map(Bound::unbind);
    Bound::new(py, Context { recording, foreign_value, ..made })
}

fn remembered(py: Python<'_>, context: &Context) -> PyResult<Context> {
    let fields =
        Fields { named: made::dict(py)?.unbind(), captured: context.fields.captured.clone(), ai: context.fields.ai };
    Context::of(Some(context), fields, None, py)
}
