//! Rules of redaction, compiled once for the engine, and applied for what Python writes itself.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use unified_logger_core::encoder::JsonEncoder;
use unified_logger_core::names;
use unified_logger_core::record::Record;
use unified_logger_core::redaction::{self, KEYS, Redactor, Rules, Scanner, Spec};

use crate::runtime::STATS;

/// Compiled rules.
#[pyclass(module = "unified_logger._core")]
pub struct Redaction {
    redactor: Redactor,
    scanner: Scanner,
}

impl Redaction {
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(self.redactor.rules())
    }

    /// The line of a record without secrets.
    pub fn encode(&mut self, record: &Record<'_>, line: &mut Vec<u8>) {
        JsonEncoder::default().encode(&self.redactor.redact(record), line);
        STATS.redacted.add(self.redactor.take_count());
    }
}

#[pymethods]
impl Redaction {
    /// Compiles rules. What is not as it must be raises `ValueError` with key, value and what is allowed.
    #[new]
    fn new(spec: &str) -> PyResult<Self> {
        let spec: Spec =
            serde_json::from_str(spec).map_err(|error| PyValueError::new_err(("redaction", "", error.to_string())))?;
        match Rules::new(spec) {
            Ok(rules) => Ok(Self {
                redactor: Redactor::new(Arc::clone(&rules), Arc::clone(names::here())),
                scanner: Scanner::new(rules),
            }),
            Err(wrong) => Err(PyValueError::new_err((wrong.key, wrong.value, wrong.allowed))),
        }
    }

    /// The text without secrets.
    fn text(&mut self, text: String) -> String {
        let Some(new) = self.scanner.text(&text) else { return text };
        STATS.redacted.add(1);
        new
    }
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
