//! Who is given the records of a logger beside this library, and at which levels.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PyType};

use super::Levels;
use super::shape::is_versioned;
use crate::interpreter::gil::Gil;
use crate::interpreter::gil::intern;
use crate::interpreter::interrupt;
use crate::interpreter::watch::dict_of;

/// Methods that handle a record. If one of them is overridden or patched, somebody listens.
pub const WAYS: [&str; 4] = ["handle", "callHandlers", "makeRecord", "filter"];
/// The function that makes records.
pub const FACTORY: &str = "_logRecordFactory";

/// The Python function that knows what packages need whose functions wrap those of `logging`.
static WRAPPERS: Gil<Option<Py<PyAny>>> = Gil::new(None);

/// Sets the function that says what a function needs that has replaced one of `logging`: see
/// `unified_logger.stdlib.wrappers`.
#[pyfunction]
pub fn set_wrappers(function: Bound<'_, PyAny>) {
    let py = function.py();
    drop(WRAPPERS.replace(py, Some(function.unbind())));
}

/// The Python function that is told of a logger whose records are kept out of the files.
static NOTICE: Gil<Option<Py<PyAny>>> = Gil::new(None);

/// Sets the function that is told of a logger that is disabled, or whose records do not come to the root handler. It
/// returns whether it has changed that.
#[pyfunction]
pub fn set_notice(function: Bound<'_, PyAny>) {
    let py = function.py();
    drop(NOTICE.replace(py, Some(function.unbind())));
}

/// Tells of a logger whose records are kept out: one of this library's, or one of `logging`. Returns whether to ask it again.
pub fn notice(logger: &Bound<'_, PyAny>, is_disabled: bool, is_own: bool) -> bool {
    let py = logger.py();
    let Some(function) = NOTICE.held(py) else { return false };
    let told = function.call1((logger, is_disabled, is_own)).and_then(|changed| changed.is_truthy());
    interrupt::ok(py, told).unwrap_or(false)
}

/// A handler of others whose level decides alone whether `logging` calls it.
pub struct Taker<'py> {
    pub class: Bound<'py, PyType>,
    pub dict: Bound<'py, PyDict>,
    pub level: Bound<'py, PyAny>,
    pub least: i32,
}

impl<'py> Taker<'py> {
    /// `None` for a handler that may answer in its own way, or whose changes would not show.
    pub fn of(handler: &Bound<'py, PyAny>) -> PyResult<Option<Self>> {
        let py = handler.py();
        let name = intern!(py, "level");
        let class = handler.get_type();
        // Looking up an attribute gives a new or changed class its version.
        let has_its_own = class.hasattr(name)?;
        if has_its_own || !looks_up_plainly(&class) || !is_versioned(&class) {
            return Ok(None);
        }
        let Some(dict) = interrupt::ok(py, dict_of(handler)) else { return Ok(None) };
        let Some(level) = dict.get_item(name)? else { return Ok(None) };
        if !level.is_exact_instance_of::<PyInt>() {
            return Ok(None);
        }
        // A number that is too large is above all levels.
        let least = interrupt::ok(py, level.extract::<i64>()).unwrap_or(i64::MAX);
        let least = i32::try_from(least).unwrap_or(if least < 0 { i32::MIN } else { i32::MAX });
        Ok(Some(Self { class, dict, level, least }))
    }
}

/// Whether attributes of instances are looked up as those of any object.
fn looks_up_plainly(class: &Bound<'_, PyType>) -> bool {
    let plainly: ffi::getattrofunc = ffi::PyObject_GenericGetAttr;
    // SAFETY: a live class.
    unsafe { (*class.as_type_ptr()).tp_getattro }.is_some_and(|function| function as usize == plainly as usize)
}

/// What a known wrapper needs, and what that depends on.
pub struct Needs<'py> {
    pub levels: Levels,
    /// The levels at which records are kept for it, unless it is given a record.
    pub kept: Levels,
    /// Handlers that take the records instead of those of the loggers. Their levels are watched.
    pub handlers: Vec<Bound<'py, PyAny>>,
    pub dicts: Vec<Bound<'py, PyDict>>,
    pub classes: Vec<Bound<'py, PyType>>,
    /// Attributes of objects that have slots for them.
    pub slots: Vec<(Bound<'py, PyAny>, String)>,
}

/// What a function needs that has replaced one of `logging`. `None` if it is not known.
pub fn known<'py>(py: Python<'py>, name: &str, function: &Bound<'py, PyAny>) -> Option<Needs<'py>> {
    let wrappers = WRAPPERS.held(py)?;
    interrupt::ok(py, asked(&wrappers, name, function)).flatten()
}

fn asked<'py>(wrappers: &Bound<'py, PyAny>, name: &str, function: &Bound<'py, PyAny>) -> PyResult<Option<Needs<'py>>> {
    let answer = wrappers.call1((name, function))?;
    if answer.is_none() {
        return Ok(None);
    }
    let py = answer.py();
    let listed = |name| Ok::<_, PyErr>(answer.getattr(name)?.cast_into::<PyList>()?);
    let from = |name| {
        let least: Option<i32> = answer.getattr(name)?.extract()?;
        Ok::<_, PyErr>(least.map_or(Levels::NONE, Levels::from))
    };
    let mut needs = Needs {
        levels: from(intern!(py, "least"))?,
        kept: from(intern!(py, "kept"))?,
        handlers: listed(intern!(py, "handlers"))?.iter().collect(),
        dicts: Vec::new(),
        classes: Vec::new(),
        slots: Vec::new(),
    };
    for owner in listed(intern!(py, "watched"))? {
        // A module or another object of which every attribute is watched.
        needs.dicts.push(match owner.cast_into::<PyDict>() {
            Ok(dict) => dict,
            Err(error) => dict_of(&error.into_inner())?,
        });
    }
    for class in listed(intern!(py, "classes"))? {
        needs.classes.push(class.cast_into()?);
    }
    for slot in listed(intern!(py, "slots"))? {
        needs.slots.push(slot.extract()?);
    }
    Ok(Some(needs))
}
