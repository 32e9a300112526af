//! Hands a captured record to the engine, or keeps it until there is one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pyo3::ffi;
use pyo3::prelude::*;
use unified_logger_core::engine::Engine;
use unified_logger_core::forks;
use unified_logger_core::level;
use unified_logger_core::queue::Offered;
use unified_logger_core::record::{add_flags, flag, level_of};
use unified_logger_core::slab::Buffer;
use unified_logger_core::stats::Dropped;
use unified_logger_core::value::{OutOfMemory, Put};

use super::early::early_limit;
use super::fork::{FORKS, revived};
use super::state::{STATE, State, apart, engine};
use super::{keep_and_submit, recorded, stream, terminal};
use crate::context;
use crate::filter::{Course, Marks};
use crate::interpreter::counts::STATS;
use crate::interpreter::ending;
use crate::interpreter::fork;
use crate::interpreter::interrupt;

/// How often a waiting thread runs signal handlers.
pub const SLICE: Duration = Duration::from_millis(50);

/// Runs a logging call so that no panic reaches the interpreter. A panic costs the call's record and is counted.
/// Exceptions for the program are raised all the same.
#[inline]
pub fn contained(py: Python<'_>, call: impl FnOnce() -> PyResult<()>) -> PyResult<()> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => interrupt::raise(py, result),
        Err(payload) => {
            lost(payload.is::<OutOfMemory>());
            interrupt::raise(py, Ok(()))
        }
    }
}

#[cold]
fn lost(without_memory: bool) {
    STATS.errors.add(1);
    STATS.refused.add(1);
    // The level of a failed call is not known any more, so the record counts as one of the worst level.
    STATS.drop_one(if without_memory { Dropped::Memory } else { Dropped::Panic }, level::CRITICAL);
}

/// Hands over a captured record. If the queue is full and the policy allows it, waits without the interpreter.
///
/// # Errors
/// Only the exception that a signal handler raised during the wait (Ctrl-C).
#[inline]
pub fn submit(py: Python<'_>, record: Buffer, logger: *mut ffi::PyObject) -> PyResult<()> {
    // First of all: it may run Python code, which may reconfigure logging.
    let record = shown(py, record);
    hand_over(py, record, logger)
}

/// Has the console show a record if calls show theirs, and marks it as shown.
#[inline]
pub(super) fn shown(py: Python<'_>, mut record: Buffer) -> Buffer {
    if stream::wants(py, level_of(record.as_slice())) {
        record = stream::show(py, record);
    }
    if terminal::is_console(py) {
        terminal::show(py, &mut record);
    }
    record
}

/// Hands over a record of which filters have said something: it tells of other calls, waits with its trace, or has its trace written.
///
/// # Errors
/// As `submit`.
pub fn submit_marked(
    py: Python<'_>,
    mut record: Buffer,
    kept: bool,
    marks: &Marks,
    logger: *mut ffi::PyObject,
) -> PyResult<()> {
    marks.put(&mut record);
    let written = match marks.course {
        Course::Waits => {
            if marks.is_counted {
                let mut counted = Buffer::alloc();
                counted.put(record.as_slice());
                aside(py, counted)?;
                add_flags(record.as_mut_slice(), flag::COUNTED);
            }
            return recorded::record(py, record);
        }
        Course::Aside => return aside(py, record),
        // Whatever interrupts it, the record itself goes on.
        Course::Triggers => recorded::write_current(py),
        Course::Usual => Ok(()),
    };
    let submit = if kept { keep_and_submit } else { submit };
    written.and(submit(py, record, logger))
}

/// Hands over a record for metrics alone. Nothing waits for room: where there is none, it is not counted.
fn aside(py: Python<'_>, record: Buffer) -> PyResult<()> {
    let Some(engine) = revived(py) else { return Ok(()) };
    let mut offered = engine.offer_aside(record);
    if engine.is_unattended() {
        offered = apart(py, || engine.see_to(offered));
    }
    if let Offered::Full(record) = offered {
        engine.refuse(record, Dropped::New);
    }
    Ok(())
}

/// Hands over a record that the console has already shown if it should.
#[inline]
pub(super) fn hand_over(py: Python<'_>, record: Buffer, logger: *mut ffi::PyObject) -> PyResult<()> {
    let Some(engine) = engine(py) else { return submit_without_engine(py, record, logger) };
    let offered = engine.hand_in(record);
    if engine.is_unattended() {
        return submit_unattended(py, &Arc::clone(engine), offered);
    }
    match offered {
        Offered::Taken | Offered::Dropped => Ok(()),
        full @ Offered::Full(_) => {
            let engine = Arc::clone(engine);
            settle(py, &engine, full)
        }
    }
}

/// Writes a record in this call, because there is no writer.
#[cold]
pub(super) fn submit_unattended(py: Python<'_>, engine: &Arc<Engine>, offered: Offered) -> PyResult<()> {
    let offered = apart(py, || engine.see_to(offered));
    settle(py, engine, offered)
}

/// Offers a record once more. Without a writer, the record is written here.
fn offer(py: Python<'_>, engine: &Arc<Engine>, record: Buffer) -> Offered {
    let offered = engine.hand_in_again(record);
    if engine.is_unattended() { apart(py, || engine.see_to(offered)) } else { offered }
}

#[cold]
pub(super) fn settle(py: Python<'_>, engine: &Arc<Engine>, mut offered: Offered) -> PyResult<()> {
    let started = Instant::now();
    let patience = engine.settings().queue.overflow_timeout;
    while let Offered::Full(record) = offered {
        if let Some(successor) = successor(py, engine) {
            // Logging was reconfigured during the wait, so the record goes to the new engine.
            let offered = offer(py, &successor, record);
            return settle(py, &successor, offered);
        }
        let left = patience.saturating_sub(started.elapsed());
        if left.is_zero() {
            refuse(py, engine, record);
            return Ok(());
        }
        let waited = if engine.is_closed() { Some(record) } else { wait_for_room(py, engine, record, left.min(SLICE)) };
        let Some(record) = waited else { return Ok(()) };
        let (forks, copy) = (forks::count(), record.as_slice().to_vec());
        let handled = py.check_signals();
        fork::notice(py);
        if forks::count() != forks {
            return handled.and(settle_in_child(py, record, &copy));
        }
        if let Err(interrupt) = handled {
            if let Offered::Full(record) = offer(py, engine, record) {
                refuse(py, engine, record);
            }
            return Err(interrupt);
        }
        offered = offer(py, engine, record);
    }
    Ok(())
}

/// Drops a record that found no room. Reporting the drop may wait for standard error.
fn refuse(py: Python<'_>, engine: &Engine, record: Buffer) {
    apart(py, || engine.refuse(record, Dropped::Timeout));
}

/// Continues after a signal handler that forked: the parent keeps the record, this process continues with a copy from
/// before.
#[cold]
fn settle_in_child(py: Python<'_>, record: Buffer, copy: &[u8]) -> PyResult<()> {
    drop(record);
    let mut own = Buffer::alloc();
    own.put(copy);
    // Only an early record needs its logger, and logging has started.
    hand_over(py, own, std::ptr::null_mut())
}

/// Waits without the interpreter. If the thread cannot come back, the closed engine has written the record.
fn wait_for_room(py: Python<'_>, engine: &Arc<Engine>, record: Buffer, slice: Duration) -> Option<Buffer> {
    let mut held = Some(record);
    ending::detached(py, || {
        if FORKS.get() {
            engine.make_room(slice);
        } else {
            engine.wait_for_room(slice);
        }
        if engine.is_closed()
            && let Some(record) = held.take()
            && let Offered::Full(record) = engine.offer(record)
        {
            held = Some(record);
        }
    });
    held
}

/// The engine that has replaced this one, if any has.
fn successor(py: Python<'_>, engine: &Arc<Engine>) -> Option<Arc<Engine>> {
    self::engine(py).filter(|current| !Arc::ptr_eq(current, engine)).cloned()
}

#[cold]
fn submit_without_engine(py: Python<'_>, record: Buffer, logger: *mut ffi::PyObject) -> PyResult<()> {
    let decided = context::least(py).is_some_and(|least| level_of(record.as_slice()) >= least);
    // SAFETY: no Python code runs while the reference lives: `logger` is only counted.
    match unsafe { &mut *STATE.get(py) } {
        State::Early(early) if early.len() < early_limit(&record) => {
            // SAFETY: null, or the caller holds the logger.
            let logger = unsafe { Bound::from_borrowed_ptr_or_opt(py, logger) }.filter(|_| !decided);
            early.push((record, logger.map(Bound::unbind)));
            Ok(())
        }
        State::Early(_) => {
            STATS.refused.add(1);
            STATS.drop_one(Dropped::New, level_of(record.as_slice()));
            Ok(())
        }
        State::Forked { .. } => {
            if revived(py).is_some() {
                return hand_over(py, record, logger);
            }
            STATS.refused.add(1);
            STATS.drop_one(Dropped::New, level_of(record.as_slice()));
            // SAFETY: changed at once.
            if let State::Forked { lost, .. } = unsafe { &mut *STATE.get(py) } {
                *lost = true;
            }
            Ok(())
        }
        State::Running(_) => hand_over(py, record, logger),
        // The guards will ask again, but this call was under way before.
        State::Off => {
            STATS.refused.add(1);
            STATS.drop_one(Dropped::Shutdown, level_of(record.as_slice()));
            Ok(())
        }
    }
}
