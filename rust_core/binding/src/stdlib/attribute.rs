//! The standard attributes of a `LogRecord`. Every other attribute is a field.

use std::array;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::interpreter::gil::Gil;
use crate::interpreter::interrupt;
use crate::interpreter::made::{self, OrGiveUp};

/// Attributes of a `LogRecord`, in the order in which it sets them.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "unused attributes keep the indices of the others")]
pub enum Attribute {
    Name,
    Msg,
    Args,
    LevelName,
    LevelNo,
    PathName,
    FileName,
    Module,
    ExcInfo,
    ExcText,
    StackInfo,
    LineNo,
    FuncName,
    Created,
    Msecs,
    RelativeCreated,
    Thread,
    ThreadName,
    ProcessName,
    Process,
    TaskName,
    Message,
    AscTime,
    /// On a record that another process sends: the text that names where it was captured. On a record that a formatter
    /// has made: the fields behind its attributes (None: not a field).
    Mark,
}

const COUNT: usize = Attribute::Mark as usize + 1;
const NAMES: [&str; COUNT] = [
    "name",
    "msg",
    "args",
    "levelname",
    "levelno",
    "pathname",
    "filename",
    "module",
    "exc_info",
    "exc_text",
    "stack_info",
    "lineno",
    "funcName",
    "created",
    "msecs",
    "relativeCreated",
    "thread",
    "threadName",
    "processName",
    "process",
    "taskName",
    "message",
    "asctime",
    "_unified_logger_captured",
];

/// The names as interned texts, which are the same objects as the keys of a record's attributes.
static INTERNED: Gil<Option<[Py<PyString>; COUNT]>> = Gil::new(None);

fn interned(py: Python<'_>) -> &[Py<PyString>; COUNT] {
    let cell = INTERNED.get(py);
    // SAFETY: making texts runs no Python code; what was made is never changed.
    match unsafe { &*cell } {
        Some(names) => names,
        None => unsafe {
            (*cell).insert(array::from_fn(|index| made::interned(py, NAMES[index]).or_give_up().unbind()))
        },
    }
}

/// The name of an attribute.
pub fn name(py: Python<'_>, attribute: Attribute) -> &Bound<'_, PyString> {
    interned(py)[attribute as usize].bind(py)
}

/// The index of a standard attribute. `near` is tried first: it is right as long as all attributes are in their order.
#[inline]
fn index_of(names: &[Py<PyString>; COUNT], near: usize, key: &Bound<'_, PyAny>) -> Option<usize> {
    if names.get(near).is_some_and(|name| name.is(key)) {
        return Some(near);
    }
    let found = names.iter().position(|name| name.is(key));
    if found.is_some() || is_interned(key) {
        return found;
    }
    let text = key.cast::<PyString>().ok()?.to_str().ok()?;
    NAMES.iter().position(|name| *name == text)
}

/// Whether a key is an interned text. Interned texts are equal only if they are the same object, so comparing pointers
/// is enough.
pub fn is_interned(key: &Bound<'_, PyAny>) -> bool {
    // SAFETY: a live object, and a `str` where its state is read.
    unsafe { ffi::PyUnicode_CheckExact(key.as_ptr()) != 0 && crate::value::is_interned(key.as_ptr()) }
}

/// Whether a key is the name of a standard attribute.
pub fn is_standard(py: Python<'_>, key: &Bound<'_, PyAny>) -> bool {
    index_of(interned(py), COUNT, key).is_some()
}

/// Whether a field is the coloured copy of a message, which uvicorn's own formatter shows.
pub fn is_message_in_colours(name: &Bound<'_, PyAny>) -> bool {
    name.cast::<PyString>().is_ok_and(|name| name.to_str().is_ok_and(|name| name == "color_message"))
}

pub type Field<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// The attributes of a `LogRecord`.
pub struct Attributes<'py> {
    standard: [Option<Bound<'py, PyAny>>; COUNT],
    others: Vec<Field<'py>>,
}

impl<'py> Attributes<'py> {
    /// Reads all attributes in one pass.
    pub fn read(dict: &Bound<'py, PyDict>) -> Self {
        let py = dict.py();
        let names = interned(py);
        let mut attributes = Self { standard: [const { None }; COUNT], others: Vec::new() };
        let (mut position, mut near) = (0, 0);
        let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: a live dictionary that nothing changes, because no Python code runs here. Keys and values are
        // borrowed from it.
        while unsafe { ffi::PyDict_Next(dict.as_ptr(), &raw mut position, &raw mut key, &raw mut value) } != 0 {
            // SAFETY: as above.
            let (key, value) = unsafe { (Bound::from_borrowed_ptr(py, key), Bound::from_borrowed_ptr(py, value)) };
            match index_of(names, near, &key) {
                Some(index) => {
                    near = index + 1;
                    attributes.standard[index] = Some(value).filter(|value| !value.is_none());
                }
                None => attributes.others.push((key, value)),
            }
        }
        attributes
    }

    /// The value of an attribute, if there is one and it is not None.
    #[inline]
    pub fn get(&self, attribute: Attribute) -> Option<&Bound<'py, PyAny>> {
        self.standard[attribute as usize].as_ref()
    }

    /// The attributes that are not standard, as they are.
    pub fn others(&self) -> &[(Bound<'py, PyAny>, Bound<'py, PyAny>)] {
        &self.others
    }

    /// The attributes that are not standard, under the names of their fields.
    pub fn into_fields(self, names: Option<&Bound<'py, PyDict>>) -> Vec<Field<'py>> {
        let Some(names) = names else { return self.others };
        self.others
            .into_iter()
            .filter_map(|(attribute, field)| match interrupt::ok(names.py(), names.get_item(&attribute)).flatten() {
                Some(name) if name.is_none() => None,
                Some(name) => Some((name, field)),
                None => Some((attribute, field)),
            })
            .collect()
    }
}
