//! Files next to the logs for handlers in Python, opened as the engine opens its own files.

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use pyo3::exceptions::PyOSError;
use pyo3::ffi;
use pyo3::prelude::*;
use unified_logger_core::platform::{self, OwnFile, Rights};
use unified_logger_core::sink;

use crate::control::error::to_python;
use crate::handover;
use crate::interpreter::ending;
use crate::interpreter::gil::Gil;

fn mode((bits, is_asked_for): (u32, bool)) -> u32 {
    platform::mode(bits, is_asked_for)
}

/// Makes a log directory if it is missing, and checks that files can be made in it.
#[pyfunction]
pub fn prepare_directory(py: Python<'_>, path: &str, mode: (u32, bool)) -> PyResult<()> {
    let made = ending::detached(py, || sink::prepare_directory(Path::new(path), self::mode(mode)));
    handover::report_remarks(py);
    made.map_err(|error| to_python(&error))
}

/// Opens a log file for appending and returns its descriptor, which the caller must close. A new file gets the rights
/// of the file whose descriptor is `before`.
#[pyfunction]
#[pyo3(signature = (path, mode, before=None))]
pub fn open_log(py: Python<'_>, path: &str, mode: (u32, bool), before: Option<i32>) -> PyResult<i32> {
    let before = before.and_then(Rights::of_descriptor);
    let file = ending::detached(py, || sink::open_log(Path::new(path), self::mode(mode), before));
    handover::report_remarks(py);
    platform::into_descriptor(file.map_err(|error| to_python(&error))?).map_err(PyOSError::new_err)
}

/// A log file for code that writes to its descriptor. It is closed with its last reference, unless the program has
/// given the descriptor's number to another file.
#[pyclass(frozen, weakref)]
pub struct LogFile(OwnFile);

#[pymethods]
impl LogFile {
    #[new]
    fn new(py: Python<'_>, path: &str, mode: (u32, bool)) -> PyResult<Self> {
        let file = ending::detached(py, || sink::open_log(Path::new(path), self::mode(mode), None));
        handover::report_remarks(py);
        OwnFile::new(file.map_err(|error| to_python(&error))?).map(Self).map_err(PyOSError::new_err)
    }

    /// The descriptor to write to.
    fn fileno(&self) -> i32 {
        self.0.number().descriptor()
    }

    /// Does nothing: the file has no buffer.
    fn flush(&self) {
        let _ = self;
    }

    /// Calls `lost` on the main thread once the number belongs to another file. The writer checks that every few
    /// seconds.
    fn watch(&self, py: Python<'_>, lost: Py<PyAny>) {
        drop(LOST.replace(py, Some(lost)));
        sink::watch(&self.0, report_loss_soon);
    }
}

static LOST: Gil<Option<Py<PyAny>>> = Gil::new(None);

/// Called by the writer, without the interpreter.
fn report_loss_soon() -> bool {
    // SAFETY: may be called by any thread; the function takes no argument.
    unsafe { ffi::Py_AddPendingCall(Some(report_loss), std::ptr::null_mut()) == 0 }
}

extern "C" fn report_loss(_: *mut c_void) -> c_int {
    // SAFETY: pending calls are made with the interpreter attached.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: no Python code runs while the reference is made.
    let lost = unsafe { (*LOST.get(py)).as_ref().map(|lost| lost.clone_ref(py)) };
    // The interpreter calls this function, and it cannot be unwound.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        if let Some(lost) = lost
            && let Err(error) = lost.call0(py)
        {
            error.write_unraisable(py, None);
        }
    }));
    0
}
