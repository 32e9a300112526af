//! Whether a logger is enabled for a level, and whether anybody else listens. `logging` is asked once, and the answer
//! is remembered until something changes that could change the answer.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use unified_logger_core::level;
use unified_logger_core::names;

use super::chain::{Chain, Noted};
use super::shape::Shape;
use super::{Answers, Levels, Name, is_enabled_for, named, wanted};
use crate::interpreter::gil::Gil;
use crate::interpreter::gil::intern;
use crate::interpreter::interrupt;
use crate::interpreter::watch::Watched;

/// The root handler that brings `logging` records in.
static ROOT_HANDLER: Gil<Option<Py<PyAny>>> = Gil::new(None);

/// Changes to make every remembered answer stale at once.
static EPOCH: Gil<u64> = Gil::new(0);
/// An epoch that never comes: a guard with it asks again at each call.
const NEVER: u64 = u64::MAX;

pub fn set_root_handler(py: Python<'_>, handler: Option<Py<PyAny>>) {
    ask_again(py);
    drop(ROOT_HANDLER.replace(py, handler));
}

/// Whether handlers of `logging` do the engine's work.
static LEFT_TO_LOGGING: Gil<bool> = Gil::new(false);

/// Sets whether handlers of `logging` do the engine's work (`USE_UNIFIED_LOGGING=false`).
pub fn leave_to_logging(py: Python<'_>, on: bool) {
    LEFT_TO_LOGGING.replace(py, on);
}

fn is_left_to_logging(py: Python<'_>) -> bool {
    LEFT_TO_LOGGING.copied(py)
}

/// Makes every guard ask again.
pub fn ask_again(py: Python<'_>) {
    // SAFETY: a number.
    unsafe { *EPOCH.get(py) += 1 };
}

pub fn epoch(py: Python<'_>) -> u64 {
    EPOCH.copied(py)
}

/// The root handler, once there is one.
pub fn root_handler(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    ROOT_HANDLER.held(py)
}

pub fn is_root_handler(handler: &Bound<'_, PyAny>) -> bool {
    // SAFETY: looked at only.
    unsafe { &*ROOT_HANDLER.get(handler.py()) }.as_ref().is_some_and(|root| root.as_ptr() == handler.as_ptr())
}

/// The remembered answers of one logger.
pub struct Guard {
    answers: Answers,
    epoch: u64,
    watched: Watched,
    shape: Shape,
    _held: Vec<Py<PyAny>>,
    /// Whether the root handler would be given a record of the logger.
    reaches_root_handler: bool,
    /// The levels with methods of their own for which the logger is enabled, a bit for each slot.
    enabled_named: u32,
}

// SAFETY: used under the interpreter lock; `_held` keeps what the pointers mean alive.
unsafe impl Send for Guard {}

impl Guard {
    #[inline]
    pub fn is_current(&self, py: Python<'_>) -> bool {
        self.epoch == epoch(py) && self.watched.is_unchanged() && self.shape.is_unchanged()
    }

    #[inline]
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// Whether the logger is enabled for a level with a method of its own.
    #[inline]
    pub fn is_enabled_named(&self, slot: usize) -> bool {
        self.enabled_named & 1 << slot != 0
    }

    /// Whether a record that `logging` makes would come to the root handler.
    pub fn reaches_root_handler(&self) -> bool {
        self.reaches_root_handler
    }

    /// Whether the logger is disabled, or the root handler would not be given its records.
    pub fn is_kept_out(&self) -> bool {
        self.is_disabled() || !self.reaches_root_handler
    }

    pub fn is_disabled(&self) -> bool {
        self.answers.is_disabled()
    }

    /// Makes the guard current again if nothing has changed that it depends on: handlers of others may have stored
    /// attributes of their own.
    pub fn refresh(&mut self, py: Python<'_>) -> bool {
        self.epoch == epoch(py) && self.shape.is_unchanged() && self.watched.refresh(py)
    }

    /// Asks a `logging.Logger` for all answers.
    pub fn ask(logger: &Bound<'_, PyAny>) -> PyResult<Self> {
        // If Python code changes the logger during the questions, its cache is empty. A few rounds settle that.
        for _ in 0..4 {
            let (guard, whole) = Self::ask_once(logger)?;
            if whole {
                return Ok(guard);
            }
        }
        let (guard, _) = Self::ask_once(logger)?;
        Ok(Self { epoch: NEVER, ..guard })
    }

    fn ask_once(logger: &Bound<'_, PyAny>) -> PyResult<(Self, bool)> {
        let py = logger.py();
        let epoch = epoch(py);
        let logging = py.import(intern!(py, "logging"))?;
        // The first question fills the cache, which would count as a change.
        Self::levels(logger)?;
        Self::named_levels(logger)?;
        // Another thread or the answering Python code may change the logger during the questions. To notice that,
        // everything is noted first and asked after.
        let chain = Chain::of(logger)?;
        let cache = logger.getattr(intern!(py, "_cache"))?.cast_into::<PyDict>()?;
        let Noted { watched, shape, versioned, mut held } = chain.note(&logging, &cache)?;
        let enabled = Self::levels(logger)?;
        let enabled_named = Self::named_levels(logger)?;
        // The answers stay valid with the cache only if they are equal to the cached ones. They may differ: some
        // releases of 3.13 answer no while the thread is inside a handler of `logging`, and so may a class of its own.
        let mut whole = true;
        for bucket in 0..level::NAMES.len() {
            let kept = cache.get_item((bucket + 1) * 10)?.map(|kept| kept.is_truthy()).transpose()?;
            whole &= kept == Some(enabled & 1 << bucket != 0);
        }
        // A disabled logger answers no without its cache.
        if logger.getattr(intern!(py, "disabled"))?.is_truthy()? {
            whole = enabled == 0;
        }
        // The standard levels may have other names too.
        for bucket in 0..level::NAMES.len() {
            note_level_name(&logging, (bucket as i32 + 1) * 10)?;
        }
        let again = Chain::of(logger)?;
        whole &= again.held().iter().map(Py::as_ptr).eq(chain.held().iter().map(Py::as_ptr));
        held.extend(chain.held());
        let (mut listened, kept) = again.listened(&logging)?;
        if is_left_to_logging(py) {
            listened = Levels::ALL;
        }
        let guard = Self {
            // A class without a version would not show its changes.
            epoch: if versioned { epoch } else { NEVER },
            watched,
            shape,
            answers: Answers::new(
                enabled,
                wanted(py, Name::Logger(logger)),
                listened,
                kept,
                is_enabled_for::off(logger)?,
            ),
            reaches_root_handler: again.reaches_root_handler()?,
            _held: held,
            enabled_named,
        };
        Ok((guard, whole))
    }

    /// The levels for which the logger is enabled, a bit for each standard level.
    fn levels(logger: &Bound<'_, PyAny>) -> PyResult<u8> {
        let mut enabled = 0;
        for bucket in 0..level::NAMES.len() {
            let answer = is_enabled_for::without_context(logger, (bucket as i32 + 1) * 10)?;
            enabled |= u8::from(answer.is_truthy()?) << bucket;
        }
        Ok(enabled)
    }

    /// The same for the levels with methods of their own, a bit for each slot.
    fn named_levels(logger: &Bound<'_, PyAny>) -> PyResult<u32> {
        let py = logger.py();
        let mut enabled = 0;
        for slot in 0..named::count(py) {
            let Some(level) = named::at(py, slot) else { break };
            let answer = is_enabled_for::without_context(logger, level.number)?;
            enabled |= u32::from(answer.is_truthy()?) << slot;
        }
        Ok(enabled)
    }
}

/// Whether a function was defined in `logging`. A patch may copy the original's name and module (`functools.wraps`),
/// but not its globals. An object of `wrapt` shows these too, but is no function.
pub fn is_of_logging(function: &Bound<'_, PyAny>, logging: &Bound<'_, PyModule>) -> bool {
    let py = function.py();
    // SAFETY: a live object.
    let is_function = unsafe { ffi::PyFunction_Check(function.as_ptr()) } != 0;
    is_function
        && interrupt::ok(py, function.getattr(intern!(py, "__globals__"))).is_some_and(|home| home.is(logging.dict()))
}

/// Uses the name that `logging` has for a level in records.
pub fn note_level_name(logging: &Bound<'_, PyModule>, number: i32) -> PyResult<()> {
    let name = logging.call_method1(intern!(logging.py(), "getLevelName"), (number,))?.str()?;
    names::here().set_level_name(number, &name.to_string_lossy());
    Ok(())
}
