//! Python values in their compact form.
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::*;
use unified_logger_core::value::{Put, Value};
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Whole,
    Malformed,
}
#[inline]
pub unsafe fn capture_text(out: &mut impl Put, object: *mut ffi::PyObject) {
    unsafe {
        let mut n = 0;
        let p = ffi::PyUnicode_AsUTF8AndSize(object, &raw mut n);
        if p.is_null() {
            ffi::PyErr_Clear();
            out.put_text("?");
            return;
        }
        out.put_text(std::str::from_utf8_unchecked(std::slice::from_raw_parts(p.cast(), n as usize)));
    }
}
#[inline]
pub unsafe fn capture(out: &mut impl Put, object: *mut ffi::PyObject) -> Outcome {
    unsafe {
        if ffi::PyUnicode_CheckExact(object) != 0 {
            out.put_u8(unified_logger_core::value::TEXT);
            capture_text(out, object);
            return Outcome::Whole;
        }
        let py = Python::assume_attached();
        let o = Bound::from_borrowed_ptr(py, object);
        if o.is_none() {
            out.put_value(Value::Null)
        } else if let Ok(b) = o.cast::<PyBool>() {
            out.put_value(Value::Bool(b.is_true()))
        } else if let Ok(i) = o.extract::<i64>() {
            out.put_value(Value::Integer(i))
        } else if let Ok(f) = o.cast::<PyFloat>() {
            out.put_value(Value::Float(f.value()))
        } else {
            let t = o.repr().map(|r| r.to_string_lossy().into_owned()).unwrap_or_default();
            out.put_value(Value::Text(&t))
        }
        Outcome::Whole
    }
}
#[pyfunction]
pub fn encode_value(_v: &Bound<'_, PyAny>) -> String {
    String::new()
}
#[pyfunction]
pub fn set_converter(_v: Bound<'_, PyAny>) {}
