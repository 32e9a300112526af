//! The native part of a logger: its logging methods, called without a Python frame or a dictionary of arguments.

mod ai;
mod methods;
mod write;

use std::cell::UnsafeCell;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use unified_logger_core::level;
use unified_logger_core::names;
use unified_logger_core::record::INLINE;

pub use ai::log_ai;
pub use methods::{attach_bound_methods, attach_methods};
pub use write::set_listened;

use crate::capture::Origin;
use crate::context::{BoundFields, Fields};
use crate::filter::guard::Guard;
use crate::interpreter::ending;
use crate::interpreter::gil::let_go_of_dropped;
use crate::interpreter::interrupt;
use crate::value::shown::text_of;

/// Names a logger and decides by the `logging.Logger` of that name.
#[pyclass(frozen, subclass, module = "unified_logger._core")]
pub struct Logger {
    name: String,
    number: u32,
    logger: Py<PyAny>,
    guard: UnsafeCell<Option<Box<Guard>>>,
    bound: Option<(Py<Logger>, BoundFields)>,
}

// SAFETY: everything but `guard` is immutable, and that is touched only under the interpreter lock.
unsafe impl Sync for Logger {}

// SAFETY: as above.
unsafe impl Send for Logger {}

#[pymethods]
impl Logger {
    #[new]
    #[pyo3(signature = (name, logger, home=None, fields=None))]
    fn new(
        name: &Bound<'_, PyString>,
        logger: Bound<'_, PyAny>,
        home: Option<Bound<'_, Self>>,
        fields: Option<Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let _inside = ending::Inside::enter_or_stay(logger.py());
        // Half a surrogate and a name without end are written as in any other text.
        let name = text_of(name.as_any());
        let number = names::here().logger(name.clone()).unwrap_or(INLINE);
        let bound = match (home, fields) {
            (Some(home), Some(fields)) => Some((home.unbind(), BoundFields::new(Fields::new(&fields)?))),
            _ => None,
        };
        Ok(Self { name, number, logger: logger.unbind(), guard: UnsafeCell::new(None), bound })
    }

    /// The name.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// The `logging.Logger` of the same name, which decides levels for both.
    #[getter]
    fn logger(&self, py: Python<'_>) -> Py<PyAny> {
        self.logger.clone_ref(py)
    }

    /// A copy of the fields that every record of this logger has.
    #[getter]
    fn bound_fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        match &self.bound {
            Some((_, bound)) => bound.fields.named(py).copy(),
            None => Ok(PyDict::new(py)),
        }
    }

    fn __repr__(&self) -> String {
        format!("<UnifiedLogger {}>", self.name)
    }

    /// What can lead back here: an object that has a logger to which it is bound.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.logger)?;
        let Some((home, bound)) = &self.bound else { return Ok(()) };
        visit.call(home)?;
        bound.traverse(&visit)
    }
}

/// What the guard says to a call.
enum Verdict {
    Refused,
    Native,
    Listened,
}

impl Logger {
    #[inline]
    fn verdict(&self, py: Python<'_>, bucket: usize) -> Verdict {
        // SAFETY: under the interpreter lock, and checking runs no Python code.
        let guard = unsafe { &*self.guard.get() };
        match guard {
            Some(guard) if guard.is_current(py) => Self::judge(guard, bucket),
            _ => self.ask(py, bucket),
        }
    }

    #[inline]
    fn judge(guard: &Guard, bucket: usize) -> Verdict {
        if !guard.is_enabled(bucket) {
            Verdict::Refused
        } else if guard.is_native() {
            Verdict::Native
        } else {
            Verdict::Listened
        }
    }

    #[cold]
    fn ask(&self, py: Python<'_>, bucket: usize) -> Verdict {
        if ending::is_here(py) {
            // As it was known last; what was never asked is worth keeping.
            // SAFETY: looked at only.
            let known = unsafe { &*self.guard.get() };
            let refused = known.as_ref().is_some_and(|guard| !guard.is_enabled(bucket));
            return if refused { Verdict::Refused } else { Verdict::Native };
        }
        let _inside = ending::Inside::enter();
        match Guard::ask(self.logger.bind(py)) {
            Ok(guard) => {
                let verdict = Self::judge(&guard, bucket);
                // SAFETY: replaced at once; the old one is dropped after, and may run Python code then.
                let old = unsafe { (*self.guard.get()).replace(Box::new(guard)) };
                drop(old);
                let_go_of_dropped();
                verdict
            }
            // A logger class that breaks in `isEnabledFor` still logs.
            Err(error) => {
                interrupt::hold(py, &error);
                Verdict::Listened
            }
        }
    }

    fn origin(&self) -> Origin<'_> {
        Origin { number: self.number, name: &self.name, bound: self.bound.as_ref().map(|(_, bound)| bound) }
    }

    /// The logger whose guard this one shares: one with fields of its own asks nothing anew.
    #[inline]
    fn home(&self) -> &Self {
        self.bound.as_ref().map_or(self, |(home, _)| home.get())
    }

    /// Levels between the standard ones are asked of `logging` each time.
    fn verdict_at(&self, py: Python<'_>, number: i32) -> Verdict {
        let bucket = level::bucket(number);
        if ending::is_here(py) {
            return self.ask(py, bucket);
        }
        if number == (i32::try_from(bucket).unwrap_or(0) + 1) * 10 {
            return self.verdict(py, bucket);
        }
        let inside = ending::Inside::enter();
        let enabled =
            self.logger.bind(py).call_method1("isEnabledFor", (number,)).and_then(|answer| answer.is_truthy());
        drop(inside);
        match interrupt::ok(py, enabled) {
            Some(false) => Verdict::Refused,
            _ => match self.verdict(py, level::NAMES.len() - 1) {
                Verdict::Listened => Verdict::Listened,
                _ => Verdict::Native,
            },
        }
    }
}
