//! Python values in their compact form. Capturing never raises: a value that cannot be captured is represented as well
//! as possible.

pub mod asked;
mod convert;
mod integer;
mod json;
mod row;
pub mod shown;
mod text;

pub use convert::set_converter;
pub use integer::{probe as probe_integers, small as small_integer};
pub use row::capture as capture_row;
pub use text::{capture_text, is_interned, probe as probe_texts};

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use pyo3::exceptions::PyMemoryError;
use pyo3::ffi;
use pyo3::prelude::*;
use unified_logger_core::value::{JSON, OutOfMemory, Put, TEXT, Value};

use crate::interpreter::ending::Inside;
use crate::interpreter::fork;
use crate::interpreter::interrupt;

/// Whether a value was captured as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Whole,
    /// A part could not be captured. A marker stands in its place.
    Malformed,
}

/// Writes one value. Values without a native form go through the converter. Containers become JSON at once: the record
/// shows them as they were at the time of the call.
///
/// # Safety
/// `object` is alive, and the interpreter is attached.
#[inline]
pub unsafe fn capture(out: &mut impl Put, object: *mut ffi::PyObject) -> Outcome {
    // SAFETY: promised by the caller.
    unsafe {
        if ffi::PyUnicode_CheckExact(object) != 0 {
            out.put_u8(TEXT);
            text::capture_text(out, object);
            return Outcome::Whole;
        }
        match scalar(object) {
            Some(value) => {
                out.put_value(value);
                Outcome::Whole
            }
            None => capture_json(out, object),
        }
    }
}

/// A value that needs no memory of its own.
#[inline]
unsafe fn scalar<'a>(object: *mut ffi::PyObject) -> Option<Value<'a>> {
    // SAFETY: as in `capture`.
    unsafe {
        if ffi::PyLong_CheckExact(object) != 0 {
            if let Some(number) = integer::small(object) {
                return Some(Value::Integer(number));
            }
            let mut overflow = 0;
            let number = ffi::PyLong_AsLongLongAndOverflow(object, &raw mut overflow);
            return (overflow == 0).then_some(Value::Integer(number));
        }
        if object == ffi::Py_None() {
            return Some(Value::Null);
        }
        if object == ffi::Py_True() || object == ffi::Py_False() {
            return Some(Value::Bool(object == ffi::Py_True()));
        }
        if ffi::PyFloat_CheckExact(object) != 0 {
            return Some(float(ffi::PyFloat_AS_DOUBLE(object)));
        }
        None
    }
}

/// Numbers that JSON cannot write become texts.
fn float<'a>(number: f64) -> Value<'a> {
    if number.is_finite() {
        Value::Float(number)
    } else if number.is_nan() {
        Value::Text("NaN")
    } else if number > 0.0 {
        Value::Text("Infinity")
    } else {
        Value::Text("-Infinity")
    }
}

#[cold]
unsafe fn capture_json(out: &mut impl Put, object: *mut ffi::PyObject) -> Outcome {
    let mut before = None;
    let mut keep = || {
        before.get_or_insert_with(|| {
            let mut copy = Vec::new();
            copy.put(out.bytes());
            copy
        });
    };
    let mut writer = json::Writer::new(&mut keep);
    // SAFETY: as in `capture`.
    unsafe { writer.write(object) };
    let (json, outcome) = writer.finish();
    // Any code may have run, even a fork.
    // SAFETY: promised by the caller.
    fork::notice(unsafe { Python::assume_attached() });
    out.keep_own(before);
    out.put_u8(JSON);
    out.put_text(&json);
    outcome
}

/// Runs a capture for a function of the program, not for a record. Such a function raises if there is no memory.
///
/// # Errors
/// `MemoryError`, and those of `capture`.
pub fn or_memory_error<R>(py: Python<'_>, capture: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    let captured = match catch_unwind(AssertUnwindSafe(capture)) {
        Ok(captured) => captured,
        Err(payload) if payload.is::<OutOfMemory>() => Err(PyMemoryError::new_err(())),
        // A defect. An exception for the program comes before it.
        Err(payload) => interrupt::raise(py, Ok(())).and_then(|()| resume_unwind(payload)),
    };
    interrupt::raise(py, captured)
}

/// The JSON of a value in a record.
#[pyfunction]
pub fn encode_value(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let _inside = Inside::enter_or_stay(value.py());
    or_memory_error(value.py(), || {
        let mut nothing = || {};
        let mut writer = json::Writer::new(&mut nothing);
        // SAFETY: a live object, and the interpreter is attached.
        unsafe { writer.write(value.as_ptr()) };
        Ok(writer.finish().0)
    })
}
