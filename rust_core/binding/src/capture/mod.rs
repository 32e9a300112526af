//! From a call's objects to a captured record. Everything is copied: no Python object goes further than this room.

mod braced;
mod braces;
mod builder;
mod call;
pub mod clock;
mod fast;
pub mod merging;
pub mod site;
pub mod thread;

pub use braced::capture_braced;
pub use builder::{RecordBuilder, exception_or_name};
pub use call::{Call, CallLevel, capture_bare};
pub use clock::set_asked_time;
pub use fast::{capture_fast, capture_fast_named};
pub use site::mark_wrapper;

use pyo3::exceptions::PyBaseException;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyTraceback, PyTuple, PyType};

use crate::context::{self, BoundFields, Context};
use crate::exception;
use crate::interpreter::counts::MALFORMED;
use crate::interpreter::gil::intern;
use crate::interpreter::interrupt;
use crate::value::Outcome;
use crate::value::shown::is_true;

/// Which logger a record is from: its number, its name and its bound fields.
pub struct LoggerIdentity<'a> {
    pub number: u32,
    pub name: &'a str,
    pub bound: Option<&'a BoundFields>,
}

impl LoggerIdentity<'_> {
    /// The context of its records.
    pub fn context<'py>(&self, py: Python<'py>) -> Option<Bound<'py, Context>> {
        self.bound.map_or_else(|| context::current(py), |bound| bound.current(py))
    }
}

#[inline]
pub fn count(outcome: Outcome) {
    if outcome == Outcome::Malformed {
        MALFORMED.add(1);
    }
}

/// The exception that `exc_info` stands for: an exception, `sys.exc_info()`, or true for the one being handled.
pub fn exception_of<'py>(given: &Bound<'py, PyAny>) -> Option<Bound<'py, PyBaseException>> {
    if let Ok(error) = given.cast::<PyBaseException>() {
        return Some(error.clone());
    }
    if let Ok(triple) = given.cast::<PyTuple>() {
        let error = triple.get_item(1).ok()?;
        return if error.is_none() { exception_without_value(triple) } else { error.cast_into().ok() };
    }
    if is_true(given) { exception::current(given.py()) } else { None }
}

/// Makes an exception for a triple with a class but no value, as when the value could not be pickled. `__init__` is not
/// called: it may need arguments that are not known.
#[cold]
fn exception_without_value<'py>(triple: &Bound<'py, PyTuple>) -> Option<Bound<'py, PyBaseException>> {
    let py = triple.py();
    let kind = triple.get_item(0).ok()?.cast_into::<PyType>().ok()?;
    if !interrupt::ok(py, kind.is_subclass_of::<PyBaseException>())? {
        return None;
    }
    let made = interrupt::ok(py, kind.call_method1(intern!(py, "__new__"), (&kind,)))?;
    let error = made.cast_into::<PyBaseException>().ok()?;
    if let Ok(traceback) = triple.get_item(2).and_then(|last| Ok(last.cast_into::<PyTraceback>()?)) {
        // SAFETY: a live exception and a live traceback; anything else would raise.
        unsafe { ffi::PyException_SetTraceback(error.as_ptr(), traceback.as_ptr()) };
    }
    Some(error)
}
