//! Logging methods of `logging.Logger` that go straight to a record, and step aside for the original ones wherever
//! anybody could tell the difference.

use std::ffi::{CStr, c_int};

use pyo3::exceptions::PyBaseException;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyInt, PyMapping, PyString, PyTuple, PyType};
use unified_logger_core::clock;
use unified_logger_core::level;

use super::attribute::Field;
use super::caller;
use super::known::{self, Verdict};
use super::said::Said;
use super::stock;
use crate::capture::{Arguments, exception_of};
use crate::context;
use crate::ending;
use crate::exception;
use crate::gil::Gil;
use crate::guard;
use crate::runtime;
use crate::site::{self, Parameter};

/// A method that is replaced.
struct Method {
    name: &'static CStr,
    doc: &'static CStr,
    /// `None` for `log`, which is given one.
    level: Option<i32>,
    exception: bool,
}

const METHODS: [Method; 7] = [
    method(c"debug", c"debug($self, msg, /, *args, **kwargs)\n--\n\nLogs at DEBUG.", Some(level::DEBUG)),
    method(c"info", c"info($self, msg, /, *args, **kwargs)\n--\n\nLogs at INFO.", Some(level::INFO)),
    method(c"warning", c"warning($self, msg, /, *args, **kwargs)\n--\n\nLogs at WARNING.", Some(level::WARNING)),
    method(c"error", c"error($self, msg, /, *args, **kwargs)\n--\n\nLogs at ERROR.", Some(level::ERROR)),
    method(c"critical", c"critical($self, msg, /, *args, **kwargs)\n--\n\nLogs at CRITICAL.", Some(level::CRITICAL)),
    Method {
        exception: true,
        ..method(
            c"exception",
            c"exception($self, msg, /, *args, exc_info=True, **kwargs)\n--\n\nLogs at ERROR with the exception being handled.",
            Some(level::ERROR),
        )
    },
    method(c"log", c"log($self, level, msg, /, *args, **kwargs)\n--\n\nLogs at the level given first.", None),
];

const fn method(name: &'static CStr, doc: &'static CStr, level: Option<i32>) -> Method {
    Method { name, doc, level, exception: false }
}

/// One of the methods, as it is on the class.
struct Replaced {
    own: Py<PyAny>,
    /// What was there before.
    original: Py<PyAny>,
}

/// By number of the method. Kept for good: whoever holds one of ours may call it at any time.
static REPLACED: Gil<[Option<Replaced>; METHODS.len()]> = Gil::new([const { None }; METHODS.len()]);
/// While it is false, ours do nothing but call the original ones.
static ACTIVE: Gil<bool> = Gil::new(false);

/// Makes loggers of `logging` native, or gives them their own methods back. Methods that somebody else put there are left alone.
#[pyfunction]
pub fn set_stdlib_native(py: Python<'_>, on: bool) -> PyResult<()> {
    let logging = py.import("logging")?;
    let class = logging.getattr("Logger")?.cast_into::<PyType>()?;
    for (index, method) in METHODS.iter().enumerate() {
        let name = method.name.to_str().unwrap_or_default();
        let Ok(present) = class.getattr("__dict__")?.get_item(name) else { continue };
        if on && stock::is_of_logging(&present, &logging) {
            let own = own(&class, index, present)?;
            class.setattr(name, own)?;
        } else if !on && let Some(original) = original_of(py, index, &present) {
            class.setattr(name, original)?;
        }
    }
    // SAFETY: replaced at once.
    unsafe { *ACTIVE.get(py) = on };
    guard::ask_anew(py);
    Ok(())
}

/// Our method in place of `original`.
fn own<'py>(class: &Bound<'py, PyType>, index: usize, original: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = class.py();
    // SAFETY: looked at and counted only.
    let known = unsafe { &(*REPLACED.get(py))[index] }.as_ref().map(|replaced| replaced.own.clone_ref(py));
    let own = match known {
        Some(own) => own.into_bound(py),
        None => descriptor(class, index)?,
    };
    let replaced = Replaced { own: own.clone().unbind(), original: original.unbind() };
    // SAFETY: replaced at once; the old one is dropped after.
    let old = unsafe { (*REPLACED.get(py))[index].replace(replaced) };
    drop(old);
    Ok(own)
}

/// What our method replaced, if `present` is ours.
fn original_of<'py>(py: Python<'py>, index: usize, present: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    // SAFETY: looked at and counted only.
    let replaced = unsafe { &(*REPLACED.get(py))[index] }.as_ref()?;
    replaced.own.is(present).then(|| replaced.original.bind(py).clone())
}

/// Whether a method is one of ours.
pub fn is_own(method: &Bound<'_, PyAny>) -> bool {
    let py = method.py();
    (0..METHODS.len()).any(|index| original_of(py, index, method).is_some())
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

fn descriptor<'py>(class: &Bound<'py, PyType>, index: usize) -> PyResult<Bound<'py, PyAny>> {
    const CALLS: [Call; METHODS.len()] = [call::<0>, call::<1>, call::<2>, call::<3>, call::<4>, call::<5>, call::<6>];
    const FLAGS: c_int = ffi::METH_FASTCALL | ffi::METH_KEYWORDS;
    let method = &METHODS[index];
    // SAFETY: the same function but for what may unwind through it: see `call`.
    let function = unsafe { std::mem::transmute::<Call, ffi::PyCFunctionFastWithKeywords>(CALLS[index]) };
    let definition = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: method.name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: function },
        ml_flags: FLAGS,
        ml_doc: method.doc.as_ptr(),
    }));
    // SAFETY: the definition lives for ever; the class is live.
    unsafe { Bound::from_owned_ptr_or_err(class.py(), ffi::PyDescr_NewMethod(class.as_type_ptr(), definition)) }
}

/// A call of one of our methods.
///
/// The original runs Python code, and until 3.13 a thread that comes back to an interpreter that has ended is stopped there by
/// unwinding its stack. So it is called from here, where nothing is left to be dropped, with an ABI that lets it pass.
unsafe extern "C-unwind" fn call<const INDEX: usize>(
    slf: *mut ffi::PyObject,
    values: *const *mut ffi::PyObject,
    positional: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls methods attached, on instances of their class, with live arguments. An original is kept
    // for as long as its call takes by the bound method.
    unsafe {
        let py = Python::assume_attached();
        let arguments = Arguments { values, positional: positional.unsigned_abs(), names };
        match contained(py, slf, INDEX, arguments) {
            Done::Written => ffi::Py_NewRef(ffi::Py_None()),
            Done::Raised => std::ptr::null_mut(),
            Done::Aside => {
                let bound = PyMethod_New(original(py, INDEX), slf);
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

/// What a native call came to.
enum Done {
    Written,
    Raised,
    /// Nothing yet: the original is to do it.
    Aside,
}

fn original(py: Python<'_>, index: usize) -> *mut ffi::PyObject {
    // SAFETY: looked at only. Whoever calls one of our methods has it from the class, where it is put after it was noted.
    unsafe { &(*REPLACED.get(py))[index] }.as_ref().map_or(std::ptr::null_mut(), |replaced| replaced.original.as_ptr())
}

#[inline(never)]
fn contained(py: Python<'_>, slf: *mut ffi::PyObject, index: usize, arguments: Arguments) -> Done {
    // SAFETY: looked at only.
    if !unsafe { *ACTIVE.get(py) } {
        return Done::Aside;
    }
    let mut written = true;
    let result = runtime::contained(py, || {
        // SAFETY: the object is alive while its method runs.
        let logger = unsafe { Bound::from_borrowed_ptr(py, slf) };
        written = log(&logger, &METHODS[index], arguments)?;
        Ok(())
    });
    match result {
        Ok(()) if written => Done::Written,
        Ok(()) => Done::Aside,
        Err(error) => {
            error.restore(py);
            Done::Raised
        }
    }
}

/// False when the original is to do it; then nothing has happened.
#[inline]
fn log(logger: &Bound<'_, PyAny>, method: &Method, arguments: Arguments) -> PyResult<bool> {
    let py = logger.py();
    let Some((level, arguments)) = level_of(py, method, arguments) else { return Ok(false) };
    if arguments.positional == 0 {
        return Ok(false);
    }
    // Where the context has a level, `isEnabledFor` knows it.
    if context::are_worth_a_look() && context::least(py).is_some() {
        return Ok(false);
    }
    let number = match known::verdict(logger, level::bucket(level)) {
        Verdict::Aside => return Ok(false),
        Verdict::Refused => return Ok(true),
        Verdict::Native(number) => number,
    };
    let time = clock::now();
    let inside = ending::Inside::enter();
    let Some(keywords) = Keywords::of(py, method, arguments) else { return Ok(false) };
    let Ok(Some(site)) = caller::find(py, keywords.stack_level, &keywords.fields) else { return Ok(false) };
    let message = arguments.positional(py, 0);
    let said = Said {
        level,
        logger: number,
        name: String::new(),
        time: Some(time),
        thread: None,
        message: (!message.is_none()).then_some(message),
        arguments: merged_with(py, arguments)?,
        site,
        inline_site: None,
        fields: keywords.fields,
        exception: keywords.exception,
        exception_text: None,
        stack: None,
        ai: false,
    };
    let record = said.build(py);
    drop(inside);
    runtime::submit(py, record, logger.as_ptr())?;
    Ok(true)
}

/// The level of a call, and its arguments from the message on. Only standard levels are remembered.
#[inline]
fn level_of(py: Python<'_>, method: &Method, arguments: Arguments) -> Option<(i32, Arguments)> {
    if let Some(level) = method.level {
        return Some((level, arguments));
    }
    if arguments.positional == 0 {
        return None;
    }
    let given = arguments.positional(py, 0);
    // A subclass may compare as it likes.
    let number = given.cast_exact::<PyInt>().ok()?.extract::<i32>().ok()?;
    let standard = number % 10 == 0 && (level::DEBUG..=level::CRITICAL).contains(&number);
    standard.then(|| (number, arguments.rest()))
}

/// What the keywords of a call say.
struct Keywords<'py> {
    fields: Vec<Field<'py>>,
    exception: Option<Bound<'py, PyBaseException>>,
    stack_level: usize,
}

impl<'py> Keywords<'py> {
    /// `None` for what only the original knows how to take.
    #[inline]
    fn of(py: Python<'py>, method: &Method, arguments: Arguments) -> Option<Self> {
        let mut keywords = Self { fields: Vec::new(), exception: None, stack_level: 1 };
        let mut current = method.exception;
        for (index, name) in arguments.names(py).iter().flatten().enumerate() {
            let given = arguments.keyword(py, index);
            match site::parameter(name.cast::<PyString>().ok()?)? {
                Parameter::Extra if given.is_none() => {}
                Parameter::Extra => keywords.fields = fields_of(given.cast_exact::<PyDict>().ok()?),
                Parameter::ExcInfo => {
                    current = false;
                    // `logging` asks for its truth, and raises what that raises.
                    given.is_truthy().ok()?;
                    keywords.exception = exception_of(&given);
                }
                Parameter::StackInfo if given.is_truthy().ok()? => return None,
                Parameter::StackInfo => {}
                Parameter::StackLevel => {
                    let level = given.cast_exact::<PyInt>().ok()?.extract().ok()?;
                    // 3.10 counts frames of `logging`, and `exception` has one more of them.
                    if level == 0 || cfg!(not(Py_3_11)) && method.exception && level > 1 {
                        return None;
                    }
                    keywords.stack_level = level;
                }
            }
        }
        if current {
            keywords.exception = exception::current(py);
        }
        Some(keywords)
    }
}

fn fields_of<'py>(extra: &Bound<'py, PyDict>) -> Vec<Field<'py>> {
    let mut fields = Vec::with_capacity(extra.len());
    let (mut position, mut key, mut value) = (0, std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: a live dictionary that nothing changes meanwhile: no Python code runs. Keys and values are borrowed from it.
    while unsafe { ffi::PyDict_Next(extra.as_ptr(), &raw mut position, &raw mut key, &raw mut value) } != 0 {
        // SAFETY: as above.
        fields
            .push(unsafe { (Bound::from_borrowed_ptr(extra.py(), key), Bound::from_borrowed_ptr(extra.py(), value)) });
    }
    fields
}

/// What the message is merged with: the arguments after it, or the single mapping among them.
fn merged_with<'py>(py: Python<'py>, arguments: Arguments) -> PyResult<Option<Bound<'py, PyAny>>> {
    if arguments.positional == 1 {
        return Ok(None);
    }
    let first = arguments.positional(py, 1);
    if arguments.positional == 2 && !is_plain(&first) && first.cast::<PyMapping>().is_ok() && first.is_truthy()? {
        return Ok(Some(first));
    }
    let rest = (1..arguments.positional).map(|index| arguments.positional(py, index));
    Ok(Some(PyTuple::new(py, rest.collect::<Vec<_>>())?.into_any()))
}

/// Values of the usual types need not be asked whether they are mappings.
fn is_plain(value: &Bound<'_, PyAny>) -> bool {
    value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyFloat>()
}
