//! `unified_logger._core`: Python objects in, records out.

mod exception;
mod value;

use pyo3::prelude::*;

#[pymodule]
mod _core {}
