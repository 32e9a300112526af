//! An engine's errors for Python.

use pyo3::PyErr;
use pyo3::exceptions::{PyOSError, PyRuntimeError};
use unified_logger_core::error::Error;

/// The one place an engine's error becomes Python's.
pub fn to_python(error: &Error) -> PyErr {
    match error {
        // As Python's own, when it starts none.
        Error::Thread { .. } => PyRuntimeError::new_err(error.to_string()),
        _ => PyOSError::new_err(error.to_string()),
    }
}
