//! The call site of the running frame, read where the interpreter keeps it.
//!
//! Since 3.11 the interpreter makes a frame object only on request, which would cost every function that logs. The
//! header of each version shows where the running frame is, without a promise. A probe checks it at the import, and
//! with another layout frame objects are used. The offsets are those of 64-bit builds: in other builds even the probe
//! would follow wrong pointers.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict};

use super::{CallSite, Frame};

static AS_KNOWN: AtomicBool = AtomicBool::new(false);

/// `PyThreadState.cframe`, and `current_frame` in what it points to.
#[cfg(not(Py_3_13))]
const CFRAME: usize = 56;
#[cfg(all(not(Py_3_12), not(Py_3_13)))]
const CURRENT: usize = 8;
#[cfg(all(Py_3_12, not(Py_3_13)))]
const CURRENT: usize = 0;
/// `PyThreadState.current_frame`.
#[cfg(Py_3_13)]
const CURRENT: usize = 72;
/// `PyFrameObject.f_frame`.
const FRAME: usize = 24;

/// The call site of the running frame, if it can be read without a frame object.
#[inline(always)]
pub fn call_site(_py: Python<'_>) -> Option<CallSite> {
    if !AS_KNOWN.load(Ordering::Relaxed) {
        return None;
    }
    // SAFETY: attached, and the probe at the import has found the known layout.
    unsafe { read(current()) }
}

/// A pointer in memory.
#[inline]
unsafe fn pointer(at: *const c_void, offset: usize) -> *mut c_void {
    // SAFETY: the caller knows that there is one.
    unsafe { at.cast::<u8>().add(offset).cast::<*mut c_void>().read() }
}

/// The running frame of this thread, null if there is none.
#[inline]
unsafe fn current() -> *mut c_void {
    // SAFETY: attached, so there is a state. The state is larger than these offsets, and the pointers there are valid
    // in all builds of this version.
    unsafe {
        let state = ffi::PyThreadState_Get().cast::<c_void>();
        #[cfg(not(Py_3_13))]
        let state = pointer(state, CFRAME);
        pointer(state, CURRENT)
    }
}

/// The call site of a running frame: its code, and the instruction as `PyFrame_GetLasti` returns it.
#[cfg(not(Py_3_12))]
#[inline]
unsafe fn read(frame: *mut c_void) -> Option<CallSite> {
    /// `_PyInterpreterFrame.f_code` and `.prev_instr`, and `PyCodeObject.co_code_adaptive`.
    const CODE: usize = 32;
    const INSTRUCTION: usize = 56;
    const INSTRUCTIONS: usize = 184;
    if frame.is_null() {
        return None;
    }
    // SAFETY: a running frame, which holds its code.
    let (code, instruction) = unsafe { (pointer(frame, CODE), pointer(frame, INSTRUCTION)) };
    let instruction = (instruction as isize).wrapping_sub(code as isize).wrapping_sub(INSTRUCTIONS as isize);
    // A frame that has not begun is before its first instruction.
    let instruction = i32::try_from(instruction).ok().filter(|instruction| *instruction >= 0)?;
    Some(CallSite { code: code.cast(), instruction })
}

#[cfg(Py_3_12)]
#[inline]
unsafe fn read(frame: *mut c_void) -> Option<CallSite> {
    if frame.is_null() {
        return None;
    }
    // SAFETY: a running frame. It holds its code, so the reference can be given back at once.
    unsafe {
        let code = ffi::PyUnstable_InterpreterFrame_GetCode(frame.cast());
        ffi::Py_DECREF(code);
        Some(CallSite { code: code.cast(), instruction: ffi::PyUnstable_InterpreterFrame_GetLasti(frame.cast()) })
    }
}

/// Code that calls the probe from frames of several kinds, more than once from some.
const PROGRAM: &std::ffi::CStr = c"
def function(one):
    probe(); one += 1; probe()
    def inner():
        return probe(), one
    inner()
def generator():
    yield probe()
    yield probe()
class Body:
    probe()
function(1)
list(generator())
[probe() for _ in range(2)]
(lambda: probe())()
probe()
";
const PROBES: u32 = 10;

/// Probes where frames are kept.
pub fn probe(py: Python<'_>) -> PyResult<bool> {
    static SEEN: AtomicU32 = AtomicU32::new(0);
    SEEN.store(0, Ordering::Relaxed);
    if cfg!(not(target_pointer_width = "64")) {
        return Ok(false);
    }
    let probe = PyCFunction::new_closure(py, None, None, |arguments, _| {
        SEEN.fetch_add(u32::from(is_as_known(arguments.py())), Ordering::Relaxed);
    })?;
    let globals = PyDict::new(py);
    globals.set_item("probe", probe)?;
    py.run(PROGRAM, Some(&globals), None)?;
    let as_known = SEEN.load(Ordering::Relaxed) == PROBES;
    AS_KNOWN.store(as_known, Ordering::Relaxed);
    Ok(as_known)
}

fn is_as_known(py: Python<'_>) -> bool {
    let Some(frame) = Frame::current(py) else { return false };
    // SAFETY: a live frame object, which points to its frame. Only a frame that is known to be one is read.
    unsafe {
        let running = current();
        running == pointer(frame.as_any().as_ptr().cast(), FRAME) && read(running) == Some(frame.call_site())
    }
}
