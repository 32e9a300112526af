//! Objects that are made during a call. Where there is no memory for one, the functions of PyO3 print an error and panic
//! as if there were a fault here. These raise `MemoryError`, or give the call up as one without memory.

use pyo3::ffi;
use pyo3::panic::PanicException;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use unified_logger_core::memory;

/// Makes the class that PyO3 compares every raised exception with, which it would otherwise make at the first one. Where
/// that finds no memory, the thread waits for itself for ever.
pub fn prepare(py: Python<'_>) {
    py.get_type::<PanicException>();
}

/// # Safety
/// `made` is a new reference to an object of this type, or null with an exception set.
unsafe fn checked<T>(py: Python<'_>, made: *mut ffi::PyObject) -> PyResult<Bound<'_, T>> {
    // SAFETY: promised by the caller.
    unsafe { Ok(Bound::from_owned_ptr_or_err(py, made)?.cast_into_unchecked()) }
}

pub fn text<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyString>> {
    // SAFETY: the pointer and the length are those of a text; a new reference or null.
    unsafe { checked(py, ffi::PyUnicode_FromStringAndSize(text.as_ptr().cast(), text.len().cast_signed())) }
}

pub fn interned<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyString>> {
    let mut name = text(py, name)?.into_ptr();
    // SAFETY: an owned reference to a text, which is exchanged for another, or kept where there is no memory.
    unsafe {
        ffi::PyUnicode_InternInPlace(&raw mut name);
        checked(py, name)
    }
}

pub fn dict(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    // SAFETY: a new reference or null.
    unsafe { checked(py, ffi::PyDict_New()) }
}

pub fn list(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    // SAFETY: a new reference or null.
    unsafe { checked(py, ffi::PyList_New(0)) }
}

pub trait OrGiveUp<T> {
    /// What was made, or the end of the call.
    fn or_give_up(self) -> T;
}

impl<T> OrGiveUp<T> for PyResult<T> {
    #[inline]
    fn or_give_up(self) -> T {
        self.unwrap_or_else(|_| memory::give_up())
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use unified_logger_core::value::OutOfMemory;

    use super::*;
    use crate::interpreter::gil::{Gil, Name};

    /// Does work while the interpreter has no memory. `None` if this one cannot be made to have none.
    fn without_memory<R>(py: Python<'_>, work: impl FnOnce() -> R) -> Option<R> {
        let testing = py.import("_testcapi").ok()?;
        let [refuse, allow] = ["set_nomemory", "remove_mem_hooks"].map(|name| testing.getattr(name).ok());
        let (refuse, allow) = (refuse?, allow?);
        refuse.call1((0,)).ok()?;
        let done = catch_unwind(AssertUnwindSafe(work));
        // SAFETY: a live function that takes nothing.
        drop(unsafe { Bound::from_owned_ptr_or_opt(py, ffi::PyObject_CallNoArgs(allow.as_ptr())) });
        Some(done.unwrap_or_else(|payload| std::panic::resume_unwind(payload)))
    }

    #[test]
    fn what_cannot_be_made_is_no_panic() {
        static NAME: Name = Gil::new(None);
        Python::initialize();
        Python::attach(|py| {
            prepare(py);
            let name = "a name that nobody has asked for before";
            let given_up = without_memory(py, || {
                assert!(text(py, name).is_err() && interned(py, name).is_err());
                catch_unwind(AssertUnwindSafe(|| crate::interpreter::gil::interned(py, &NAME, name).len()))
            });
            let Some(given_up) = given_up else { return };
            assert!(given_up.is_err_and(|payload| payload.is::<OutOfMemory>()));
            assert!(PyErr::take(py).is_none());
            // Once there is memory, the name is made.
            assert_eq!(crate::interpreter::gil::interned(py, &NAME, name).to_string(), name);
        });
    }
}
