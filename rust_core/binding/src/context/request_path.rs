//! The path of the request that is served. Middlewares note it where a rule of sampling asks for it.

use pyo3::prelude::*;

use super::current::{check_variable, value_of};
use crate::interpreter::gil::Gil;

static VARIABLE: Gil<Option<Py<PyAny>>> = Gil::new(None);

/// Sets the context variable that has the path. None if nobody asks.
#[pyfunction]
#[pyo3(signature = (variable))]
pub fn set_request_path_variable(py: Python<'_>, variable: Option<Bound<'_, PyAny>>) -> PyResult<()> {
    variable.as_ref().map_or(Ok(()), check_variable)?;
    drop(VARIABLE.replace(py, variable.map(Bound::unbind)));
    Ok(())
}

/// The path of the present request, if there is one.
pub fn request_path(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    let variable = VARIABLE.held(py)?;
    // SAFETY: checked when it was set, and held meanwhile.
    unsafe { value_of(py, variable.as_ptr()) }.filter(|value| !value.is_none())
}
