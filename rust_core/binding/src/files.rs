//! Files beside the logs for handlers in Python: opened as the engine opens its own.

use std::path::Path;

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use unified_logger_core::error::Error;
use unified_logger_core::{platform, sink};

/// Makes a log directory unless it is there, and makes sure that files can be made in it.
#[pyfunction]
pub fn prepare_directory(path: &str, mode: u32) -> PyResult<()> {
    sink::prepare_directory(Path::new(path), mode).map_err(|error| to_python(&error))
}

/// Opens a log file for appending, and gives its descriptor, which is the caller's to close.
#[pyfunction]
pub fn open_log(path: &str, mode: u32) -> PyResult<i32> {
    let file = sink::open_log(Path::new(path), mode).map_err(|error| to_python(&error))?;
    platform::into_descriptor(file).map_err(PyOSError::new_err)
}

fn to_python(error: &Error) -> PyErr {
    PyOSError::new_err(error.to_string())
}
