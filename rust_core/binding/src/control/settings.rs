//! Settings as they come from Python: one dictionary of simple values.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyString};
use serde_json::Value;

/// The JSON of simple values.
///
/// # Errors
/// `TypeError` for values of other types.
pub fn as_json(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    if value.is_none() {
        return Ok(Value::Null);
    }
    // Before numbers: a bool is a number, too.
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(Value::from(flag.is_true()));
    }
    if let Ok(number) = value.cast::<PyInt>() {
        let small: Option<i64> = number.extract().ok();
        return small.map_or_else(|| Ok(Value::from(number.extract::<u64>()?)), |number| Ok(Value::from(number)));
    }
    if let Ok(number) = value.cast::<PyFloat>() {
        return Ok(Value::from(number.value()));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Value::from(text.to_str()?));
    }
    if let Ok(mapping) = value.cast::<PyDict>() {
        return mapping.iter().map(|(key, value)| Ok((key.extract::<String>()?, as_json(&value)?))).collect();
    }
    match value.try_iter() {
        Ok(items) => items.map(|item| as_json(&item?)).collect(),
        Err(_) => Err(PyTypeError::new_err(format!("a setting cannot be {value}"))),
    }
}
