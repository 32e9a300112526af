//! The native part of a logger: its logging methods, called without a Python frame or a dictionary of arguments.

mod ai;
mod docs;
mod methods;
mod named;
mod processed;
mod style;
mod write;

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use unified_logger_core::level;
use unified_logger_core::names;
use unified_logger_core::record::INLINE;

pub use ai::log_ai;
pub use methods::{attach_bound_methods, attach_methods};
pub use named::add_level;
pub use style::set_message_style;
pub use write::set_listened;

use crate::capture::{LoggerIdentity, site};
use crate::context::{self, BoundFields, Fields};
use crate::filter::guard::Guard;
use crate::filter::listeners;
use crate::filter::{self, Answers, At, CallSource, Decision, Door, Level, Levels, Name, Values};
use crate::interpreter::ending;
use crate::interpreter::gil::let_go_of_dropped;
use crate::interpreter::interrupt;
use crate::interpreter::made;
use crate::value::shown::text_of;
use style::Style;

/// Names a logger. The `logging.Logger` of the same name decides on levels.
#[pyclass(frozen, subclass, module = "unified_logger._core")]
pub struct Logger {
    name: String,
    number: u32,
    /// The number for calls that may be captured fast. `INLINE` if messages have to be merged in another way.
    fast_number: AtomicU32,
    /// How messages are merged, if that was said for this logger.
    style: Option<Style>,
    logger: Py<PyAny>,
    guard: UnsafeCell<Option<Box<Guard>>>,
    bound: Option<(Py<Logger>, BoundFields)>,
}

// SAFETY: everything but `guard` is immutable, and `guard` is touched only under the interpreter lock.
unsafe impl Sync for Logger {}

// SAFETY: as above.
unsafe impl Send for Logger {}

#[pymethods]
impl Logger {
    #[new]
    #[pyo3(signature = (name, logger, home=None, fields=None, style=None))]
    fn new(
        name: &Bound<'_, PyString>,
        logger: Bound<'_, PyAny>,
        home: Option<Bound<'_, Self>>,
        fields: Option<Bound<'_, PyDict>>,
        style: Option<&str>,
    ) -> PyResult<Self> {
        let _inside = ending::Inside::enter_or_stay(logger.py());
        // Lone surrogates and very long names are written as in any other text.
        let name = text_of(name.as_any());
        let number = names::here().logger(name.clone()).unwrap_or(INLINE);
        let bound = match (home, fields) {
            (Some(home), Some(fields)) => Some((home.unbind(), BoundFields::new(Fields::new(&fields)?))),
            _ => None,
        };
        let style = style.map(Style::read).transpose()?;
        let fast_number = AtomicU32::new(if style == Some(Style::Braces) { INLINE } else { number });
        Ok(Self { name, number, fast_number, style, logger: logger.unbind(), guard: UnsafeCell::new(None), bound })
    }

    /// The name.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// The `logging.Logger` of the same name, which decides on levels for both.
    #[getter]
    fn logger(&self, py: Python<'_>) -> Py<PyAny> {
        self.logger.clone_ref(py)
    }

    /// How messages are merged with their arguments, `%` or `{`, if that was said for this logger.
    #[getter]
    fn style(&self) -> Option<&'static str> {
        self.home().style.map(Style::sign)
    }

    /// A copy of the fields that every record of this logger has.
    #[getter]
    fn bound_fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        match &self.bound {
            Some((_, bound)) => bound.fields.named(py).copy(),
            None => made::dict(py),
        }
    }

    fn __repr__(&self) -> String {
        format!("<UnifiedLogger {}>", self.name)
    }

    /// References that may lead back here: an object may hold a logger that is bound to it.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.logger)?;
        let Some((home, bound)) = &self.bound else { return Ok(()) };
        visit.call(home)?;
        bound.traverse(&visit)
    }
}

impl Logger {
    /// The decision on a call at a standard level.
    #[inline]
    fn decide<'py, const BOUND: bool>(&self, py: Python<'py>, level: Level, values: Values<'_, 'py>) -> Decision<'py> {
        let home = if BOUND { self.home() } else { self };
        let asked;
        let answers = match home.known(py) {
            Some(known) => known,
            None => {
                asked = home.ask(py);
                &asked
            }
        };
        let context = move || if BOUND { self.identity().context(py) } else { context::current(py) };
        filter::decide(py, Door::Own, level, answers, context, move || self.source(values))
    }

    /// The decision on a call at any level. `logging` is asked about non-standard levels each time.
    fn decide_at<'py>(&self, py: Python<'py>, number: i32, values: Values<'_, 'py>) -> Decision<'py> {
        let (home, level) = (self.home(), Level::of(number));
        let answers = if ending::is_here(py) {
            home.ask(py)
        } else if level::is_standard(number) {
            home.known(py).copied().unwrap_or_else(|| home.ask(py))
        } else {
            let inside = ending::Inside::enter();
            let enabled =
                home.logger.bind(py).call_method1("isEnabledFor", (number,)).and_then(|answer| answer.is_truthy());
            drop(inside);
            let enabled = interrupt::ok(py, enabled).unwrap_or(true);
            home.known(py).copied().unwrap_or_else(|| home.ask(py)).between(level, enabled)
        };
        filter::decide(py, Door::Own, level, &answers, || self.identity().context(py), || self.source(values))
    }

    /// The decision on a call at a level that has a method of its own.
    fn decide_named<'py>(&self, py: Python<'py>, slot: usize, level: Level, values: Values<'_, 'py>) -> Decision<'py> {
        let home = self.home();
        let answers = match home.known(py) {
            Some(known) => *known,
            None => home.ask(py),
        };
        // SAFETY: looked at only. Without a guard every level is enabled.
        let enabled = unsafe { &*home.guard.get() }.as_ref().is_none_or(|guard| guard.is_enabled_named(slot));
        let answers = answers.between(level, enabled);
        filter::decide(py, Door::Own, level, &answers, || self.identity().context(py), || self.source(values))
    }

    /// The answers of the guard. Valid until Python code runs.
    #[inline]
    fn known(&self, py: Python<'_>) -> Option<&Answers> {
        // SAFETY: under the interpreter lock, and checking runs no Python code.
        let guard = unsafe { &*self.guard.get() };
        guard.as_ref().filter(|guard| guard.is_current(py)).map(|guard| guard.answers())
    }

    #[cold]
    fn ask(&self, py: Python<'_>) -> Answers {
        if ending::is_here(py) {
            // The last answers remain, and a call without answers is kept. Nobody else is shown a record any more.
            // SAFETY: looked at only.
            let known = unsafe { &*self.guard.get() };
            let unknown = || Answers::unknown(py, Name::Text(&self.name), Levels::NONE);
            return known.as_ref().map_or_else(unknown, |guard| guard.answers().natively());
        }
        // SAFETY: under the interpreter lock, and refreshing runs no Python code.
        if let Some(guard) = unsafe { &mut *self.guard.get() }
            && guard.refresh(py)
        {
            return *guard.answers();
        }
        let _inside = ending::Inside::enter();
        let logger = self.logger.bind(py);
        let asked = Guard::ask(logger).and_then(|guard| match guard.is_kept_out() {
            true if listeners::notice(logger, guard.is_disabled(), true) => Guard::ask(logger),
            _ => Ok(guard),
        });
        match asked {
            Ok(guard) => {
                let answers = *guard.answers();
                let number = if self.has_braces(py) { INLINE } else { self.number };
                self.fast_number.store(number, Ordering::Relaxed);
                // SAFETY: replaced at once; the old one is dropped after, and may run Python code then.
                let old = unsafe { (*self.guard.get()).replace(Box::new(guard)) };
                drop(old);
                let_go_of_dropped();
                answers
            }
            // A logger class that breaks in `isEnabledFor` still logs.
            Err(error) => {
                interrupt::hold(py, &error);
                Answers::unknown(py, Name::Text(&self.name), Levels::ALL)
            }
        }
    }

    /// The source of its calls, for filters.
    fn source<'a, 'py>(&'a self, values: Values<'a, 'py>) -> CallSource<'a, 'py> {
        CallSource {
            logger: Name::Text(&self.name),
            at: At::Running { find: |py| site::caller(py, 1), number: site::key },
            values,
            bound: self.bound.as_ref().map(|(_, bound)| bound),
        }
    }

    fn identity(&self) -> LoggerIdentity<'_> {
        LoggerIdentity { number: self.number, name: &self.name, bound: self.bound.as_ref().map(|(_, bound)| bound) }
    }

    /// The same for calls that may be captured fast.
    #[inline]
    fn fast_identity<const BOUND: bool>(&self) -> LoggerIdentity<'_> {
        let home = if BOUND { self.home() } else { self };
        LoggerIdentity { number: home.fast_number.load(Ordering::Relaxed), ..self.identity() }
    }

    /// Whether messages are merged as by `str.format`.
    fn has_braces(&self, py: Python<'_>) -> bool {
        self.home().style.unwrap_or_else(|| style::of_all(py)) == Style::Braces
    }

    /// The logger whose guard this one shares. A logger with fields of its own shares that of the logger it was bound
    /// from.
    #[inline]
    fn home(&self) -> &Self {
        self.bound.as_ref().map_or(self, |(home, _)| home.get())
    }
}
