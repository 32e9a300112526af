//! Rules of redaction, compiled once for the engine, and applied for what Python writes itself.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyString, PyTuple, PyType};
use serde_json::Value;
use unified_logger_core::encoder::{Format, Lines, Process, Whose};
use unified_logger_core::forks;
use unified_logger_core::record::Record;
use unified_logger_core::redaction::{self, KEYS, Rules, Scanner, Spec};

use crate::interpreter::counts::STATS;
use crate::interpreter::ending;
use crate::interpreter::fork;
use crate::interpreter::gil::Gil;
use crate::interpreter::interrupt;
use crate::interpreter::stack;
use crate::value::shown::text_of;

/// Those of the engine, as far as there is one.
static CURRENT: Gil<Option<Arc<Rules>>> = Gil::new(None);

/// Says what must not be written from here on.
pub fn follow(py: Python<'_>, rules: Option<Arc<Rules>>) {
    drop(CURRENT.replace(py, rules));
}

/// What must not be written, where that is known.
#[cold]
pub fn current(py: Python<'_>) -> Option<Arc<Rules>> {
    // SAFETY: looked at only.
    unsafe { &*CURRENT.get(py) }.clone()
}

/// Compiled rules. Nothing of it is borrowed while Python code runs, which may come back here.
#[pyclass(frozen, module = "unified_logger._core")]
pub struct Redaction {
    rules: Arc<Rules>,
    /// With the count of forks as they were made.
    lines: Gil<(u32, Lines)>,
    scanner: Gil<Scanner>,
}

impl Redaction {
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules)
    }

    /// The line of a record without secrets.
    pub fn encode(&self, py: Python<'_>, record: &Record<'_>, line: &mut Vec<u8>) {
        fork::notice(py);
        // SAFETY: no Python code runs while the reference lives.
        let (forks, lines) = unsafe { &mut *self.lines.get(py) };
        if *forks != forks::count() {
            // Lines name their process, and this is another one.
            (*forks, *lines) = lines_of(&self.rules);
        }
        lines.encode(record, Whose::Application, 1, 0);
        line.extend_from_slice(lines.of(0));
        STATS.redacted.add(lines.take_redacted());
    }
}

fn lines_of(rules: &Arc<Rules>) -> (u32, Lines) {
    (forks::count(), Lines::new(&Process::here(), Some(Arc::clone(rules)), &[Format::Json]))
}

#[pymethods]
impl Redaction {
    /// Compiles rules. What is not as it must be raises `ValueError` with key, value and what is allowed.
    #[new]
    fn new(spec: &Bound<'_, PyDict>) -> PyResult<Self> {
        let py = spec.py();
        let refused = |reason: String| PyValueError::new_err(("redaction", "", reason));
        let spec = as_json(spec.as_any()).map_err(|error| refused(error.to_string()))?;
        let spec: Spec = serde_json::from_value(spec).map_err(|error| refused(error.to_string()))?;
        let compile = || {
            Rules::new(spec).map(|rules| Self {
                lines: Gil::new(lines_of(&rules)),
                scanner: Gil::new(Scanner::new(Arc::clone(&rules))),
                rules,
            })
        };
        match ending::detached(py, || stack::spacious(compile))? {
            Ok(compiled) => Ok(compiled),
            Err(wrong) => Err(PyValueError::new_err((wrong.key, wrong.value, wrong.allowed))),
        }
    }

    /// Rules stay as they were made: what holds them may be copied.
    fn __copy__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __deepcopy__(this: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        this
    }

    /// To be compiled again from what they were made of, the key of hashes included: another process finds and replaces the same.
    fn __reduce__<'py>(this: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyType>, (Bound<'py, PyAny>,))> {
        let spec = serde_json::to_value(this.get().rules.spec());
        let spec = spec.map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok((this.get_type(), (as_object(this.py(), &spec)?,)))
    }

    /// A message without the secrets that it would take by name from these arguments.
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

/// Texts, lists and mappings as they are; everything else is nothing.
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

/// The same the other way.
fn as_object<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::String(text) => Ok(PyString::new(py, text).into_any()),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| as_object(py, item)).collect::<PyResult<_>>()?;
            Ok(PyList::new(py, items)?.into_any())
        }
        Value::Object(fields) => {
            let mapping = PyDict::new(py);
            fields.iter().try_for_each(|(name, field)| mapping.set_item(name, as_object(py, field)?))?;
            Ok(mapping.into_any())
        }
        _ => Ok(py.None().into_bound(py)),
    }
}

/// A message without the secrets that it would take by name from a mapping; `None` if it stays as it is. The rules are only asked
/// for where there is one.
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
            // Then the merging fails too.
            Err(error) => {
                interrupt::hold(arguments.py(), &error);
                None
            }
        }
    });
    STATS.redacted.add(count);
    new
}

/// The names of the patterns that come with the library.
#[pyfunction]
pub fn redaction_patterns() -> Vec<&'static str> {
    redaction::pattern_names().collect()
}

/// The names whose values are secrets, without what stands between their words.
#[pyfunction]
pub fn redaction_keys() -> Vec<&'static str> {
    KEYS.to_vec()
}
