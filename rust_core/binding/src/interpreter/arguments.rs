//! The arguments of a method that the interpreter calls directly.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// The arguments of a call, as the interpreter hands them over.
#[derive(Clone, Copy)]
pub struct Arguments {
    /// The positional arguments, followed by those of the keywords.
    pub values: *const *mut ffi::PyObject,
    pub positional: usize,
    /// A tuple of the keywords' names, or null.
    pub names: *mut ffi::PyObject,
}

impl Arguments {
    /// The arguments without the first positional one.
    pub fn rest(self) -> Self {
        // SAFETY: the caller has checked that there is a first argument.
        Self { values: unsafe { self.values.add(1) }, positional: self.positional - 1, ..self }
    }

    /// # Safety
    /// There is an argument of this index.
    #[inline]
    pub unsafe fn get(&self, index: usize) -> *mut ffi::PyObject {
        // SAFETY: the caller stays within the arguments.
        unsafe { *self.values.add(index) }
    }

    pub fn names<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyTuple>> {
        // SAFETY: null or a live tuple, held by the caller of the method.
        unsafe { Bound::from_borrowed_ptr_or_opt(py, self.names).map(|names| names.cast_into_unchecked()) }
    }

    pub fn keyword<'py>(&self, py: Python<'py>, index: usize) -> Bound<'py, PyAny> {
        // SAFETY: as many values follow the positional ones as there are names; the caller holds them.
        unsafe { Bound::from_borrowed_ptr(py, self.get(self.positional + index)) }
    }

    pub fn positional<'py>(&self, py: Python<'py>, index: usize) -> Bound<'py, PyAny> {
        // SAFETY: the caller of the method holds them.
        unsafe { Bound::from_borrowed_ptr(py, self.get(index)) }
    }
}
