//! Records that wait with their trace, and their way to the engine when it fails.

use std::sync::Arc;

use pyo3::prelude::*;
use unified_logger_core::engine::Engine;
use unified_logger_core::forks;
use unified_logger_core::level;
use unified_logger_core::queue::Offered;
use unified_logger_core::record::flags_of;
use unified_logger_core::slab::Buffer;
use unified_logger_core::value::Value;

use super::fork::revived;
use super::state::engine;
use super::submit::{hand_over, settle, shown, submit, submit_unattended};
use crate::context::{self, Context};
use crate::interpreter::counts::STATS;
use crate::interpreter::interrupt;
use crate::recorder::{self, Recording, Released};

/// Keeps a record that its level leaves out, until it is known what becomes of its trace.
///
/// # Errors
/// Only the exception that a signal handler raised during a wait.
pub fn record(py: Python<'_>, record: Buffer) -> PyResult<()> {
    let Some(recording) = current(py) else { return Ok(()) };
    // Asking for the texts of values may have run code that has failed meanwhile.
    if recording.is_written(py) {
        return submit(py, record, std::ptr::null_mut());
    }
    let Some(engine) = engine(py).cloned().or_else(|| revived(py)) else { return Ok(()) };
    recorder::add(py, &recording, engine.record(record));
    Ok(())
}

/// Has what waits survive with the box of an engine that follows another one.
pub fn follow(py: Python<'_>, engine: &Engine) {
    recorder::move_all(py, |record| engine.record(record));
}

fn current(py: Python<'_>) -> Option<Arc<Recording>> {
    context::current(py)?.get().recording().cloned()
}

/// Writes what is recorded of the current trace before a record of it that says that it has failed.
///
/// # Errors
/// Only the exception that a signal handler raised during a wait.
pub fn write_current(py: Python<'_>) -> PyResult<()> {
    current(py).map_or(Ok(()), |recording| write(py, &recording, None))
}

/// Writes what is recorded of a context's trace, and has the rest of it written at once. With a reason, a record of the library's own tells it.
/// False if nothing is recorded there.
#[pyfunction]
#[pyo3(signature = (context, reason=None))]
pub fn write_recording(context: &Bound<'_, Context>, reason: Option<&str>) -> PyResult<bool> {
    let py = context.py();
    let Some(recording) = context.get().recording().filter(|_| recorder::is_on(py)).cloned() else { return Ok(false) };
    interrupt::raise(py, write(py, &recording, reason))?;
    Ok(true)
}

/// Notes a scope in which a context's trace runs, unless it runs in that of `outer` already. True if it was noted.
#[pyfunction]
#[pyo3(signature = (context, outer=None))]
pub fn enter_recording(context: &Bound<'_, Context>, outer: Option<&Bound<'_, Context>>) -> bool {
    let Some(recording) = context.get().recording() else { return false };
    let is_around = outer.and_then(|outer| outer.get().recording()).is_some_and(|outer| Arc::ptr_eq(outer, recording));
    if !is_around {
        recording.enter(context.py());
    }
    !is_around
}

/// Notes that such a scope is left. What is recorded of its trace is written if an exception leaves the scope, or if the trace was slow. With its last
/// scope, it is also written if it is one to compare with. `inside` is the context in which the scope was left: it may have got another trace.
#[pyfunction]
#[pyo3(signature = (context, failed, inside=None))]
pub fn leave_recording(
    context: &Bound<'_, Context>,
    failed: bool,
    inside: Option<&Bound<'_, Context>>,
) -> PyResult<()> {
    let py = context.py();
    let Some(own) = context.get().recording().cloned() else { return Ok(()) };
    let is_over = own.leave(py);
    let other = inside.and_then(|inside| inside.get().recording()).filter(|other| !Arc::ptr_eq(other, &own)).cloned();
    let mut result = Ok(());
    for recording in [Some(own), other].into_iter().flatten() {
        // The other one may run in scopes of its own.
        result = result.and(end(py, &recording, failed, is_over && recording.is_left(py)));
    }
    interrupt::raise(py, result)
}

fn end(py: Python<'_>, recording: &Recording, failed: bool, is_over: bool) -> PyResult<()> {
    let reason = if !recorder::is_on(py) {
        None
    } else if failed {
        Some("exception")
    } else if recording.is_slow() {
        Some("slow")
    } else if is_over && recording.is_background() {
        Some("background")
    } else {
        None
    };
    let written = reason.map_or(Ok(()), |reason| write(py, recording, Some(reason)));
    if is_over {
        // What waits goes with the last context of the trace: a task may go on with it.
        recording.end(py);
    }
    written
}

fn write(py: Python<'_>, recording: &Recording, reason: Option<&str>) -> PyResult<()> {
    let is_new = recording.write_from_now_on(py);
    let Released { records, lost } = recorder::take(py, recording);
    if records.is_empty() && lost == 0 && !(is_new && reason.is_some()) {
        return Ok(());
    }
    STATS.recorded_written.add(records.len() as u64);
    STATS.recorded_traces.add(u64::from(!records.is_empty()));
    if reason.is_some() || lost > 0 {
        notice(py, recording, reason.unwrap_or("trigger"), records.len(), lost);
    }
    let (mut result, forks) = (Ok(()), forks::count());
    for record in records {
        // A signal handler may fork while a call waits: the parent writes them.
        if forks::count() != forks {
            break;
        }
        result = result.and(hand_in(py, record));
    }
    result
}

/// A record keeps its place in the black box, and is written from there. One that the console has shown tells so, and goes the usual way.
fn hand_in(py: Python<'_>, record: Buffer) -> PyResult<()> {
    let flags = flags_of(record.as_slice());
    let record = shown(py, record);
    if flags_of(record.as_slice()) != flags {
        record.withdraw();
    }
    let Some(engine) = engine(py).cloned() else { return hand_over(py, record, std::ptr::null_mut()) };
    let offered = engine.hand_in_again(record);
    if engine.is_unattended() {
        return submit_unattended(py, &engine, offered);
    }
    match offered {
        Offered::Taken | Offered::Dropped => Ok(()),
        full @ Offered::Full(_) => settle(py, &engine, full),
    }
}

fn notice(py: Python<'_>, recording: &Recording, reason: &str, count: usize, lost: u64) {
    let Some(engine) = engine(py) else { return };
    let integer = |count: u64| Value::Integer(i64::try_from(count).unwrap_or(i64::MAX));
    let mut fields = vec![
        ("trace", Value::Text(&recording.trace_id)),
        ("reason", Value::Text(reason)),
        ("records", integer(count as u64)),
    ];
    if lost > 0 {
        fields.push(("missing", integer(lost)));
    }
    let waited = match count {
        0 => "a trace is written from here on".to_owned(),
        1 => "a record that has waited with its trace is written".to_owned(),
        _ => format!("{count} records that have waited with their trace are written"),
    };
    let message = if lost > 0 { format!("{waited}, {lost} had to go before") } else { waited };
    engine.notice(level::INFO, "recorder", &message, &fields);
}
