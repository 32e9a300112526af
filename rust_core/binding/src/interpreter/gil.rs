//! State that the interpreter lock guards.

use std::cell::UnsafeCell;

use pyo3::types::PyString;
use pyo3::{Bound, Py, Python};

use crate::interpreter::ending::Inside;
use crate::interpreter::made::{self, OrGiveUp};

/// A value that only threads attached to the interpreter touch. Free-threaded builds are not supported, so one thread
/// touches it at a time. But Python code that runs (a `__repr__`, a destructor) may come back here. Therefore no
/// reference into the value is kept over a call that can run Python code.
pub struct Gil<T>(UnsafeCell<T>);

// SAFETY: `get` asks for proof of attachment, and the interpreter lock makes attached threads take turns.
unsafe impl<T> Sync for Gil<T> {}

impl<T> Gil<T> {
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// A pointer to the value. A reference made of it must be gone before Python code can run.
    #[inline]
    pub fn get(&self, _py: Python<'_>) -> *mut T {
        self.0.get()
    }

    /// Puts another value in and returns the old one. Dropping the old value may run Python code, so the caller drops
    /// it where that is allowed.
    #[inline]
    pub fn replace(&self, _py: Python<'_>, value: T) -> T {
        // SAFETY: attached, and no reference into the value lives here: nothing runs between taking the one and putting the other.
        unsafe { std::mem::replace(&mut *self.0.get(), value) }
    }

    /// The value, for the collector of cycles.
    ///
    /// # Safety
    /// Call it only from a method that the collector calls: the collector is on the attached thread, between steps of
    /// other code, and runs no Python code while the reference lives.
    pub unsafe fn traversed(&self) -> &T {
        // SAFETY: promised by the caller; nobody keeps a reference over a call that can bring the collector here.
        unsafe { &*self.0.get() }
    }
}

impl<T: Copy> Gil<T> {
    /// A copy of the value.
    #[inline]
    pub fn copied(&self, _py: Python<'_>) -> T {
        // SAFETY: attached, and copying runs no code.
        unsafe { *self.0.get() }
    }
}

impl<T> Gil<Option<Py<T>>> {
    /// The object that is held, if there is one.
    #[inline]
    pub fn held<'py>(&self, py: Python<'py>) -> Option<Bound<'py, T>> {
        // SAFETY: attached, and counting a reference runs no code.
        unsafe { &*self.0.get() }.as_ref().map(|held| held.bind(py).clone())
    }
}

/// Frees objects and errors that were dropped in a method which the interpreter calls directly. PyO3 does not know
/// there that the thread is attached, and keeps such objects until it attaches. May run Python code: destructors.
#[cold]
pub fn let_go_of_dropped() {
    let _inside = Inside::enter();
    let _ = Python::try_attach(|_| ());
}

/// An interned name that is made once and kept.
///
/// Replaces the macro of pyo3, which fills a once-cell and releases the interpreter for that. A child forked by another
/// thread in that moment would wait for ever for a thread it does not have.
macro_rules! intern {
    ($py:expr, $text:expr) => {{
        static NAME: $crate::interpreter::gil::Name = $crate::interpreter::gil::Name::new(None);
        $crate::interpreter::gil::interned($py, &NAME, $text)
    }};
}
pub(crate) use intern;

pub type Name = Gil<Option<Py<PyString>>>;

pub fn interned<'py>(py: Python<'py>, name: &'static Name, text: &str) -> &'py Bound<'py, PyString> {
    let cell = name.get(py);
    // SAFETY: making a text runs no Python code, so the interpreter is kept throughout; what was made is never changed.
    let name = match unsafe { &*cell } {
        Some(name) => name,
        None => unsafe { (*cell).insert(made::interned(py, text).or_give_up().unbind()) },
    };
    name.bind(py)
}
