//! The one engine of the process, and the handling of records while there is none.

mod early;
mod fork;
mod kept;
mod recorded;
mod state;
pub mod stream;
mod submit;
mod terminal;

use std::sync::Arc;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use unified_logger_core::config::Settings;
use unified_logger_core::engine::{Engine, Flushing};
use unified_logger_core::error::Result;
use unified_logger_core::record::level_of;
use unified_logger_core::redaction::Rules;
use unified_logger_core::stats::Dropped;

pub use early::{has_early, show_early};
pub use fork::{after_fork_in_child, after_fork_in_parent, before_fork, revived};
pub use kept::{KeptRecords, keep_and_submit, set_keeper};
pub use recorded::{enter_recording, leave_recording, record, write_recording};
pub use state::{engine, is_early, report, report_remarks};
pub use submit::{contained, submit, submit_marked};

use crate::capture::site;
use crate::filter;
use crate::interpreter::counts::STATS;
use crate::interpreter::{ending, fork as forks, stack};
use crate::redaction;
use early::deliver_early;
use state::{STATE, State, TROUBLE, TROUBLE_PATIENCE, open, replace};
use submit::SLICE;

/// Starts the engine, or replaces the running one. Records that the old one had accepted are written first.
pub fn start(py: Python<'_>, settings: Settings, patience: Duration) -> Result<()> {
    forks::notice(py);
    Engine::check_memory(&settings)?;
    site::prepare(py);
    let engine = ending::detached(py, || {
        let engine = open(settings)?;
        // Every step that may fail comes before anything changes.
        match engine.start_held() {
            Ok(()) => {
                // If the stack has no room for it, the writer looks for boxes first.
                let _ = stack::spacious(|| engine.recover_boxes());
                Ok(engine)
            }
            Err(error) => {
                engine.discard();
                Err(error)
            }
        }
    })?;
    let engine = Arc::new(engine);
    engine.make_current();
    let before = replace(py, State::Running(Arc::clone(&engine)));
    // Before the old one ends, which other threads do not wait for: what they show has the new rules already.
    terminal::follow(py, Some(&engine));
    filter::follow(py, Some(&engine));
    recorded::follow(py, &engine);
    let early = match before {
        State::Running(old) => {
            ending::detached(py, move || {
                old.give_way(patience);
                // Dropping it closes its files.
                drop(old);
            });
            Vec::new()
        }
        State::Early(early) => early,
        State::Forked { .. } | State::Off => Vec::new(),
    };
    engine.release();
    deliver_early(py, early);
    Ok(())
}

/// Leaves all records to handlers of `logging`, and drops early ones. The rules of these handlers also hold for
/// messages that are merged before a handler gets them.
pub fn turn_off(py: Python<'_>, rules: Option<Arc<Rules>>) {
    let before = replace(py, State::Off);
    redaction::follow(py, rules);
    terminal::follow(py, None);
    filter::follow(py, None);
    match before {
        State::Early(early) => {
            // Captured for the engine: handlers of `logging` cannot take them.
            for (record, _) in &early {
                STATS.refused.add(1);
                STATS.drop_one(Dropped::Shutdown, level_of(record.as_slice()));
            }
        }
        // Dropping it closes its files.
        State::Running(old) => ending::detached(py, move || drop(old)),
        State::Forked { .. } | State::Off => {}
    }
}

/// Waits until all records accepted before are on disk. With `None` it waits as long as necessary.
///
/// # Errors
/// Only the exception that a signal handler raised during the wait.
pub fn flush(py: Python<'_>, timeout: Option<Duration>) -> PyResult<bool> {
    forks::notice(py);
    let Some(engine) = engine(py).cloned() else {
        // SAFETY: looked at only.
        let lost = matches!(unsafe { &*STATE.get(py) }, State::Forked { lost: true, .. });
        return Ok(!lost && (is_early(py) || STATS.depth() == 0));
    };
    let started = Instant::now();
    let request = || engine.request_flush(timeout.is_some());
    let Some(on_disk) = answered(py, &engine, timeout, request)? else { return Ok(false) };
    let left = timeout.map_or(Duration::from_secs(1), |timeout| timeout.saturating_sub(started.elapsed()));
    ending::detached(py, || engine.flush_console(left.min(Duration::from_secs(1))));
    Ok(on_disk)
}

/// Changes all files that have records, and were not changed within `spared`, for new ones. True if all of them are. With `None` it is tried once.
///
/// # Errors
/// Only the exception that a signal handler raised during the wait.
pub fn rotate(py: Python<'_>, timeout: Option<Duration>, spared: Duration) -> PyResult<bool> {
    // A child that has logged nothing yet has files all the same.
    let Some(engine) = revived(py) else { return Ok(is_early(py)) };
    let request = || engine.request_rotation(spared, timeout);
    Ok(answered(py, &engine, timeout, request)?.unwrap_or(false))
}

/// Waits for the answer to a request, and runs signal handlers meanwhile. None if there is none within the time.
fn answered(
    py: Python<'_>,
    engine: &Arc<Engine>,
    timeout: Option<Duration>,
    request: impl FnOnce() -> Flushing + Send,
) -> PyResult<Option<bool>> {
    let started = Instant::now();
    let answer = ending::detached(py, request);
    loop {
        let left = timeout.map_or(SLICE, |timeout| timeout.saturating_sub(started.elapsed()).min(SLICE));
        if let Some(is_done) = ending::detached(py, || answer.wait(left)) {
            return Ok(Some(is_done));
        }
        py.check_signals()?;
        if engine.has_given_up() || timeout.is_some_and(|timeout| started.elapsed() >= timeout) {
            return Ok(None);
        }
    }
}

/// Writes all queued records and ends the writer. True if no record was left unwritten.
pub fn shutdown(py: Python<'_>, timeout: Duration) -> bool {
    forks::notice(py);
    let engine = engine(py).cloned();
    ending::detached(py, || {
        let done = engine.is_none_or(|engine| engine.shutdown(timeout));
        report_waiting();
        TROUBLE.pause(Instant::now() + TROUBLE_PATIENCE);
        done
    })
}

/// Reports the records that functions have not had: the end waits for them no longer.
fn report_waiting() {
    let waiting = STATS.functions.iter().map(|(name, function)| (name, function.lines.waiting.get()));
    let sinks: Vec<_> =
        waiting.filter(|(_, count)| *count > 0).map(|(name, count)| format!("{name} has not had {count}")).collect();
    if !sinks.is_empty() {
        TROUBLE.handle("give all records to sinks before the end", &sinks.join(", "));
    }
}

/// Shuts down an engine that was started after the exit hook had shut down everything.
pub fn shut_down_late_start(py: Python<'_>) {
    if engine(py).is_some_and(|engine| !engine.is_closed()) {
        shutdown(py, ending::PATIENCE);
    }
}
