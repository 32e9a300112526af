//! State that the interpreter lock guards.

use std::cell::UnsafeCell;

use pyo3::Python;

/// A value touched only by threads attached to the interpreter. Free-threaded builds are not supported, so that is one at
/// a time; but any Python code that runs (a `__repr__`, a destructor) may come back here. So: no reference into the value
/// is kept over a call that can run Python code.
pub struct Gil<T>(UnsafeCell<T>);

// SAFETY: `get` asks for proof of attachment, and the interpreter lock makes attached threads take turns.
unsafe impl<T> Sync for Gil<T> {}

impl<T> Gil<T> {
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// The value. Whoever makes a reference of the pointer lets it go before Python code can run.
    #[inline]
    pub fn get(&self, _py: Python<'_>) -> *mut T {
        self.0.get()
    }
}
