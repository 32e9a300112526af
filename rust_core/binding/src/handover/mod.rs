//! The one engine of the process, and what becomes of records while there is none.

pub mod stream;

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use pyo3::ffi;
use pyo3::prelude::*;
use unified_logger_core::config::Settings;
use unified_logger_core::encoder::ConsoleEncoder;
use unified_logger_core::engine::Engine;
use unified_logger_core::error::{Error, Result};
use unified_logger_core::error_handler::ErrorHandler;
use unified_logger_core::level;
use unified_logger_core::names;
use unified_logger_core::platform;
use unified_logger_core::queue::Offered;
use unified_logger_core::record::{Record, level_of};
use unified_logger_core::redaction::{Redactor, Rules};
use unified_logger_core::slab::{self, Buffer};
use unified_logger_core::stats::Dropped;
use unified_logger_core::value::{OutOfMemory, Put};

use crate::capture::site;
use crate::context;
use crate::filter::guard;
use crate::filter::is_enabled_for;
use crate::interpreter::counts::{FILTERED, MALFORMED, STATS};
use crate::interpreter::ending;
use crate::interpreter::fork;
use crate::interpreter::gil::Gil;
use crate::interpreter::interrupt;
use crate::interpreter::pending;
use crate::interpreter::stack;
use crate::redaction;

/// Records kept before the first start.
const EARLY: usize = 1_000;
/// A waiting thread comes back this often to run signal handlers.
const SLICE: Duration = Duration::from_millis(50);

/// How long the thread that tells of trouble while there is no engine is waited for at a fork and at the end.
const TROUBLE_PATIENCE: Duration = Duration::from_millis(10);

/// Told while there is no engine.
static TROUBLE: LazyLock<ErrorHandler> = LazyLock::new(|| ErrorHandler::new(Arc::clone(&STATS)));
pub enum State {
    /// Not started: records are kept, up to a bound, with the logger they came from. Some have none: those that came through
    /// `logging`, which has asked for their level and has shown them, and those on which a context has decided.
    Early(Vec<(Buffer, Option<Py<PyAny>>)>),
    Running(Arc<Engine>),
    /// In a forked child: started again by its first record, or only opened if its parent had shut down.
    Forked {
        settings: Box<Settings>,
        closed: bool,
        /// Whether a record was dropped because it could not be.
        lost: bool,
    },
    /// Handlers of `logging` do the work (`USE_UNIFIED_LOGGING=false`).
    Off,
}

thread_local! {
    /// Whether this thread forks now. What it logs meanwhile must not wait for a writer that rests: 3.12 warns of threads, which are
    /// records, before it tells that the fork is over.
    static FORKS: Cell<bool> = const { Cell::new(false) };
}

static STATE: Gil<State> = Gil::new(State::Early(Vec::new()));

/// The running engine, if there is one.
#[inline]
pub fn engine(py: Python<'_>) -> Option<&Arc<Engine>> {
    // SAFETY: only used until Python code can run; whoever waits takes a clone.
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

fn replace(py: Python<'_>, state: State) -> State {
    if is_early(py) {
        context::end_the_beginning();
    }
    guard::leave_to_logging(py, matches!(state, State::Off));
    redaction::follow(
        py,
        match &state {
            State::Running(engine) => engine.settings().redaction.clone(),
            State::Forked { settings, .. } => settings.redaction.clone(),
            State::Early(_) | State::Off => None,
        },
    );
    // SAFETY: replaced at once; the caller drops the old one.
    unsafe { std::mem::replace(&mut *STATE.get(py), state) }
}

/// Runs a logging call so that no panic reaches the interpreter: it costs the call's record, and is counted. What is for the program
/// is raised all the same.
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
    // Of a call that came to nothing the level is not known any more; what is lost counts as the worst.
    STATS.drop_one(if without_memory { Dropped::Memory } else { Dropped::Panic }, level::CRITICAL);
}

/// Tells trouble that has nothing to do with the engine, without holding anybody up meanwhile.
#[cold]
pub fn tell(py: Python<'_>, action: &'static str, error: &str) {
    ending::detached(py, || TROUBLE.handle(action, &error));
}

/// Hands over a captured record. Waits without the interpreter when the queue is full and the policy says so.
///
/// # Errors
/// Only what a signal handler raised while waiting (Ctrl-C).
#[inline]
pub fn submit(py: Python<'_>, mut record: Buffer, logger: *mut ffi::PyObject) -> PyResult<()> {
    // First of all: both may run Python code, and that may reconfigure.
    if stream::wants(py, level_of(record.as_slice())) {
        record = stream::show(py, record);
    }
    hand_over(py, record, logger)
}

/// The same for a record that is shown already where it is to be.
#[inline]
fn hand_over(py: Python<'_>, record: Buffer, logger: *mut ffi::PyObject) -> PyResult<()> {
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

/// Has a record written by this call, since no writer does.
#[cold]
fn submit_unattended(py: Python<'_>, engine: &Arc<Engine>, offered: Offered) -> PyResult<()> {
    let offered = apart(py, || engine.see_to(offered));
    settle(py, engine, offered)
}

/// Offers a record once more. Without a writer it is written here.
fn offer(py: Python<'_>, engine: &Arc<Engine>, record: Buffer) -> Offered {
    let offered = engine.hand_in(record);
    if engine.is_unattended() { apart(py, || engine.see_to(offered)) } else { offered }
}

/// Does what may wait, for a disk above all, without the interpreter; near its end with it, as the process must not end in the middle of a
/// line.
fn apart<R: Send>(py: Python<'_>, work: impl FnOnce() -> R + Send) -> R {
    if ending::is_here(py) {
        return work();
    }
    let inside = ending::Inside::enter();
    ending::detached(py, || {
        // The end waits for the work, and not for this thread, which may have to stay away.
        let _inside = inside;
        work()
    })
}

#[cold]
fn settle(py: Python<'_>, engine: &Arc<Engine>, mut offered: Offered) -> PyResult<()> {
    let started = Instant::now();
    let patience = engine.settings().overflow_timeout;
    while let Offered::Full(record) = offered {
        if let Some(successor) = successor(py, engine) {
            // Reconfigured meanwhile: the record goes where all others go now.
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
        let (forks, copy) = (slab::forks(), record.as_slice().to_vec());
        let handled = py.check_signals();
        fork::notice(py);
        if slab::forks() != forks {
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

/// Gives up a record that found no room. What is told of it may wait for standard error.
fn refuse(py: Python<'_>, engine: &Engine, record: Buffer) {
    apart(py, || engine.refuse(record, Dropped::Timeout));
}

/// After a signal handler that forked: the parent goes on with the record, this process with a copy from before.
#[cold]
fn settle_in_child(py: Python<'_>, record: Buffer, copy: &[u8]) -> PyResult<()> {
    drop(record);
    let mut own = Buffer::take();
    own.put(copy);
    // Past the start there is no early record, which alone needs its logger.
    hand_over(py, own, std::ptr::null_mut())
}

/// Waits without the interpreter, with the record at hand: should the thread not come back, it is written all the same.
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

/// Errors have as much room again.
fn early_limit(record: &Buffer) -> usize {
    if level_of(record.as_slice()) >= level::ERROR { EARLY * 2 } else { EARLY }
}

/// The engine that took this one's place, if one did.
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
        // The guards were told to ask anew: a call that was already on its way comes here.
        State::Off => {
            STATS.refused.add(1);
            STATS.drop_one(Dropped::Shutdown, level_of(record.as_slice()));
            Ok(())
        }
    }
}

/// The running engine; in a forked child it is started if it was not yet.
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
        // Another thread was faster.
        apart(py, || engine.discard());
        return self::engine(py).cloned();
    }
    let started = if closed { Ok(()) } else { engine.start() };
    engine.make_current();
    let engine = Arc::new(engine);
    drop(replace(py, State::Running(Arc::clone(&engine))));
    if let Err(error) = started {
        // Its calls write themselves until there is a thread.
        apart(py, || TROUBLE.handle("start the writer after a fork", &error));
    }
    Some(engine)
}

/// Opens an engine. Its rules of redaction are compiled, which goes deep.
fn open(settings: Settings) -> Result<Engine> {
    stack::spacious(|| Engine::open(settings, Arc::clone(&STATS)))
        .unwrap_or_else(|source| Err(Error::Thread { name: "unified_logger_work", source }))
}

/// Starts the engine, or replaces the one that runs: what the old one had accepted is written first.
pub fn start(py: Python<'_>, settings: Settings, patience: Duration) -> Result<()> {
    fork::notice(py);
    Engine::look_for_memory(&settings)?;
    site::prepare(py);
    let engine = ending::detached(py, || {
        let engine = open(settings)?;
        // All that may fail comes before anything changes.
        match engine.start_held() {
            Ok(()) => {
                // Without room for it on this stack the writer is the first to look.
                let _ = stack::spacious(|| engine.look_for_boxes());
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
    let early = match before {
        State::Running(old) => {
            ending::detached(py, move || {
                old.shutdown(patience);
                // Its files are closed here.
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

/// Leaves everything to handlers of `logging`, what was kept until now included.
pub fn turn_off(py: Python<'_>) {
    let before = replace(py, State::Off);
    match before {
        State::Early(early) => {
            // Captured for the core: plain handlers cannot take them.
            for (record, _) in &early {
                STATS.refused.add(1);
                STATS.drop_one(Dropped::Shutdown, level_of(record.as_slice()));
            }
        }
        // Its files are closed.
        State::Running(old) => ending::detached(py, move || drop(old)),
        State::Forked { .. } | State::Off => {}
    }
}

/// Hands over what came before the start and is enabled now.
fn deliver_early(py: Python<'_>, early: Vec<(Buffer, Option<Py<PyAny>>)>) {
    // A child that one of these forks has a call to go on with, but not these: they are its parent's to deliver.
    let forks = slab::forks();
    let has_forked = || {
        fork::notice(py);
        slab::forks() != forks
    };
    for (record, logger) in early {
        if has_forked() {
            return;
        }
        let level = level_of(record.as_slice());
        let enabled = logger.as_ref().is_none_or(|logger| {
            // The context in which logging is started has nothing to do with them.
            let answer = is_enabled_for::without_context(logger.bind(py), level).and_then(|answer| answer.is_truthy());
            interrupt::ok(py, answer).unwrap_or(true)
        });
        if has_forked() {
            return;
        }
        if enabled {
            let submitted = submit(py, record, logger.as_ref().map_or(std::ptr::null_mut(), Py::as_ptr));
            // A signal that arrives now is for the main program, once all are delivered.
            if let Err(error) = submitted {
                interrupt::hold(py, &error);
            }
        } else {
            FILTERED.add(1);
        }
    }
}

/// Tells what was noticed of a file, where no engine does.
pub fn tell_remarks(py: Python<'_>) {
    if engine(py).is_none() {
        apart(py, || TROUBLE.tell_remarks());
    }
}

pub fn has_early(py: Python<'_>) -> bool {
    // SAFETY: looked at only.
    matches!(unsafe { &*STATE.get(py) }, State::Early(early) if !early.is_empty())
}

/// At exit without a start: what was a warning or worse, and was shown to nobody, goes to standard error.
pub fn show_early(py: Python<'_>, redaction: Option<Arc<Rules>>) {
    // SAFETY: taken at once.
    let early = match unsafe { &mut *STATE.get(py) } {
        State::Early(early) => std::mem::take(early),
        _ => return,
    };
    let mut redactor = redaction.map(|rules| Redactor::new(rules, Arc::clone(names::here())));
    let mut encoder = ConsoleEncoder::new(false);
    let mut lines = Vec::new();
    for (record, _) in early.iter().filter(|(_, logger)| logger.is_some()) {
        // SAFETY: captured records hold UTF-8 texts.
        if let Some(record) = unsafe { Record::read(record.as_slice()) }
            && record.header.level >= level::WARNING
        {
            let record = redactor.as_mut().map_or(record, |redactor| redactor.redact(&record));
            encoder.encode(&record, &mut lines);
        }
    }
    tell_early_drops(&mut lines);
    // Nowhere is left to tell that it failed.
    let _ = apart(py, || platform::write_stderr(&lines));
}

/// Says how many records found no room before a start that never came, if any of them would have been shown.
fn tell_early_drops(lines: &mut Vec<u8>) {
    let mut levels = [0; level::NAMES.len()];
    for (_, dropped) in STATS.dropped() {
        levels.iter_mut().zip(dropped).for_each(|(sum, count)| *sum += count);
    }
    let counts = || level::NAMES.iter().zip(levels).filter(|(_, count)| *count > 0);
    if !counts().any(|(name, _)| matches!(*name, "WARNING" | "ERROR" | "CRITICAL")) {
        return;
    }
    let told: Vec<_> = counts().map(|(name, count)| format!("{count} at {name}")).collect();
    let line = format!(
        "unified_logger: logging was never started, and of the records beyond the first {EARLY} (errors have as much room again) these were dropped: {}\n",
        told.join(", ")
    );
    lines.extend_from_slice(line.as_bytes());
}

/// Waits until everything accepted before is on disk. `None` waits as long as it takes.
///
/// # Errors
/// Only what a signal handler raised while waiting.
pub fn flush(py: Python<'_>, timeout: Option<Duration>) -> PyResult<bool> {
    fork::notice(py);
    let Some(engine) = engine(py).cloned() else {
        // SAFETY: looked at only.
        let lost = matches!(unsafe { &*STATE.get(py) }, State::Forked { lost: true, .. });
        return Ok(!lost && (is_early(py) || STATS.depth() == 0));
    };
    let started = Instant::now();
    let answer = ending::detached(py, || engine.request_flush(timeout.is_some()));
    let on_disk = loop {
        let left = timeout.map_or(SLICE, |timeout| timeout.saturating_sub(started.elapsed()).min(SLICE));
        if let Some(on_disk) = ending::detached(py, || answer.wait(left)) {
            break on_disk;
        }
        py.check_signals()?;
        if engine.has_given_up() || timeout.is_some_and(|timeout| started.elapsed() >= timeout) {
            return Ok(false);
        }
    };
    let left = timeout.map_or(Duration::from_secs(1), |timeout| timeout.saturating_sub(started.elapsed()));
    ending::detached(py, || engine.flush_console(left.min(Duration::from_secs(1))));
    Ok(on_disk)
}

/// Writes what is queued and ends the writer. True when nothing was left unwritten.
pub fn shutdown(py: Python<'_>, timeout: Duration) -> bool {
    fork::notice(py);
    let engine = engine(py).cloned();
    ending::detached(py, || {
        let done = engine.is_none_or(|engine| engine.shutdown(timeout));
        TROUBLE.rest(Instant::now() + TROUBLE_PATIENCE);
        done
    })
}

/// Shuts down what was started after the exit hook had shut down everything.
pub fn shut_down_late_start(py: Python<'_>) {
    if engine(py).is_some_and(|engine| !engine.is_closed()) {
        shutdown(py, ending::PATIENCE);
    }
}

pub fn before_fork(py: Python<'_>) {
    fork::notice(py);
    FORKS.set(true);
    let engine = engine(py).cloned();
    ending::detached(py, || {
        if let Some(engine) = engine {
            engine.rest();
        }
        TROUBLE.rest(Instant::now() + TROUBLE_PATIENCE);
    });
}

pub fn after_fork_in_parent(py: Python<'_>) {
    FORKS.set(false);
    let Some(engine) = engine(py).cloned() else { return };
    engine.end_rest();
    if !pending::after_fork(go_on_writing, std::ptr::null_mut()) {
        ending::detached(py, || engine.go_on_writing());
    }
}

extern "C" fn go_on_writing(_: *mut c_void) -> c_int {
    // SAFETY: pending calls are made with the interpreter attached.
    let py = unsafe { Python::assume_attached() };
    if let Some(engine) = engine(py).cloned() {
        // What calls this cannot be unwound. A writer that is missing is started by the next flush.
        let _ = catch_unwind(AssertUnwindSafe(|| ending::detached(py, || engine.go_on_writing())));
    }
    0
}

/// The child has no writer, and another process's records in its queue: it forgets both.
pub fn after_fork_in_child(py: Python<'_>) {
    FORKS.set(false);
    // What the parent logged before a start is the parent's to deliver.
    FILTERED.set(0);
    MALFORMED.set(0);
    // SAFETY: taken at once; dropped after.
    if let State::Early(early) = unsafe { &mut *STATE.get(py) } {
        let inherited = std::mem::take(early);
        drop(inherited);
        STATS.restart();
        return;
    }
    let Some(engine) = engine(py).cloned() else { return };
    let closed = engine.is_closed();
    engine.forget_in_child();
    let old = replace(py, State::Forked { settings: Box::new(engine.settings().clone()), closed, lost: false });
    // Its threads and locks exist only in the parent, and what it holds is the parent's to write: nothing of it may be touched
    // again.
    std::mem::forget(old);
    std::mem::forget(engine);
}
