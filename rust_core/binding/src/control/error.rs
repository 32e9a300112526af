//! Errors of the engine for Python.

use pyo3::PyErr;
use pyo3::exceptions::{PyOSError, PyRuntimeError};
use unified_logger_core::error::Error;

/// Converts an error of the engine to one of Python. No other function does.
pub fn to_python(error: &Error) -> PyErr {
    match error {
        // The class that Python raises if it cannot start a thread.
        Error::Thread { .. } => PyRuntimeError::new_err(error.to_string()),
        _ => PyOSError::new_err(error.to_string()),
    }
}
