//! State that the interpreter lock guards.

use std::cell::UnsafeCell;

use pyo3::types::PyString;
use pyo3::{Bound, Py, Python};

use crate::interpreter::ending::Inside;

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

    /// Puts another value in its place, and gives the old one: to drop it may run Python code, so the caller does that where it may.
    #[inline]
    pub fn replace(&self, _py: Python<'_>, value: T) -> T {
        // SAFETY: attached, and no reference into the value lives here: nothing runs between taking the one and putting the other.
        unsafe { std::mem::replace(&mut *self.0.get(), value) }
    }

    /// The value, for the collector of cycles.
    ///
    /// # Safety
    /// Only from a method that the collector calls: it does so on the thread that is attached, between steps of other code, and runs
    /// no Python code while the reference lives.
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

/// Lets go of objects and errors that were dropped in a method which the interpreter calls directly: PyO3 does not know there
/// that it is attached, and keeps them until it attaches. May run Python code: destructors.
#[cold]
pub fn let_go_of_dropped() {
    let _inside = Inside::enter();
    let _ = Python::try_attach(|_| ());
}

/// An interned name that is made once and kept.
///
/// In place of pyo3's own: that one fills a once-cell and lets go of the interpreter meanwhile, so that a child forked by
/// another thread at this moment waits for ever for a thread it does not have.
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
        None => unsafe { (*cell).insert(PyString::intern(py, text).unbind()) },
    };
    name.bind(py)
}
