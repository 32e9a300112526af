//! The engine's escapes for lines that Python writes.

use pyo3::prelude::*;
use unified_logger_core::escape;

/// A text as it is shown to people: on one line, and harmless for a terminal.
#[pyfunction]
pub fn escape_text(text: &str) -> String {
    escape::shown(text)
}

/// A line of JSON without characters that act where it is shown; it reads back as what it was.
#[pyfunction]
pub fn escape_json(line: String) -> PyResult<String> {
    let mut line = line.into_bytes();
    escape::json_line(&mut line, 0);
    Ok(String::from_utf8(line)?)
}
