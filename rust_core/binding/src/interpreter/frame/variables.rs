//! Local variables of a frame that may be running.
//!
//! Before 3.13 `f_locals` cannot be used. Asking for it writes into the dictionary that `locals()` has returned to the
//! program. It also keeps the values alive for as long as the frame lives.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};

use crate::interpreter::gil::intern;
use crate::interpreter::made;

/// `CO_OPTIMIZED`: code of a function. Variables of a module or a class are in a dictionary, and a module's are all it
/// has imported.
const OF_FUNCTION: i64 = 1;

/// The first variables of a frame as a list of pairs, and how many variables it has. `None` for a frame that is no
/// function's. Runs no code of the program.
pub fn variables_of<'py>(frame: &Bound<'py, PyAny>, most: usize) -> Option<(Bound<'py, PyList>, usize)> {
    let py = frame.py();
    let code = frame.getattr(intern!(py, "f_code")).ok()?;
    let flags: i64 = code.getattr(intern!(py, "co_flags")).ok()?.extract().ok()?;
    if flags & OF_FUNCTION == 0 {
        return None;
    }
    let names = |attribute| code.getattr(attribute).ok()?.cast_into::<PyTuple>().ok();
    let variables = names(intern!(py, "co_varnames"))?;
    let cells = names(intern!(py, "co_cellvars"))?;
    let free = names(intern!(py, "co_freevars"))?;
    let (pairs, mut count) = (made::list(py).ok()?, 0);
    read(frame, [&variables, &cells, &free], &mut |name, value| {
        // Those that the compiler made, or pytest, are no names of the program.
        if name.cast::<PyString>().is_ok_and(|name| name.to_string_lossy().starts_with(['.', '@'])) {
            return;
        }
        count += 1;
        // Where there is no memory, the variable is missing.
        if count <= most
            && let Ok(pair) = PyTuple::new(py, [name, &value])
        {
            let _ = pairs.append(pair);
        }
    })?;
    Some((pairs, count))
}

type Found<'f, 'py> = &'f mut dyn FnMut(&Bound<'py, PyAny>, Bound<'py, PyAny>);

/// Whether variables can be read.
#[cfg(Py_3_12)]
pub fn can_read_variables(_py: Python<'_>) -> bool {
    true
}

#[cfg(Py_3_12)]
fn read<'py>(frame: &Bound<'py, PyAny>, names: [&Bound<'py, PyTuple>; 3], found: Found<'_, 'py>) -> Option<()> {
    unsafe extern "C" {
        fn PyFrame_GetVar(frame: *mut ffi::PyFrameObject, name: *mut ffi::PyObject) -> *mut ffi::PyObject;
    }
    let py = frame.py();
    let [variables, cells, free] = names;
    // A parameter that a function inside uses is a cell, too.
    let own = cells.iter().filter(|cell| !variables.iter().any(|name| name.is(cell)));
    for name in variables.iter().chain(own).chain(free.iter()) {
        // SAFETY: a live frame and a text; a new reference, or null with an exception for a variable without a value.
        match unsafe { Bound::from_owned_ptr_or_opt(py, PyFrame_GetVar(frame.as_ptr().cast(), name.as_ptr())) } {
            Some(value) => found(&name, value),
            // SAFETY: attached.
            None => unsafe { ffi::PyErr_Clear() },
        }
    }
    Some(())
}

#[cfg(not(Py_3_12))]
pub use in_frame::can_read_variables;
#[cfg(not(Py_3_12))]
use in_frame::read;

/// Before 3.12 nothing else gives them, so they are read where the frame keeps them. That is not promised: it is probed
/// when variables are first wanted.
#[cfg(not(Py_3_12))]
mod in_frame {
    use std::sync::atomic::{AtomicBool, Ordering};

    use pyo3::types::{PyCFunction, PyDict};

    use super::super::Frame;
    use super::*;

    static AS_KNOWN: AtomicBool = AtomicBool::new(false);

    /// The slots of a frame. Names come in the order of its slots.
    #[cfg(Py_3_11)]
    unsafe fn slots(frame: *mut ffi::PyObject) -> *const *mut ffi::PyObject {
        /// `PyFrameObject.f_frame`, and `_PyInterpreterFrame.localsplus`.
        const FRAME: usize = 24;
        const SLOTS: usize = 72;
        // SAFETY: the caller has a live frame of the known layout.
        unsafe { frame.cast::<u8>().add(FRAME).cast::<*const u8>().read().add(SLOTS).cast() }
    }

    #[cfg(not(Py_3_11))]
    unsafe fn slots(frame: *mut ffi::PyObject) -> *const *mut ffi::PyObject {
        /// `PyFrameObject.f_localsplus`: behind numbers and the stack of 20 blocks.
        const SLOTS: usize = 352;
        // SAFETY: the caller has a live frame of the known layout.
        unsafe { frame.cast::<u8>().add(SLOTS).cast() }
    }

    pub fn read<'py>(frame: &Bound<'py, PyAny>, names: [&Bound<'py, PyTuple>; 3], found: Found<'_, 'py>) -> Option<()> {
        AS_KNOWN.load(Ordering::Relaxed).then(|| {
            // SAFETY: the probe has found the known layout.
            unsafe { read_slots(frame, names, found) };
        })
    }

    unsafe fn read_slots<'py>(frame: &Bound<'py, PyAny>, names: [&Bound<'py, PyTuple>; 3], found: Found<'_, 'py>) {
        let [variables, cells, free] = names;
        // Since 3.11 a parameter that a function inside uses has one slot, which holds its cell.
        let own = cells.iter().filter(|cell| !cfg!(Py_3_11) || !variables.iter().any(|name| name.is(cell)));
        let all = variables.iter().chain(own).chain(free.iter());
        for (slot, name) in all.enumerate() {
            // SAFETY: the frame has a slot for each name. A value is held before anything else happens.
            let value = unsafe {
                let value = slots(frame.as_ptr()).add(slot).read();
                let is_cell = !value.is_null()
                    && (cells.iter().chain(free.iter()).any(|cell| cell.is(&name)))
                    && ffi::Py_TYPE(value) == &raw mut ffi::PyCell_Type;
                if is_cell {
                    Bound::from_owned_ptr_or_opt(frame.py(), ffi::PyCell_Get(value))
                } else {
                    Bound::from_borrowed_ptr_or_opt(frame.py(), value)
                }
            };
            if let Some(value) = value {
                found(&name, value);
            }
        }
    }

    /// Code that calls the probe with variables of every kind.
    const PROGRAM: &std::ffi::CStr = c"
def function(one, two, *three, four=4, **five):
    six, nine = [one], None
    del nine
    def inner():
        seven = two, six
        return probe() and seven
    eight = inner()
    return probe() and eight
def generator(one):
    def inner():
        return one
    two = inner()
    yield probe()
answers = [bool(function(1, 2, 3, x=5)), *generator(1), (lambda one: probe())(1)]
";

    /// Whether variables can be read. Probes that once.
    pub fn can_read_variables(py: Python<'_>) -> bool {
        if !AS_KNOWN.load(Ordering::Relaxed) && cfg!(target_pointer_width = "64") {
            AS_KNOWN.store(probe(py).unwrap_or(false), Ordering::Relaxed);
        }
        AS_KNOWN.load(Ordering::Relaxed)
    }

    fn probe(py: Python<'_>) -> PyResult<bool> {
        let probe = PyCFunction::new_closure(py, None, None, |arguments, _| is_as_known(arguments.py()))?;
        let globals = PyDict::new(py);
        globals.set_item("probe", probe)?;
        py.run(PROGRAM, Some(&globals), None)?;
        let answers = globals.get_item("answers")?.and_then(|answers| answers.cast_into::<PyList>().ok());
        Ok(answers.is_some_and(|answers| {
            answers.len() == 3 && answers.iter().all(|answer| answer.is_truthy().unwrap_or(false))
        }))
    }

    /// Whether the slots of the frame that calls hold what its `f_locals` has.
    fn is_as_known(py: Python<'_>) -> PyResult<bool> {
        let Some(frame) = Frame::current(py) else { return Ok(false) };
        let frame = frame.as_any();
        let code = frame.getattr("f_code")?;
        let names = |attribute: &str| Ok::<_, PyErr>(code.getattr(attribute)?.cast_into::<PyTuple>()?);
        let (variables, cells, free) = (names("co_varnames")?, names("co_cellvars")?, names("co_freevars")?);
        let expected = frame.getattr("f_locals")?.cast_into::<PyDict>()?;
        let (mut seen, mut as_known) = (0, true);
        // SAFETY: a frame of this version; the offsets are within it in all builds.
        unsafe {
            read_slots(frame, [&variables, &cells, &free], &mut |name, value| {
                seen += 1;
                as_known &= expected.get_item(name).is_ok_and(|known| known.is_some_and(|known| known.is(&value)));
            });
        }
        Ok(as_known && seen == expected.len())
    }
}
