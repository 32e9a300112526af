//! The path of the request that is served. Middlewares note it where a rule of sampling asks for it.

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::interpreter::gil::Gil;

static VARIABLE: Gil<Option<Py<PyAny>>> = Gil::new(None);

/// Sets the context variable that has the path. None if nobody asks.
#[pyfunction]
#[pyo3(signature = (variable))]
pub fn set_request_path_variable(py: Python<'_>, variable: Option<Bound<'_, PyAny>>) -> PyResult<()> {
    // SAFETY: a live object.
    if variable.as_ref().is_some_and(|variable| unsafe { ffi::PyContextVar_CheckExact(variable.as_ptr()) } == 0) {
        return Err(PyTypeError::new_err("variable must be a contextvars.ContextVar"));
    }
    drop(VARIABLE.replace(py, variable.map(Bound::unbind)));
    Ok(())
}

/// The path of the present request, if there is one.
pub fn request_path(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    let variable = VARIABLE.held(py)?;
    let mut value = std::ptr::null_mut();
    // SAFETY: a live context variable; on success the value is a new reference, or null where there is none.
    unsafe {
        if ffi::PyContextVar_Get(variable.as_ptr(), std::ptr::null_mut(), &raw mut value) < 0 {
            ffi::PyErr_Clear();
            return None;
        }
        Bound::from_owned_ptr_or_opt(py, value).filter(|value| !value.is_none())
    }
}
