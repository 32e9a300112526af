//! `isEnabledFor` of the loggers of `logging`, in place of which ours is put as soon as a context has a level of its own: in such a context
//! that level answers, everywhere else the method that was there.

use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyModule, PyType};

use crate::capture::Arguments;
use crate::context;
use crate::ending;
use crate::gil::Gil;
use crate::gil::intern;

const NAME: &std::ffi::CStr = c"isEnabledFor";
const DOC: &std::ffi::CStr =
    c"isEnabledFor($self, /, level)\n--\n\nWhether a record of this level is made, by the context's level if it has one.";

struct Replaced {
    own: Py<PyAny>,
    /// What was there before.
    original: Py<PyAny>,
}

/// Kept for good: whoever holds ours may call it at any time.
static REPLACED: Gil<Option<Replaced>> = Gil::new(None);

/// Has the loggers of `logging` follow the levels of contexts. What somebody else has put there is left alone.
pub fn follow_contexts(py: Python<'_>) -> PyResult<()> {
    let logging = py.import(intern!(py, "logging"))?;
    let class = logging.getattr(intern!(py, "Logger"))?.cast_into::<PyType>()?;
    let present = class.getattr(intern!(py, "isEnabledFor"))?;
    if is_own(&present) || !is_of_logging(&present, &logging) {
        return Ok(());
    }
    // SAFETY: looked at and counted only.
    let known = unsafe { &*REPLACED.get(py) }.as_ref().map(|replaced| replaced.own.clone_ref(py));
    let own = match known {
        Some(own) => own.into_bound(py),
        None => descriptor(&class)?,
    };
    let replaced = Replaced { own: own.clone().unbind(), original: present.unbind() };
    // SAFETY: replaced at once; the old one is dropped after.
    let old = unsafe { (*REPLACED.get(py)).replace(replaced) };
    drop(old);
    class.setattr(intern!(py, "isEnabledFor"), own)
}

/// Gives the loggers of `logging` their own method back. Contexts go on deciding for the loggers of this library.
#[pyfunction]
pub fn leave_stdlib_levels(py: Python<'_>) -> PyResult<()> {
    let class = py.import(intern!(py, "logging"))?.getattr(intern!(py, "Logger"))?;
    let present = class.getattr(intern!(py, "isEnabledFor"))?;
    match original_of(&present) {
        Some(original) => class.setattr(intern!(py, "isEnabledFor"), original),
        None => Ok(()),
    }
}

/// What ours replaced, if `present` is ours.
fn original_of<'py>(present: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let py = present.py();
    // SAFETY: looked at and counted only.
    let replaced = unsafe { &*REPLACED.get(py) }.as_ref()?;
    replaced.own.is(present).then(|| replaced.original.bind(py).clone())
}

/// Whether a method is ours.
pub fn is_own(method: &Bound<'_, PyAny>) -> bool {
    original_of(method).is_some()
}

/// What the logger itself says of a level, whatever the context says.
pub fn without_context<'py>(logger: &Bound<'py, PyAny>, number: i32) -> PyResult<Bound<'py, PyAny>> {
    let name = intern!(logger.py(), "isEnabledFor");
    if let Some(original) = original_of(&logger.get_type().getattr(name)?)
        && logger.getattr(name)?.getattr(intern!(logger.py(), "__self__")).is_ok_and(|bound| bound.is(logger))
    {
        return original.call1((logger, number));
    }
    logger.call_method1(name, (number,))
}

/// Up to which level a logger makes no record at all: it is disabled, or all are.
pub fn off(logger: &Bound<'_, PyAny>) -> PyResult<i32> {
    let py = logger.py();
    if logger.getattr(intern!(py, "disabled"))?.is_truthy()? {
        return Ok(i32::MAX);
    }
    logger.getattr(intern!(py, "manager"))?.getattr(intern!(py, "disable"))?.extract()
}

/// A function of `logging` itself, not one that somebody put in its place.
fn is_of_logging(method: &Bound<'_, PyAny>, logging: &Bound<'_, PyModule>) -> bool {
    method.getattr(intern!(method.py(), "__globals__")).is_ok_and(|home| home.is(logging.dict()))
}

type Call = unsafe extern "C-unwind" fn(
    *mut ffi::PyObject,
    *const *mut ffi::PyObject,
    ffi::Py_ssize_t,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;

type Vectorcall = unsafe extern "C-unwind" fn(
    *mut ffi::PyObject,
    *const *mut ffi::PyObject,
    usize,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;

unsafe extern "C" {
    fn PyMethod_New(function: *mut ffi::PyObject, object: *mut ffi::PyObject) -> *mut ffi::PyObject;
}

fn descriptor<'py>(class: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
    const FLAGS: c_int = ffi::METH_FASTCALL | ffi::METH_KEYWORDS;
    // SAFETY: the same function but for what may unwind through it: see `call`.
    let function = unsafe { std::mem::transmute::<Call, ffi::PyCFunctionFastWithKeywords>(call) };
    let definition = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: NAME.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: function },
        ml_flags: FLAGS,
        ml_doc: DOC.as_ptr(),
    }));
    // SAFETY: the definition lives for ever; the class is live.
    unsafe { Bound::from_owned_ptr_or_err(class.py(), ffi::PyDescr_NewMethod(class.as_type_ptr(), definition)) }
}

/// A call of our method. The original is called where nothing is left to be dropped, with an ABI that lets an unwinding pass:
/// see `stdlib::native`.
unsafe extern "C-unwind" fn call(
    slf: *mut ffi::PyObject,
    values: *const *mut ffi::PyObject,
    positional: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls methods attached, on instances of their class, with live arguments.
    unsafe {
        let py = Python::assume_attached();
        let arguments = Arguments { values, positional: positional.unsigned_abs(), names };
        match contained(py, slf, arguments) {
            Some(true) => ffi::Py_NewRef(ffi::Py_True()),
            Some(false) => ffi::Py_NewRef(ffi::Py_False()),
            None => {
                let original =
                    (&*REPLACED.get(py)).as_ref().map_or(std::ptr::null_mut(), |known| known.original.as_ptr());
                // Making the method may collect garbage, and that run anything.
                ffi::Py_XINCREF(original);
                let bound = PyMethod_New(original, slf);
                ffi::Py_XDECREF(original);
                if bound.is_null() {
                    return bound;
                }
                // A bound method always has one.
                let Some(function) = ffi::PyVectorcall_Function(bound) else { return bound };
                let function = std::mem::transmute::<ffi::vectorcallfunc, Vectorcall>(function);
                let result = function(bound, values, positional.unsigned_abs(), names);
                ffi::Py_DECREF(bound);
                result
            }
        }
    }
}

#[inline(never)]
fn contained(py: Python<'_>, slf: *mut ffi::PyObject, arguments: Arguments) -> Option<bool> {
    if !context::are_worth_a_look() {
        return None;
    }
    // SAFETY: the object is alive while its method runs.
    let answer = || answer(&unsafe { Bound::from_borrowed_ptr(py, slf) }, arguments);
    catch_unwind(AssertUnwindSafe(answer)).unwrap_or(None)
}

/// What the context says, if it says something.
fn answer(logger: &Bound<'_, PyAny>, arguments: Arguments) -> Option<bool> {
    let py = logger.py();
    if ending::is_here(py) || arguments.positional != 1 || !arguments.names.is_null() {
        return None;
    }
    let _inside = ending::Inside::enter();
    let least = context::least(py)?;
    let level: i32 = arguments.positional(py, 0).cast_exact::<PyInt>().ok()?.extract().ok()?;
    Some(level > off(logger).ok()? && level >= least)
}
