//! Whether calls on a `logging.Logger` are logged natively, remembered for each logger.

use pyo3::prelude::*;
use pyo3::types::PyString;
use unified_logger_core::names;
use unified_logger_core::record::INLINE;

use super::native;
use super::stock;
use crate::filter::guard::{self, Guard};
use crate::filter::listeners;
use crate::filter::{Answers, is_enabled_for};
use crate::interpreter::cache::Cache;
use crate::interpreter::ending;
use crate::interpreter::gil::intern;
use crate::interpreter::gil::{Gil, let_go_of_dropped};
use crate::interpreter::interrupt;
use crate::interpreter::watch::dict_of;
use crate::value::shown::text_of;

/// Methods of `logging` that the logger's class must have, besides those that the guard checks.
const METHODS: [&str; 4] = ["_log", "findCaller", "isEnabledFor", "getEffectiveLevel"];
/// Attributes that must not be patched on the logger itself.
const PATCHABLE: [&str; 9] = [
    "_log",
    "findCaller",
    "isEnabledFor",
    "getEffectiveLevel",
    "makeRecord",
    "filter",
    "handle",
    "callHandlers",
    "error",
];

struct CachedLogger {
    logger: Py<PyAny>,
    guard: Guard,
    native: Option<NativeLogger>,
}

static LOGGERS: Gil<Cache<CachedLogger, 512>> = Gil::new(Cache::new());

/// A logger whose calls are logged natively.
pub struct NativeLogger {
    pub answers: Answers,
    pub number: u32,
}

/// `None` if `logging` has to log the calls. Valid until Python code runs.
#[inline]
pub fn find<'a>(logger: &'a Bound<'_, PyAny>) -> Option<&'a NativeLogger> {
    let py = logger.py();
    if !stock::is_stock(py) {
        return None;
    }
    match cached(logger) {
        Some(cached) if cached.guard.is_current(py) => cached.native.as_ref(),
        _ => ask_again(logger),
    }
}

#[inline]
fn cached<'a>(logger: &'a Bound<'_, PyAny>) -> Option<&'a CachedLogger> {
    // SAFETY: looked at only.
    unsafe { &*LOGGERS.get(logger.py()) }.find(logger.as_ptr() as u64, |cached| cached.logger.is(logger))
}

#[cold]
fn ask_again<'a>(logger: &'a Bound<'_, PyAny>) -> Option<&'a NativeLogger> {
    let py = logger.py();
    if ending::is_here(py) {
        return None;
    }
    let _inside = ending::Inside::enter();
    match ask(logger) {
        Ok(asked) => {
            // SAFETY: no Python code runs while the reference lives.
            let evicted = unsafe { &mut *LOGGERS.get(py) }
                .insert(logger.as_ptr() as u64, asked, |cached| cached.logger.is(logger));
            drop(evicted);
            let_go_of_dropped();
            cached(logger)?.native.as_ref()
        }
        Err(error) => {
            interrupt::hold(py, &error);
            None
        }
    }
}

fn ask(logger: &Bound<'_, PyAny>) -> PyResult<CachedLogger> {
    let guard = Guard::ask(logger)?;
    if guard.is_kept_out() {
        listeners::notice(logger, guard.is_disabled(), false);
    }
    // After the guard, which notices every change from now on.
    let name = logger.getattr(intern!(logger.py(), "name"))?;
    let number = if name.is_exact_instance_of::<PyString>() {
        names::here().logger(text_of(&name)).unwrap_or(INLINE)
    } else {
        INLINE
    };
    let native = guard.reaches_root_handler() && number != INLINE && is_unpatched(logger)?;
    let native = native.then(|| NativeLogger { answers: *guard.answers(), number });
    Ok(CachedLogger { logger: logger.clone().unbind(), guard, native })
}

/// Whether no method of the logger is overridden or patched.
fn is_unpatched(logger: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = logger.py();
    let logging = py.import(intern!(py, "logging"))?;
    let stock = logging.getattr(intern!(py, "Logger"))?;
    let class = logger.get_type();
    for name in METHODS {
        let method = class.getattr(name)?;
        if !(guard::is_of_logging(&method, &logging) || is_enabled_for::is_own(&method))
            || !method.is(&stock.getattr(name)?)
        {
            return Ok(false);
        }
    }
    // `exception` calls `error`.
    if !native::is_own(&class.getattr(intern!(py, "error"))?) {
        return Ok(false);
    }
    let own = dict_of(logger)?;
    for name in PATCHABLE {
        if own.contains(name)? {
            return Ok(false);
        }
    }
    Ok(true)
}
