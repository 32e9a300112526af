//! Python exceptions and stacks in their compact form.
use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;
use unified_logger_core::value::Put;
pub fn capture(py: Python<'_>, error: &Bound<'_, PyBaseException>, out: &mut impl Put) {
    let text: String = py
        .import("traceback")
        .and_then(|t| t.call_method1("format_exception", (error,)))
        .and_then(|l| l.extract::<Vec<String>>())
        .map(|l| l.concat())
        .unwrap_or_default();
    out.put(text.as_bytes());
}
pub fn capture_stack(py: Python<'_>, frame: &Bound<'_, PyAny>, out: &mut impl Put) {
    let text: String = py
        .import("traceback")
        .and_then(|t| t.call_method1("format_stack", (frame,)))
        .and_then(|l| l.extract::<Vec<String>>())
        .map(|l| l.concat())
        .unwrap_or_default();
    out.put(text.as_bytes());
}
pub fn stack_from_text(text: &str, out: &mut impl Put) {
    out.put(text.as_bytes());
}
pub fn current(py: Python<'_>) -> Option<Bound<'_, PyBaseException>> {
    #[cfg(Py_3_11)]
    // SAFETY: attached; a new reference or null.
    unsafe {
        Bound::from_owned_ptr_or_opt(py, pyo3::ffi::PyErr_GetHandledException()).and_then(|e| e.cast_into().ok())
    }
    #[cfg(not(Py_3_11))]
    {
        let (mut kind, mut value, mut traceback) = (std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: attached; new references or null.
        unsafe {
            pyo3::ffi::PyErr_GetExcInfo(&raw mut kind, &raw mut value, &raw mut traceback);
            drop(Bound::from_owned_ptr_or_opt(py, kind));
            drop(Bound::from_owned_ptr_or_opt(py, traceback));
            Bound::from_owned_ptr_or_opt(py, value).and_then(|e| e.cast_into().ok())
        }
    }
}
#[pyfunction]
pub fn format_exception(_e: &Bound<'_, PyAny>) -> String {
    String::new()
}
#[pyfunction]
pub fn exception_json(_e: &Bound<'_, PyAny>) -> String {
    String::new()
}
