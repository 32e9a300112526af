//! Rules of redaction: compiled once for the engine, and applied to texts that Python writes itself.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyString, PyTuple, PyType};
use serde_json::Value;
use unified_logger_core::record::Record;
use unified_logger_core::redaction::{self, KEYS, Rules, Scanner, Spec};

use crate::interpreter::counts::STATS;
use crate::interpreter::ending;
use crate::interpreter::fork;
use crate::interpreter::gil::{Gil, intern};
use crate::interpreter::interrupt;
use crate::interpreter::made;
use crate::interpreter::stack;
use crate::lines::{OwnLines, Wanted};
use crate::value::shown::text_of;

/// The rules of the engine, while there is one with rules.
static CURRENT: Gil<Option<Arc<Rules>>> = Gil::new(None);

/// Sets the rules that apply from now on.
pub fn follow(py: Python<'_>, rules: Option<Arc<Rules>>) {
    drop(CURRENT.replace(py, rules));
}

/// The current rules, if there are any.
#[cold]
pub fn current(py: Python<'_>) -> Option<Arc<Rules>> {
    // SAFETY: looked at only.
    unsafe { &*CURRENT.get(py) }.clone()
}

/// Compiled rules. No part is borrowed while Python code runs, which may come back here.
#[pyclass(frozen, module = "unified_logger._core")]
pub struct Redaction {
    rules: Arc<Rules>,
    lines: Gil<OwnLines>,
    scanner: Gil<Scanner>,
}

impl Redaction {
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules)
    }

    /// The line of a record without secrets.
    pub fn encode(&self, py: Python<'_>, wanted: Wanted, record: &Record<'_>, line: &mut Vec<u8>) {
        fork::notice(py);
        // SAFETY: no Python code runs while the reference lives.
        let lines = unsafe { &mut *self.lines.get(py) };
        STATS.redacted.add(lines.encode(py, wanted, Some(&self.rules), record, line));
    }

    /// The line of a record without secrets, for a record that is written too and counts there. `None` if it has none.
    pub fn encode_secret(&self, py: Python<'_>, record: &Record<'_>) -> Option<Vec<u8>> {
        fork::notice(py);
        // SAFETY: as above.
        let lines = unsafe { &mut *self.lines.get(py) };
        let mut line = Vec::new();
        let replaced = lines.encode(py, Wanted::Plain, Some(&self.rules), record, &mut line);
        (replaced != 0).then_some(line)
    }
}

#[pymethods]
impl Redaction {
    /// Compiles rules. Invalid rules raise `ValueError` with key, value and the allowed values.
    #[new]
    fn new(spec: &Bound<'_, PyDict>) -> PyResult<Self> {
        let py = spec.py();
        let refused = |reason: String| PyValueError::new_err(("redaction", "", reason));
        let spec = as_json(spec.as_any()).map_err(|error| refused(error.to_string()))?;
        let spec: Spec = serde_json::from_value(spec).map_err(|error| refused(error.to_string()))?;
        let compile = || {
            Rules::new(spec).map(|rules| Self {
                lines: Gil::new(OwnLines::default()),
                scanner: Gil::new(Scanner::new(Arc::clone(&rules))),
                rules,
            })
        };
        match ending::detached(py, || stack::spacious(compile))? {
            Ok(compiled) => Ok(compiled),
            Err(wrong) => Err(PyValueError::new_err((wrong.key, wrong.value, wrong.allowed))),
        }
    }

    /// Rules are immutable, so a copy is the same object.
    fn __copy__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __deepcopy__(this: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        this
    }

    /// Pickles the specification, with the key of hashes: another process finds and replaces the same texts.
    fn __reduce__<'py>(this: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyType>, (Bound<'py, PyAny>,))> {
        let spec = serde_json::to_value(this.get().rules.spec());
        let spec = spec.map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok((this.get_type(), (as_object(this.py(), &spec)?,)))
    }

    /// The message without the secrets that it would take by name from these arguments.
    fn named(&self, message: &str, arguments: &Bound<'_, PyAny>) -> Option<String> {
        without_named(message, arguments, || Some(self.rules()))
    }

    /// The text without secrets.
    fn text(&self, py: Python<'_>, text: String) -> String {
        // SAFETY: no Python code runs while the reference lives.
        let Some(new) = unsafe { &mut *self.scanner.get(py) }.text(&text) else { return text };
        STATS.redacted.add(1);
        new
    }
}

/// Texts, lists and mappings as JSON. Any other value becomes null.
fn as_json(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Value::from(text.to_str()?));
    }
    if let Ok(mapping) = value.cast::<PyDict>() {
        return mapping.iter().map(|(key, value)| Ok((key.extract::<String>()?, as_json(&value)?))).collect();
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        return value.try_iter()?.map(|item| as_json(&item?)).collect();
    }
    Ok(Value::Null)
}

/// JSON as Python objects.
pub fn as_object<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::String(text) => Ok(made::text(py, text)?.into_any()),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| as_object(py, item)).collect::<PyResult<_>>()?;
            Ok(PyList::new(py, items)?.into_any())
        }
        Value::Object(fields) => {
            let mapping = made::dict(py)?;
            fields.iter().try_for_each(|(name, field)| mapping.set_item(name, as_object(py, field)?))?;
            Ok(mapping.into_any())
        }
        Value::Bool(value) => Ok(PyBool::new(py, *value).to_owned().into_any()),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Ok(number.into_pyobject(py)?.into_any()),
            (_, Some(number)) => Ok(number.into_pyobject(py)?.into_any()),
            _ => Ok(number.as_f64().unwrap_or(f64::NAN).into_pyobject(py)?.into_any()),
        },
        Value::Null => Ok(py.None().into_bound(py)),
    }
}

/// The message without the secrets that it would take by name from a mapping. `None` if it stays the same. `rules` is
/// called only if the arguments are not a tuple.
pub fn without_named(
    message: &str,
    arguments: &Bound<'_, PyAny>,
    rules: impl FnOnce() -> Option<Arc<Rules>>,
) -> Option<String> {
    if arguments.is_instance_of::<PyTuple>() {
        return None;
    }
    let rules = rules()?;
    let mut count = 0;
    let new = redaction::without_secrets(message, &rules, |name| {
        match arguments.get_item(name) {
            Ok(value) if value.is_none() || value.is_instance_of::<PyBool>() => None,
            Ok(value) => {
                count += 1;
                Some(text_of(&value))
            }
            // Merging the message will fail too.
            Err(error) => {
                interrupt::hold(arguments.py(), &error);
                None
            }
        }
    });
    STATS.redacted.add(count);
    new
}

/// The same for a message in the form of `str.format`, whose fields may also be attributes and items of arguments.
pub fn without_named_in_braces(
    message: &str,
    arguments: &Bound<'_, PyTuple>,
    named: &Bound<'_, PyDict>,
    rules: &Rules,
) -> Option<String> {
    let py = arguments.py();
    let mut count = 0;
    let new = redaction::braces::without_secrets(message, rules, |name| {
        let formatter = py.import(intern!(py, "string")).and_then(|string| string.getattr(intern!(py, "Formatter")));
        let found =
            formatter.and_then(|class| class.call0()?.call_method1(intern!(py, "get_field"), (name, arguments, named)));
        // If there is no such value, merging the message will fail too.
        let value = interrupt::ok(py, found.and_then(|found| found.get_item(0)))?;
        if value.is_none() || value.is_instance_of::<PyBool>() {
            return None;
        }
        count += 1;
        Some(text_of(&value))
    });
    STATS.redacted.add(count);
    new
}

/// The names of the patterns that come with the library.
#[pyfunction]
pub fn redaction_patterns() -> Vec<&'static str> {
    redaction::pattern_names().collect()
}

/// The names whose values are secrets, without the characters between their words.
#[pyfunction]
pub fn redaction_keys() -> Vec<&'static str> {
    KEYS.to_vec()
}
