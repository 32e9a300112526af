//! Objects as texts, and their truth and kind, whatever their code does.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyString};
use unified_logger_core::memory;

use crate::interpreter::counts::MALFORMED;
use crate::interpreter::ending;
use crate::interpreter::gil::{Gil, intern, let_go_of_dropped};
use crate::interpreter::interrupt;
use crate::interpreter::stack;
use crate::value;

/// The name that a class was made with. Looking up an attribute could run Python code.
pub fn type_name(object: &Bound<'_, PyAny>) -> String {
    // SAFETY: a live class's name is a C string for as long as the class lives.
    let name = unsafe { std::ffi::CStr::from_ptr((*object.get_type().as_type_ptr()).tp_name) };
    name.to_string_lossy().into_owned()
}

/// The text of any object. Never fails.
pub fn text_of(object: &Bound<'_, PyAny>) -> String {
    let mut out = Vec::new();
    if let Ok(text) = object.cast::<PyString>() {
        // SAFETY: a live text.
        unsafe { value::capture_text(&mut out, text.as_ptr()) };
        out.drain(..4);
        // SAFETY: `capture_text` puts a length of four bytes, then UTF-8.
        return unsafe { String::from_utf8_unchecked(out) };
    }
    if ending::is_here(object.py()) || stack::is_short() {
        return format!("<{}>", type_name(object));
    }
    match object.str() {
        Ok(text) => text_of(text.as_any()),
        Err(error) => {
            interrupt::hold(object.py(), &error);
            MALFORMED.add(1);
            let text = format!("<str() of {} failed: {}>", object.get_type(), error_name(object.py(), &error));
            drop(error);
            let_go_of_dropped();
            text
        }
    }
}

/// The `repr` of any object. Never fails.
pub fn text_of_repr(object: &Bound<'_, PyAny>) -> String {
    if stack::is_short() {
        return "<repr() not called: the stack is nearly used up>".into();
    }
    object.repr().map_or_else(
        |error| {
            interrupt::hold(object.py(), &error);
            format!("<repr() failed: {}>", error_name(object.py(), &error))
        },
        |text| text.to_string_lossy().into_owned(),
    )
}

pub fn error_name(py: Python<'_>, error: &PyErr) -> String {
    error.get_type(py).name().map_or_else(|_| "unknown error".into(), |name| name.to_string_lossy().into_owned())
}

/// A text for a value that is not asked.
pub fn named(value: &Bound<'_, PyAny>) -> String {
    format!("<{} object>", type_name(value))
}

/// The name and message of an exception.
pub fn describe(py: Python<'_>, error: &PyErr) -> String {
    match text_of(error.value(py)) {
        message if message.is_empty() => error_name(py, error),
        message => memory::joined(&[&error_name(py, error), ": ", &message]),
    }
}

/// Whether an object is true. An object that raises counts as false.
pub fn is_true(object: &Bound<'_, PyAny>) -> bool {
    interrupt::ok(object.py(), object.is_truthy()).unwrap_or(false)
}

/// The object as a mapping, if `collections.abc` regards it as one. PyO3's cast would print exceptions and continue.
pub fn as_mapping<'a, 'py>(object: &'a Bound<'py, PyAny>) -> Option<&'a Bound<'py, PyMapping>> {
    let py = object.py();
    let is_mapping = object.is_instance_of::<PyDict>()
        || interrupt::ok(py, mapping_class(py).and_then(|class| object.is_instance(&class)))?;
    // SAFETY: it is a mapping. Methods of mappings are looked up in it, and fail if they are missing.
    is_mapping.then(|| unsafe { object.cast_unchecked() })
}

/// `collections.abc.Mapping`, imported once: an import may run Python code.
static MAPPING: Gil<Option<Py<PyAny>>> = Gil::new(None);

fn mapping_class(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: looked at and counted only.
    if let Some(known) = unsafe { &*MAPPING.get(py) } {
        return Ok(known.bind(py).clone());
    }
    let class = py.import(intern!(py, "collections.abc"))?.getattr(intern!(py, "Mapping"))?;
    drop(MAPPING.replace(py, Some(class.clone().unbind())));
    Ok(class)
}
