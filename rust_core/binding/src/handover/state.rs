//! The state of the process: an engine, records that wait for one, or neither.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use pyo3::prelude::*;
use unified_logger_core::config::Settings;
use unified_logger_core::engine::Engine;
use unified_logger_core::error::{Error, Result};
use unified_logger_core::error_handler::ErrorHandler;
use unified_logger_core::slab::Buffer;

use super::stream;
use crate::context;
use crate::filter::guard;
use crate::interpreter::counts::STATS;
use crate::interpreter::ending;
use crate::interpreter::gil::Gil;
use crate::interpreter::stack;
use crate::redaction;

/// How long a fork and the end wait for the thread that reports trouble while there is no engine.
pub const TROUBLE_PATIENCE: Duration = Duration::from_millis(10);

/// Reports trouble while there is no engine.
pub static TROUBLE: LazyLock<ErrorHandler> = LazyLock::new(|| ErrorHandler::new(Arc::clone(&STATS)));

pub enum State {
    /// Not started. A bounded number of records is kept, with their loggers. A record has no logger here if `logging`
    /// has decided on its level and shown it, or if a context has decided.
    Early(Vec<(Buffer, Option<Py<PyAny>>)>),
    Running(Arc<Engine>),
    /// In a forked child: started again by its first record, or only opened if its parent had shut down.
    Forked {
        settings: Box<Settings>,
        closed: bool,
        /// Whether a record was dropped because no engine could be started.
        lost: bool,
    },
    /// Handlers of `logging` do the work (`USE_UNIFIED_LOGGING=false`).
    Off,
}

pub static STATE: Gil<State> = Gil::new(State::Early(Vec::new()));

/// The running engine, if there is one.
#[inline]
pub fn engine(py: Python<'_>) -> Option<&Arc<Engine>> {
    // SAFETY: used only until Python code can run; a caller that waits takes a clone.
    match unsafe { &*STATE.get(py) } {
        State::Running(engine) => Some(engine),
        _ => None,
    }
}

#[inline]
pub fn is_early(py: Python<'_>) -> bool {
    // SAFETY: looked at only.
    matches!(unsafe { &*STATE.get(py) }, State::Early(_))
}

pub fn replace(py: Python<'_>, state: State) -> State {
    if is_early(py) {
        context::end_the_beginning();
    }
    guard::leave_to_logging(py, matches!(state, State::Off));
    redaction::follow(
        py,
        match &state {
            State::Running(engine) => engine.settings().output.redaction.clone(),
            State::Forked { settings, .. } => settings.output.redaction.clone(),
            State::Early(_) | State::Off => None,
        },
    );
    // SAFETY: replaced at once; the caller drops the old one.
    let before = unsafe { std::mem::replace(&mut *STATE.get(py), state) };
    stream::ask_again(py);
    before
}

/// Reports trouble outside the engine, without blocking other threads.
#[cold]
pub fn report(py: Python<'_>, action: &'static str, error: &str) {
    ending::detached(py, || TROUBLE.handle(action, &error));
}

/// Does work that may wait, mostly for a disk, without the interpreter. Near the interpreter's end it keeps the
/// interpreter: the process must not end in the middle of a line.
pub fn apart<R: Send>(py: Python<'_>, work: impl FnOnce() -> R + Send) -> R {
    if ending::is_here(py) {
        return work();
    }
    let inside = ending::Inside::enter();
    ending::detached(py, || {
        // The end waits for the work, not for this thread, which may have to stay away.
        let _inside = inside;
        work()
    })
}

/// Opens an engine. Compiling its rules of redaction needs much stack.
pub fn open(settings: Settings) -> Result<Engine> {
    stack::spacious(|| Engine::open(settings, Arc::clone(&STATS)))
        .unwrap_or_else(|source| Err(Error::Thread { name: "unified_logger_work", source }))
}

/// Reports remarks about files if no engine does.
pub fn report_remarks(py: Python<'_>) {
    if engine(py).is_none() {
        apart(py, || TROUBLE.report_remarks());
    }
}
