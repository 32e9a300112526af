//! Merges a message with its arguments and fields by the rules of `str.format`.

use pyo3::exceptions::{PyAttributeError, PyIndexError, PyKeyError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use unified_logger_core::redaction::braces::{each_name, parts, without_known_secrets};

use super::merging::{Merging, is_usual};
use crate::context;
use crate::interpreter::gil::intern;
use crate::interpreter::interrupt;
use crate::interpreter::made;
use crate::interpreter::stack;
use crate::redaction;
use crate::value::shown::{error_name, text_of};

/// The field that keeps a message as it was before it was merged.
pub const TEMPLATE: &str = "message_template";

/// A message of this form.
pub struct Template<'a, 'py> {
    /// Exactly a `str`.
    pub text: Bound<'py, PyString>,
    pub arguments: Bound<'py, PyTuple>,
    /// The fields of the call.
    pub named: Bound<'py, PyDict>,
    /// Fields of the logger, for names that the call does not have.
    pub bound: Option<&'a Bound<'py, PyDict>>,
}

/// What became of a message.
pub struct Merged<'py> {
    /// `None` if the message stays as it is.
    pub text: Option<Bound<'py, PyString>>,
    pub notes: Vec<(&'static str, String)>,
}

/// Whether a text has braces, so that merging would change it.
///
/// # Safety
/// `text` is a live `str`.
pub unsafe fn has_braces(_: Python<'_>, text: *mut ffi::PyObject) -> bool {
    // SAFETY: promised by the caller; the interpreter is attached.
    let holds = |sign: char| unsafe {
        let found = ffi::PyUnicode_FindChar(text, u32::from(sign), 0, ffi::PyUnicode_GetLength(text), 1);
        if found == -2 {
            ffi::PyErr_Clear();
        }
        found >= 0
    };
    holds('{') || holds('}')
}

impl<'py> Template<'_, 'py> {
    /// Merges the message. A message that does not fit stays as it is, and notes keep what would be lost.
    pub fn merge(&self) -> Merged<'py> {
        let py = self.text.py();
        // SAFETY: a live text.
        let has_braces = unsafe { has_braces(py, self.text.as_ptr()) };
        let has_values = !self.arguments.is_empty() || !self.named.is_empty() || self.bound.is_some();
        if !has_braces && self.arguments.is_empty() || !has_values {
            return Merged { text: None, notes: Vec::new() };
        }
        let text = text_of(self.text.as_any());
        let all = self.unusual_values();
        let merging = all.as_ref().map_or(Merging::none(), |all| Merging::begin(all.as_any()));
        let shown = (!self.arguments.is_empty()).then_some(self.arguments.as_any());
        let merged = match merging.expect_an_end().and_then(|()| self.format(&text)) {
            Ok(merged) => merged,
            Err(error) => {
                interrupt::hold(py, &error);
                let (name, reason) = (error_name(py, &error), merging.reason(py, &error));
                let reason = if reason.is_empty() || reason == name { name } else { format!("{name}: {reason}") };
                let notes = merging.failed_with(py, &error, reason, shown, is_of_message);
                return Merged { text: None, notes };
            }
        };
        let mut notes = Vec::new();
        if self.leaves_arguments_out(&text) {
            let unused = PyTypeError::new_err("not all arguments are used in the message");
            let reason = format!("TypeError: {}", text_of(unused.value(py)));
            notes = merging.failed_with(py, &unused, reason, shown, is_of_message);
        }
        if has_braces {
            notes.insert(0, (TEMPLATE, text));
        }
        Merged { text: Some(merged), notes }
    }

    fn format(&self, text: &str) -> PyResult<Bound<'py, PyString>> {
        let py = self.text.py();
        stack::expect_python()?;
        if text.contains(".__") && takes_internals(text) {
            // A message with braces that come from outside must not reach the whole program from its arguments.
            return Err(PyAttributeError::new_err(
                "a message takes no attributes whose names begin with two underscores",
            ));
        }
        let with_bound = match self.bound {
            Some(bound) => {
                let all = bound.copy()?;
                all.update(self.named.as_mapping())?;
                Some(all)
            }
            None => None,
        };
        let named = with_bound.as_ref().unwrap_or(&self.named);
        let new = if context::is_before_start() {
            without_known_secrets(text)
        } else {
            let rules = redaction::current(py);
            rules.and_then(|rules| redaction::without_named_in_braces(text, &self.arguments, named, &rules))
        };
        let new = new.map(|new| made::text(py, &new)).transpose()?;
        let merged = new.as_ref().unwrap_or(&self.text).getattr(intern!(py, "format"))?;
        Ok(merged.call(&self.arguments, Some(named))?.cast_into::<PyString>()?)
    }

    /// All values that may be asked for their texts, if one of them may run the program's code.
    fn unusual_values(&self) -> Option<Bound<'py, PyTuple>> {
        let fields = [Some(&self.named), self.bound];
        let are_usual = self.arguments.iter_borrowed().all(|value| is_usual(value.as_any()))
            && fields.into_iter().flatten().all(|fields| fields.iter().all(|(_, value)| is_usual(&value)));
        if are_usual {
            return None;
        }
        let values = fields.into_iter().flatten().flat_map(|fields| fields.values());
        let values: Vec<_> = self.arguments.iter().chain(values).collect();
        interrupt::ok(self.text.py(), PyTuple::new(self.text.py(), values))
    }

    /// Whether a positional argument is not in the merged message. `str.format` leaves it out in silence.
    fn leaves_arguments_out(&self, text: &str) -> bool {
        if self.arguments.is_empty() {
            return false;
        }
        let mut used = vec![false; self.arguments.len()];
        let mut next = 0;
        each_name(text, &mut |name| {
            let first = &name[..name.find(['.', '[']).unwrap_or(name.len())];
            let index = if first.is_empty() { Some(next) } else { first.parse().ok() };
            next += usize::from(first.is_empty());
            if let Some(used) = index.and_then(|index| used.get_mut(index)) {
                *used = true;
            }
        });
        used.contains(&false)
    }
}

/// Whether a format takes attributes such as `__globals__`.
fn takes_internals(format: &str) -> bool {
    let mut found = false;
    each_name(format, &mut |name| found |= name.contains(".__") && parts(name).any(|part| part.starts_with("__")));
    found
}

/// Whether `str.format` itself raised the error, and not an argument's code, which would be in the traceback.
fn is_of_message(py: Python<'_>, error: &PyErr) -> bool {
    let raised = error.get_type(py);
    error.traceback(py).is_none()
        && [
            py.get_type::<PyKeyError>(),
            py.get_type::<PyIndexError>(),
            py.get_type::<PyValueError>(),
            py.get_type::<PyTypeError>(),
            py.get_type::<PyAttributeError>(),
        ]
        .iter()
        .any(|kind| raised.is(kind))
}
