//! The frame that logs: its code and its current instruction.

#[cfg(Py_3_11)]
mod running;
mod variables;

use pyo3::ffi;
use pyo3::prelude::*;

/// A position in running code. Holds no reference: valid until Python code runs again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CallSite {
    pub code: *mut ffi::PyCodeObject,
    pub instruction: i32,
}

impl CallSite {
    /// The call site of the innermost Python frame.
    #[inline(always)]
    pub fn current(py: Python<'_>) -> Option<Self> {
        #[cfg(Py_3_11)]
        if let Some(call_site) = running::call_site(py) {
            return Some(call_site);
        }
        Some(Frame::current(py)?.call_site())
    }
}

#[cfg(Py_3_11)]
pub use running::probe;
pub use variables::{can_read_variables, variables_of};

/// A frame with a reference of its own.
pub struct Frame<'py>(Bound<'py, PyAny>);

impl<'py> Frame<'py> {
    /// The innermost Python frame. A native method has no frame, so this is the caller's.
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
    pub fn call_site(&self) -> CallSite {
        // SAFETY: a live frame. It holds its code, so the reference can be given back at once.
        unsafe {
            let code = ffi::PyFrame_GetCode(self.raw());
            ffi::Py_DECREF(code.cast());
            CallSite { code, instruction: instruction(self.raw()) }
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

/// The number that distinguishes two calls in one code object.
#[cfg(Py_3_11)]
#[inline]
unsafe fn instruction(frame: *mut ffi::PyFrameObject) -> i32 {
    // SAFETY: the caller holds the frame.
    unsafe { ffi::PyFrame_GetLasti(frame) }
}

#[cfg(not(Py_3_11))]
use before_3_11::instruction;
#[cfg(not(Py_3_11))]
pub use before_3_11::probe;

/// 3.10 has no function that returns the instruction, so it is read from the frame. A probe checks the layout at the
/// import. With another layout, lines distinguish calls nearly as well, together with field names. But finding a line
/// is slow in long functions.
#[cfg(not(Py_3_11))]
mod before_3_11 {
    use std::ffi::{c_char, c_int};
    use std::sync::atomic::{AtomicBool, Ordering};

    use pyo3::ffi;
    use pyo3::prelude::*;

    use super::Frame;

    static AS_KNOWN: AtomicBool = AtomicBool::new(false);

    #[repr(C)]
    struct FrameLayout {
        head: ffi::PyVarObject,
        back: *mut ffi::PyObject,
        code: *mut ffi::PyCodeObject,
        builtins_globals_locals: [*mut ffi::PyObject; 3],
        value_stack: *mut *mut ffi::PyObject,
        trace: *mut ffi::PyObject,
        stack_depth: c_int,
        trace_lines_and_opcodes: [c_char; 2],
        generator: *mut ffi::PyObject,
        /// Counted in code units, of two bytes each.
        last_instruction: c_int,
    }

    /// Probes where frames keep their instruction.
    pub fn probe(py: Python<'_>) -> PyResult<bool> {
        let mut as_known = false;
        let frames = std::iter::successors(Frame::current(py), Frame::back);
        for (index, frame) in frames.enumerate() {
            // SAFETY: a live frame, and none is smaller.
            let (code, instruction) = unsafe {
                let layout = frame.raw().cast::<FrameLayout>();
                ((*layout).code, (*layout).last_instruction)
            };
            let asked: c_int = frame.as_any().getattr("f_lasti")?.extract()?;
            as_known = (index == 0 || as_known) && code == frame.call_site().code && instruction * 2 == asked;
        }
        AS_KNOWN.store(as_known, Ordering::Relaxed);
        Ok(as_known)
    }

    #[inline]
    pub unsafe fn instruction(frame: *mut ffi::PyFrameObject) -> i32 {
        // SAFETY: the caller holds the frame.
        unsafe {
            if AS_KNOWN.load(Ordering::Relaxed) {
                (*frame.cast::<FrameLayout>()).last_instruction
            } else {
                ffi::PyFrame_GetLineNumber(frame)
            }
        }
    }
}
