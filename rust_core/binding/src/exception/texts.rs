//! The texts of an exception: names of its type, its message, its notes, and its last lines if only Python knows them.

use pyo3::exceptions::{PyAttributeError, PyBaseException, PyImportError, PyNameError, PySyntaxError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};
use unified_logger_core::memory;
use unified_logger_core::value::Put;

use super::{ask, put_number, put_optional};
use crate::interpreter::gil::intern;
use crate::interpreter::interrupt;
use crate::interpreter::stack;
use crate::value::asked;
use crate::value::capture_text;
use crate::value::shown::{named, text_of};

/// Characters of a message, a note or a text from Python. The rest is cut off and counted.
const CHARACTERS: usize = 64 << 10;
/// Notes of one exception.
const NOTES: usize = 100;

/// Writes all texts of an exception.
pub fn put(error: &Bound<'_, PyBaseException>, out: &mut Vec<u8>) {
    let py = error.py();
    let kind = error.get_type();
    put_name(interrupt::ok(py, kind.getattr(intern!(py, "__qualname__"))), out);
    put_name(interrupt::ok(py, kind.getattr(intern!(py, "__module__"))), out);
    // The text of an exception may log the exception itself, and so may its other attributes.
    if asked::is_asked_twice(error) {
        out.put_text(&named(error));
        put_optional(None, out);
        out.put_u8(u8::from(cfg!(Py_3_11)));
        return put_number(0, out);
    }
    let _asking = asked::Asking::one(error);
    put_message(error, out);
    let notes = error.getattr_opt(intern!(py, "__notes__"));
    let (notes, are_odd) = note_texts(py, notes);
    let last_lines = if are_odd || has_own_lines(error) { ask(py, intern!(py, "last_lines"), (error,)) } else { None };
    put_optional(last_lines.as_deref(), out);
    out.put_u8(u8::from(cfg!(Py_3_11)));
    put_number(notes.len(), out);
    notes.iter().for_each(|note| out.put_text(note));
}

/// A text, cut to the characters that are kept.
pub fn bounded(text: &Bound<'_, PyAny>) -> String {
    let whole = length(text);
    if whole <= CHARACTERS {
        return text_of(text);
    }
    // SAFETY: a live text, which is longer; a new reference or null.
    let start = unsafe {
        let start = ffi::PyUnicode_Substring(text.as_ptr(), 0, CHARACTERS.cast_signed());
        Bound::from_owned_ptr_or_err(text.py(), start)
    };
    let start = start.map_or_else(|_| String::new(), |start| text_of(&start));
    memory::joined(&[&start, &format!("…(+{} characters)", whole - CHARACTERS)])
}

/// Characters of a text, whatever its class says. 0 for an object that is no text.
fn length(text: &Bound<'_, PyAny>) -> usize {
    let Ok(text) = text.cast::<PyString>() else { return 0 };
    // SAFETY: a live text.
    usize::try_from(unsafe { ffi::PyUnicode_GetLength(text.as_ptr()) }).unwrap_or_else(|_| {
        // SAFETY: attached.
        unsafe { ffi::PyErr_Clear() };
        0
    })
}

fn put_name(name: Option<Bound<'_, PyAny>>, out: &mut Vec<u8>) {
    match name.as_ref().map(|name| name.cast::<PyString>()) {
        // SAFETY: a live text.
        Some(Ok(name)) => unsafe { capture_text(out, name.as_ptr()) },
        _ => out.put_text("<unknown>"),
    }
}

fn put_message(error: &Bound<'_, PyBaseException>, out: &mut Vec<u8>) {
    if stack::is_short() {
        return out.put_text("<str() not called: the stack is nearly used up>");
    }
    match error.str() {
        // SAFETY: a live text.
        Ok(text) if length(text.as_any()) <= CHARACTERS => unsafe { capture_text(out, text.as_ptr()) },
        Ok(text) => out.put_text(&bounded(&text)),
        Err(failure) => {
            interrupt::hold(error.py(), &failure);
            if cfg!(Py_3_11) {
                return out.put_text("<exception str() failed>");
            }
            let name = error.get_type().name().map_or_else(|_| "object".into(), |name| name.to_string());
            out.put_text(&format!("<unprintable {name} object>"));
        }
    }
}

/// Whether `traceback` adds lines: syntax errors show their code, and errors of names show a suggestion.
fn has_own_lines(error: &Bound<'_, PyBaseException>) -> bool {
    error.is_instance_of::<PySyntaxError>()
        || cfg!(Py_3_12)
            && (error.is_instance_of::<PyNameError>()
                || error.is_instance_of::<PyAttributeError>()
                || error.is_instance_of::<PyImportError>())
}

/// The notes as texts. True if the notes are no list: then Python is asked how it prints them.
fn note_texts(py: Python<'_>, notes: PyResult<Option<Bound<'_, PyAny>>>) -> (Vec<String>, bool) {
    let notes = match interrupt::ok(py, notes) {
        Some(Some(notes)) if !notes.is_none() => notes,
        Some(_) => return (Vec::new(), false),
        None => return (Vec::new(), cfg!(Py_3_11)),
    };
    let is_list = notes.is_instance_of::<PyList>() || notes.is_instance_of::<PyTuple>();
    let Some(list) = is_list.then(|| interrupt::ok(py, notes.try_iter())).flatten() else {
        let text = interrupt::ok(py, notes.repr());
        let text = text.map_or_else(|| "<__notes__ repr() failed>".into(), |text| bounded(&text));
        return (vec![text], cfg!(Py_3_11));
    };
    let mut texts: Vec<String> =
        list.map_while(|note| interrupt::ok(py, note)).take(NOTES).map(|note| note_text(&note)).collect();
    let left_out = interrupt::ok(py, notes.len()).unwrap_or(0).saturating_sub(texts.len());
    if left_out > 0 {
        texts.push(format!("…(+{left_out} notes)"));
    }
    (texts, false)
}

fn note_text(note: &Bound<'_, PyAny>) -> String {
    memory::check();
    if stack::is_short() {
        return "<str() not called: the stack is nearly used up>".into();
    }
    interrupt::ok(note.py(), note.str()).map_or_else(|| "<note str() failed>".into(), |text| bounded(&text))
}
