//! The engine's escapes for lines that Python writes.

use pyo3::prelude::*;
use unified_logger_core::escape;

/// A text for people: on one line, and harmless for a terminal.
#[pyfunction]
pub fn escape_text(text: &str) -> String {
    escape::shown(text)
}
