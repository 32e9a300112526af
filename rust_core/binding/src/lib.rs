//! `unified_logger._core`: Python objects in, records out.

use pyo3::prelude::*;

#[pymodule]
mod _core {}
