//! The frame that logs: its code and the instruction it is at.

#[cfg(Py_3_11)]
mod running;

use pyo3::ffi;
use pyo3::prelude::*;

/// A place in running code. Holds nothing: good until Python code runs again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub code: *mut ffi::PyCodeObject,
    pub instruction: i32,
}

impl Place {
    /// Where the innermost Python frame is.
    #[inline]
    pub fn current(py: Python<'_>) -> Option<Self> {
        #[cfg(Py_3_11)]
        if let Some(place) = running::place(py) {
            return Some(place);
        }
        Some(Frame::current(py)?.place())
    }
}

/// Looks at what of the interpreter this module relies on.
///
/// # Errors
/// When there is no memory.
pub fn look(py: Python<'_>) -> PyResult<()> {
    #[cfg(Py_3_11)]
    running::look(py)?;
    let _ = py;
    Ok(())
}

/// A frame, held.
pub struct Frame<'py>(Bound<'py, PyAny>);

impl<'py> Frame<'py> {
    /// The innermost Python frame: a native method has none of its own, so this is its caller's.
    #[inline]
    pub fn current(py: Python<'py>) -> Option<Self> {
        // SAFETY: attached; the frame is borrowed from the interpreter, or absent when C code called.
        unsafe {
            let frame = ffi::PyEval_GetFrame();
            Bound::from_borrowed_ptr_or_opt(py, frame.cast()).map(Self)
        }
    }

    /// The frame that called this one.
    pub fn back(&self) -> Option<Self> {
        // SAFETY: a live frame; the result is a new reference or null.
        unsafe { Bound::from_owned_ptr_or_opt(self.0.py(), ffi::PyFrame_GetBack(self.raw()).cast()) }.map(Self)
    }

    #[inline]
    fn raw(&self) -> *mut ffi::PyFrameObject {
        self.0.as_ptr().cast()
    }

    #[inline]
    pub fn place(&self) -> Place {
        // SAFETY: a live frame. It holds its code, so the reference can be given back at once.
        unsafe {
            let code = ffi::PyFrame_GetCode(self.raw());
            ffi::Py_DECREF(code.cast());
            Place { code, instruction: instruction(self.raw()) }
        }
    }

    pub fn line(&self) -> u32 {
        // SAFETY: a live frame.
        u32::try_from(unsafe { ffi::PyFrame_GetLineNumber(self.raw()) }).unwrap_or(0)
    }

    pub fn as_any(&self) -> &Bound<'py, PyAny> {
        &self.0
    }
}

/// What tells two calls in one code object apart.
#[cfg(Py_3_11)]
#[inline]
unsafe fn instruction(frame: *mut ffi::PyFrameObject) -> i32 {
    // SAFETY: the caller holds the frame.
    unsafe { ffi::PyFrame_GetLasti(frame) }
}

/// 3.10 does not tell the instruction from C; lines tell calls apart nearly as well (field names do the rest).
#[cfg(not(Py_3_11))]
#[inline]
unsafe fn instruction(frame: *mut ffi::PyFrameObject) -> i32 {
    // SAFETY: the caller holds the frame.
    unsafe { ffi::PyFrame_GetLineNumber(frame) }
}
