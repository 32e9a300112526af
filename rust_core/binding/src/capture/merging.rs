//! Merges a message and its arguments into one text. Arguments may run the program's code, which may log itself and may
//! fail.
//!
//! Code that has just failed is not called again. If arguments cannot be merged into a message, the fields `$error` and
//! `$args` are added. They show values of built-in types and name the classes of other values.

use pyo3::exceptions::{PyKeyError, PyRecursionError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PyList, PySet, PyString, PyTuple};

use crate::interpreter::counts::MALFORMED;
use crate::interpreter::interrupt;
use crate::interpreter::made;
use crate::interpreter::stack;
use crate::redaction;
use crate::value::asked::{self, Asking, Children, children, is_any_inside_asked, is_scalar};
use crate::value::shown::{as_mapping, error_name, named, text_of, text_of_repr};

/// Limits for nested values and for the items of one container.
const DEPTH: usize = 8;
const ITEMS: usize = 1_000;
/// A merge of a message with its arguments that is going on. `None` if no argument runs the program's code.
pub struct Merging<'a, 'py>(Option<Asking<'a, 'py>>);

impl<'a, 'py> Merging<'a, 'py> {
    #[inline]
    pub fn begin(arguments: &'a Bound<'py, PyAny>) -> Self {
        if are_usual(arguments) {
            return Self(None);
        }
        Self(Some(Asking::arguments(arguments)))
    }

    /// A merge whose arguments run no code of the program.
    pub fn none() -> Self {
        Self(None)
    }

    /// Whether this message is logged by an argument of another message.
    fn is_inner(&self, py: Python<'_>) -> bool {
        asked::are_merged(py, usize::from(self.0.is_some()))
    }

    /// # Errors
    /// An argument is being asked again and again. Handlers and tests that see each record count too.
    #[inline]
    pub fn expect_an_end(&self) -> PyResult<()> {
        if let Some(asking) = &self.0
            && self.is_inner(asking.value().py())
            && is_any_inside_asked(asking.value())
        {
            return Err(PyRecursionError::new_err("the text of an argument logs the argument again and again"));
        }
        Ok(())
    }

    /// The notes about a merge that failed.
    #[cold]
    pub fn failed(&self, py: Python<'_>, error: PyErr, arguments: &Bound<'_, PyAny>) -> Vec<(&'static str, String)> {
        interrupt::hold(py, &error);
        let reason = self.reason(py, &error);
        self.failed_with(py, &error, reason, Some(arguments), is_of_message)
    }

    /// The text of an error, unless asking for it could fail in the same way again.
    pub fn reason(&self, py: Python<'_>, error: &PyErr) -> String {
        let value = error.value(py).as_any();
        if !self.is_inner(py) || has_builtin_text(value) { text_of(value) } else { error_name(py, error) }
    }

    /// The notes about a merge that failed for this reason. `is_of_message` says whether only the message is at fault.
    #[cold]
    pub fn failed_with(
        &self,
        py: Python<'_>,
        error: &PyErr,
        reason: String,
        arguments: Option<&Bound<'_, PyAny>>,
        is_of_message: fn(Python<'_>, &PyErr) -> bool,
    ) -> Vec<(&'static str, String)> {
        interrupt::hold(py, error);
        MALFORMED.add(1);
        let mut notes = vec![("$error", reason)];
        let Some(arguments) = arguments else { return notes };
        // If the message does not fit its arguments, no argument is at fault. But an argument that logs would log
        // again.
        let mut shown = String::new();
        if !self.is_inner(py) && is_of_message(py, error) {
            shown = text_of_repr(arguments);
        } else {
            show(arguments, DEPTH, &mut shown);
        }
        notes.push(("$args", shown));
        notes
    }
}

/// Whether the arguments are those of most calls: texts and numbers.
#[inline]
fn are_usual(arguments: &Bound<'_, PyAny>) -> bool {
    let tuple = arguments.as_ptr();
    // SAFETY: a live object, and a tuple where its items are read. Nothing changes a tuple.
    unsafe {
        ffi::PyTuple_CheckExact(tuple) != 0
            && (0..ffi::PyTuple_GET_SIZE(tuple)).all(|index| is_text_or_number(ffi::PyTuple_GET_ITEM(tuple, index)))
    }
}

/// Whether a value is one of most calls.
pub fn is_usual(value: &Bound<'_, PyAny>) -> bool {
    // SAFETY: a live object.
    unsafe { is_text_or_number(value.as_ptr()) }
}

#[inline]
unsafe fn is_text_or_number(value: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller has a live object.
    unsafe {
        ffi::PyUnicode_CheckExact(value) != 0
            || ffi::PyLong_CheckExact(value) != 0
            || ffi::PyFloat_CheckExact(value) != 0
    }
}

/// Beginnings of the errors of `%` for a message that does not fit its arguments. A value whose text fails may raise
/// the same classes.
const MISFITS: [&str; 9] = [
    "not enough arguments for format string",
    "not all arguments converted during string formatting",
    "format requires a mapping",
    "incomplete format",
    "unsupported format ",
    "width too big",
    "precision too big",
    "* wants int",
    "%",
];

/// Whether `%` itself raised the error, and not an argument's code: that code would be in the traceback or give another
/// message.
fn is_of_message(py: Python<'_>, error: &PyErr) -> bool {
    let raised = error.get_type(py);
    if error.traceback(py).is_some() {
        return false;
    }
    if raised.is(py.get_type::<PyKeyError>()) {
        return true;
    }
    let is_usual = raised.is(py.get_type::<PyTypeError>()) || raised.is(py.get_type::<PyValueError>());
    is_usual && {
        let message = text_of(error.value(py));
        MISFITS.iter().any(|start| message.starts_with(start))
    }
}

/// Whether the text of an exception runs no code of the program.
fn has_builtin_text(error: &Bound<'_, PyAny>) -> bool {
    // SAFETY: a live class; its flags are a number.
    let is_static = unsafe { (*error.get_type_ptr()).tp_flags } & ffi::Py_TPFLAGS_HEAPTYPE == 0;
    let given = interrupt::ok(error.py(), error.getattr("args"));
    is_static
        && given.is_some_and(|given| {
            given.cast_exact::<PyTuple>().is_ok_and(|given| given.iter().all(|argument| is_scalar(&argument)))
        })
}

/// What `repr` gives, except that values of other than built-in types are shown as the names of their classes.
fn show(value: &Bound<'_, PyAny>, depth: usize, out: &mut String) {
    if is_scalar(value) {
        out.push_str(&text_of_repr(value));
    } else if value.is_exact_instance_of::<PySet>() {
        show_set("{", value, "}", depth, out);
    } else if value.is_exact_instance_of::<PyFrozenSet>() {
        show_set("frozenset({", value, "})", depth, out);
    } else if let Ok(pairs) = value.cast_exact::<PyDict>() {
        // A copy of the items, so nothing can change it.
        out.push('{');
        for (index, (key, item)) in pairs.items().iter().filter_map(|pair| pair.extract().ok()).enumerate() {
            let (key, item): (Bound<'_, PyAny>, Bound<'_, PyAny>) = (key, item);
            out.push_str(if index == 0 { "" } else { ", " });
            if index == ITEMS || depth == 0 {
                out.push('…');
                break;
            }
            show(&key, depth - 1, out);
            out.push_str(": ");
            show(&item, depth - 1, out);
        }
        out.push('}');
    } else if let Some(items) = children(value) {
        let (start, end) = match &items {
            Children::Tuple(items) if items.len() == 1 => ("(", ",)"),
            Children::Tuple(_) => ("(", ")"),
            _ => ("[", "]"),
        };
        show_items(start, items, end, depth, out);
    } else {
        out.push_str(&named(value));
    }
}

fn show_set(start: &str, set: &Bound<'_, PyAny>, end: &str, depth: usize, out: &mut String) {
    if interrupt::ok(set.py(), set.len()) == Some(0) {
        return out.push_str(&text_of_repr(set));
    }
    let items = interrupt::ok(set.py(), set.try_iter()).into_iter().flatten();
    show_items(start, items.map_while(Result::ok), end, depth, out);
}

fn show_items<'py>(
    start: &str,
    items: impl Iterator<Item = Bound<'py, PyAny>>,
    end: &str,
    depth: usize,
    out: &mut String,
) {
    out.push_str(start);
    for (index, item) in items.enumerate() {
        out.push_str(if index == 0 { "" } else { ", " });
        if index == ITEMS || depth == 0 {
            out.push('…');
            break;
        }
        show(&item, depth - 1, out);
    }
    out.push_str(end);
}

/// `message % arguments`. A single mapping gives the arguments by name.
pub fn merge(message: &str, arguments: &Bound<'_, PyTuple>) -> PyResult<String> {
    let py = arguments.py();
    stack::expect_python()?;
    let named = if arguments.len() == 1 { by_name(arguments.get_item(0)?)? } else { None };
    let new = match &named {
        Some(named) => redaction::without_named(message, named, || redaction::current(py)),
        None => None,
    };
    let arguments = named.as_ref().unwrap_or(arguments.as_any());
    Ok(text_of(&made::text(py, new.as_deref().unwrap_or(message))?.rem(arguments)?))
}

/// A single argument that gives the arguments by name: a non-empty mapping, as for `logging`.
fn by_name(single: Bound<'_, PyAny>) -> PyResult<Option<Bound<'_, PyAny>>> {
    // An object without items and a sequence cannot be mappings. Asking the class would take longer than merging most
    // texts.
    // SAFETY: a live object.
    let has_items = unsafe { ffi::PyMapping_Check(single.as_ptr()) } != 0
        && !single.is_exact_instance_of::<PyString>()
        && !single.is_exact_instance_of::<PyList>()
        && !single.is_exact_instance_of::<PyTuple>();
    let is_mapping = has_items && as_mapping(&single).is_some();
    Ok(if is_mapping && single.is_truthy()? { Some(single) } else { None })
}
