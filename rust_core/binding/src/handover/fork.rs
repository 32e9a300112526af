//! Forks: the writer pauses while a process forks, and a child starts its own engine with its first record.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use unified_logger_core::config::Settings;
use unified_logger_core::engine::Engine;

use super::state::{STATE, State, TROUBLE, TROUBLE_PATIENCE, apart, engine, open, replace};
use super::terminal;
use crate::filter;
use crate::interpreter::counts::STATS;
use crate::interpreter::ending;
use crate::interpreter::fork;
use crate::interpreter::pending;

thread_local! {
    /// Whether this thread is forking. A record that it logs during the fork must not wait for the paused writer. There
    /// are such records: 3.12 warns of other threads before it runs the hooks that end the pause.
    pub static FORKS: Cell<bool> = const { Cell::new(false) };
}

/// The running engine. In a forked child it is started if necessary.
pub fn revived(py: Python<'_>) -> Option<Arc<Engine>> {
    fork::notice(py);
    // SAFETY: no Python code runs while the reference lives.
    let State::Forked { settings, closed, .. } = (unsafe { &*STATE.get(py) }) else { return engine(py).cloned() };
    let (settings, closed) = (Settings::clone(settings), *closed);
    let opened = apart(py, || {
        open(settings).inspect(|engine| {
            if closed {
                engine.shutdown(Duration::ZERO);
            }
        })
    });
    let engine = match opened {
        Ok(engine) => engine,
        Err(error) => {
            apart(py, || TROUBLE.handle("start after a fork", &error));
            return None;
        }
    };
    // SAFETY: looked at only.
    if !matches!(unsafe { &*STATE.get(py) }, State::Forked { .. }) {
        // Another thread has opened an engine first.
        apart(py, || engine.discard());
        return self::engine(py).cloned();
    }
    let started = if closed { Ok(()) } else { engine.start() };
    engine.make_current();
    let engine = Arc::new(engine);
    drop(replace(py, State::Running(Arc::clone(&engine))));
    filter::follow(py, Some(&engine));
    if let Err(error) = started {
        // Calls write their records themselves until there is a writer thread.
        apart(py, || TROUBLE.handle("start the writer after a fork", &error));
    }
    Some(engine)
}

pub fn before_fork(py: Python<'_>) {
    fork::notice(py);
    FORKS.set(true);
    let engine = engine(py).cloned();
    ending::detached(py, || {
        if let Some(engine) = engine {
            engine.pause();
        }
        TROUBLE.pause(Instant::now() + TROUBLE_PATIENCE);
    });
}

pub fn after_fork_in_parent(py: Python<'_>) {
    FORKS.set(false);
    let Some(engine) = engine(py).cloned() else { return };
    engine.end_pause();
    if !pending::after_fork(go_on_writing, std::ptr::null_mut()) {
        ending::detached(py, || engine.go_on_writing());
    }
}

extern "C" fn go_on_writing(_: *mut c_void) -> c_int {
    // SAFETY: pending calls are made with the interpreter attached.
    let py = unsafe { Python::assume_attached() };
    if let Some(engine) = engine(py).cloned() {
        // The interpreter calls this function, and it cannot be unwound. A missing writer is started by the next flush.
        let _ = catch_unwind(AssertUnwindSafe(|| ending::detached(py, || engine.go_on_writing())));
    }
    0
}

/// Forgets the writer and the queue in a child: there is no writer thread, and the records in the queue are the
/// parent's.
pub fn after_fork_in_child(py: Python<'_>) {
    FORKS.set(false);
    terminal::after_fork_in_child(py);
    // Early records of the parent are the parent's to deliver.
    STATS.restart();
    // SAFETY: taken at once; dropped after.
    if let State::Early(early) = unsafe { &mut *STATE.get(py) } {
        let inherited = std::mem::take(early);
        drop(inherited);
        return;
    }
    let Some(engine) = engine(py).cloned() else { return };
    let closed = engine.is_closed();
    engine.forget_in_child();
    // What was left out is the parent's to tell. The rules of the child begin with its first record.
    filter::forget_rules(py);
    let old = replace(py, State::Forked { settings: Box::new(engine.settings().clone()), closed, lost: false });
    // The engine's threads and locks exist only in the parent, and its records are the parent's to write. Nothing of
    // the engine may be touched again, so it is never dropped.
    std::mem::forget(old);
    std::mem::forget(engine);
}
