//! The native part of a logger: its logging methods, called without a Python frame or a dictionary of arguments.

use std::cell::UnsafeCell;
use std::ffi::c_int;

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};
use unified_logger_core::level;
use unified_logger_core::names;
use unified_logger_core::record::INLINE;

use crate::capture::site;
use crate::capture::{Call, Origin, capture_bare, capture_plain};
use crate::context::{self, BoundFields, Fields};
use crate::filter::guard::{self, Guard};
use crate::handover;
use crate::interpreter::arguments::Arguments;
use crate::interpreter::counts::{FILTERED, MALFORMED};
use crate::interpreter::ending;
use crate::interpreter::gil::{Gil, let_go_of_dropped};
use crate::interpreter::interrupt;
use crate::value::shown::text_of;
use crate::value::small_integer;

/// Logs through `logging` itself, for loggers that others listen to: a Python function.
static LISTENED: Gil<Option<Py<PyAny>>> = Gil::new(None);

/// Names a logger and decides by the `logging.Logger` of that name.
#[pyclass(frozen, subclass, module = "unified_logger._core")]
pub struct Logger {
    name: String,
    number: u32,
    logger: Py<PyAny>,
    guard: UnsafeCell<Option<Box<Guard>>>,
    bound: Option<(Py<Logger>, BoundFields)>,
}

// SAFETY: everything but `guard` is immutable, and that is touched only under the interpreter lock.
unsafe impl Sync for Logger {}
// SAFETY: as above.
unsafe impl Send for Logger {}

#[pymethods]
impl Logger {
    #[new]
    #[pyo3(signature = (name, logger, home=None, fields=None))]
    fn new(
        name: &Bound<'_, PyString>,
        logger: Bound<'_, PyAny>,
        home: Option<Bound<'_, Self>>,
        fields: Option<Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let _inside = ending::Inside::enter_or_stay(logger.py());
        // Half a surrogate and a name without end are written as in any other text.
        let name = text_of(name.as_any());
        let number = names::here().logger(name.clone()).unwrap_or(INLINE);
        let bound = match (home, fields) {
            (Some(home), Some(fields)) => Some((home.unbind(), BoundFields::new(Fields::new(&fields)?))),
            _ => None,
        };
        Ok(Self { name, number, logger: logger.unbind(), guard: UnsafeCell::new(None), bound })
    }

    /// The name.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// The `logging.Logger` of the same name, which decides levels for both.
    #[getter]
    fn logger(&self, py: Python<'_>) -> Py<PyAny> {
        self.logger.clone_ref(py)
    }

    /// A copy of the fields that every record of this logger has.
    #[getter]
    fn bound_fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        match &self.bound {
            Some((_, bound)) => bound.fields.named(py).copy(),
            None => Ok(PyDict::new(py)),
        }
    }

    fn __repr__(&self) -> String {
        format!("<UnifiedLogger {}>", self.name)
    }

    /// What can lead back here: an object that has a logger to which it is bound.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.logger)?;
        let Some((home, bound)) = &self.bound else { return Ok(()) };
        visit.call(home)?;
        bound.traverse(&visit)
    }
}

/// What the guard says to a call.
enum Verdict {
    Refused,
    Native,
    Listened,
}

impl Logger {
    #[inline]
    fn verdict(&self, py: Python<'_>, bucket: usize) -> Verdict {
        // SAFETY: under the interpreter lock, and checking runs no Python code.
        let guard = unsafe { &*self.guard.get() };
        match guard {
            Some(guard) if guard.is_current(py) => Self::judge(guard, bucket),
            _ => self.ask(py, bucket),
        }
    }

    #[inline]
    fn judge(guard: &Guard, bucket: usize) -> Verdict {
        if !guard.is_enabled(bucket) {
            Verdict::Refused
        } else if guard.is_native() {
            Verdict::Native
        } else {
            Verdict::Listened
        }
    }

    #[cold]
    fn ask(&self, py: Python<'_>, bucket: usize) -> Verdict {
        if ending::is_here(py) {
            // As it was known last; what was never asked is worth keeping.
            // SAFETY: looked at only.
            let known = unsafe { &*self.guard.get() };
            let refused = known.as_ref().is_some_and(|guard| !guard.is_enabled(bucket));
            return if refused { Verdict::Refused } else { Verdict::Native };
        }
        let _inside = ending::Inside::enter();
        match Guard::ask(self.logger.bind(py)) {
            Ok(guard) => {
                let verdict = Self::judge(&guard, bucket);
                // SAFETY: replaced at once; the old one is dropped after, and may run Python code then.
                let old = unsafe { (*self.guard.get()).replace(Box::new(guard)) };
                drop(old);
                let_go_of_dropped();
                verdict
            }
            // A logger class that breaks in `isEnabledFor` still logs.
            Err(error) => {
                interrupt::hold(py, &error);
                Verdict::Listened
            }
        }
    }

    fn origin(&self) -> Origin<'_> {
        Origin { number: self.number, name: &self.name, bound: self.bound.as_ref().map(|(_, bound)| bound) }
    }

    /// The logger whose guard this one shares: one with fields of its own asks nothing anew.
    #[inline]
    fn home(&self) -> &Self {
        self.bound.as_ref().map_or(self, |(home, _)| home.get())
    }

    /// Levels between the standard ones are asked of `logging` each time.
    fn verdict_at(&self, py: Python<'_>, number: i32) -> Verdict {
        let bucket = level::bucket(number);
        if ending::is_here(py) {
            return self.ask(py, bucket);
        }
        if number == (i32::try_from(bucket).unwrap_or(0) + 1) * 10 {
            return self.verdict(py, bucket);
        }
        let inside = ending::Inside::enter();
        let enabled =
            self.logger.bind(py).call_method1("isEnabledFor", (number,)).and_then(|answer| answer.is_truthy());
        drop(inside);
        match interrupt::ok(py, enabled) {
            Some(false) => Verdict::Refused,
            _ => match self.verdict(py, level::NAMES.len() - 1) {
                Verdict::Listened => Verdict::Listened,
                _ => Verdict::Native,
            },
        }
    }
}

/// A logging method at `LEVEL`; with `EXCEPTION`, the exception being handled goes with it. `BOUND` loggers have fields of
/// their own: two sets of methods, so that those without pay nothing for it.
unsafe extern "C" fn at_level<const LEVEL: i32, const EXCEPTION: bool, const BOUND: bool>(
    slf: *mut ffi::PyObject,
    values: *const *mut ffi::PyObject,
    positional: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls methods attached, and on instances of their class.
    unsafe {
        let py = Python::assume_attached();
        let arguments = Arguments { values, positional: positional.unsigned_abs(), names };
        guarded(py, || log::<BOUND>(py, slf, LEVEL, level::bucket(LEVEL), arguments, EXCEPTION))
    }
}

/// `log(level, message, …)`.
unsafe extern "C" fn at_given_level<const BOUND: bool>(
    slf: *mut ffi::PyObject,
    values: *const *mut ffi::PyObject,
    positional: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: as in `at_level`.
    unsafe {
        let py = Python::assume_attached();
        let arguments = Arguments { values, positional: positional.unsigned_abs(), names };
        guarded(py, || {
            if arguments.positional == 0 {
                return log_by_names(py, slf, arguments);
            }
            if let Some(number) = standard_level(*values) {
                return log::<BOUND>(py, slf, number, level::bucket(number), arguments.rest(), false);
            }
            let given = Bound::from_borrowed_ptr(py, *values);
            log_at(py, slf, &given, arguments.rest())
        })
    }
}

/// A call at a level of any kind; the arguments are those behind it.
fn log_at(py: Python<'_>, slf: *mut ffi::PyObject, given: &Bound<'_, PyAny>, arguments: Arguments) -> PyResult<()> {
    // What names no level is no reason to lose the record, nor to raise.
    let number = interrupt::ok(py, level_number(given)).unwrap_or_else(|| {
        MALFORMED.add(1);
        level::WARNING
    });
    // SAFETY: from a method of `Logger`.
    let logger = unsafe { logger_of(slf) };
    match logger.home().verdict_at(py, number) {
        Verdict::Refused => refuse(py, logger, number, arguments, slf, false),
        verdict => write(py, logger, slf, number, arguments, false, &verdict),
    }
}

/// `log(level=…, msg=…)`, as `logging` takes it too.
#[cold]
fn log_by_names(py: Python<'_>, slf: *mut ffi::PyObject, arguments: Arguments) -> PyResult<()> {
    let names: Vec<_> = arguments.names(py).iter().flatten().collect();
    let is_level = |name: &Bound<'_, PyAny>| interrupt::ok(py, name.eq("level")).unwrap_or(false);
    let Some(level) = names.iter().position(is_level) else {
        return Err(PyTypeError::new_err("log() needs a level"));
    };
    let others = || (0..names.len()).filter(|index| *index != level);
    let kept = PyTuple::new(py, others().map(|index| &names[index]).collect::<Vec<_>>())?;
    let values: Vec<_> = others().map(|index| arguments.keyword(py, index).as_ptr()).collect();
    let rest = Arguments { values: values.as_ptr(), positional: 0, names: kept.as_ptr() };
    log_at(py, slf, &arguments.keyword(py, level), rest)
}

/// A level that has a method of its own, given as a number.
#[inline]
unsafe fn standard_level(given: *mut ffi::PyObject) -> Option<i32> {
    // SAFETY: the caller has a live object.
    let number = unsafe {
        if ffi::PyLong_CheckExact(given) == 0 {
            return None;
        }
        small_integer(given)?
    };
    let bucket = (1..=5).find(|bucket| bucket * 10 == number)?;
    Some(bucket as i32 * 10)
}

/// A level as `logging` takes it: a number. Names are taken too.
fn level_number(given: &Bound<'_, PyAny>) -> PyResult<i32> {
    let py = given.py();
    let number: i32 = match interrupt::ok(py, given.extract()) {
        Some(number) => number,
        None => py
            .import("logging")?
            .call_method1("getLevelName", (given.str()?.call_method0("upper")?,))?
            .extract()
            .map_err(|_| PyTypeError::new_err(format!("level must be a number or a level's name, not {given}")))?,
    };
    guard::note_level_name(&py.import("logging")?, number)?;
    Ok(number)
}

#[inline]
unsafe fn logger_of<'a>(slf: *mut ffi::PyObject) -> &'a Logger {
    // SAFETY: method descriptors check the type of `self`; the object outlives the call, and `Logger` is frozen.
    unsafe {
        let logger: *const Logger = Borrowed::from_ptr(Python::assume_attached(), slf).cast_unchecked::<Logger>().get();
        &*logger
    }
}

/// Runs a call so that no panic crosses into the interpreter.
#[inline]
fn guarded(py: Python<'_>, call: impl FnOnce() -> PyResult<()>) -> *mut ffi::PyObject {
    if let Err(error) = handover::contained(py, call) {
        error.restore(py);
        return std::ptr::null_mut();
    }
    // SAFETY: attached.
    unsafe { ffi::Py_NewRef(ffi::Py_None()) }
}

#[inline]
fn log<const BOUND: bool>(
    py: Python<'_>,
    slf: *mut ffi::PyObject,
    number: i32,
    bucket: usize,
    arguments: Arguments,
    exception: bool,
) -> PyResult<()> {
    // SAFETY: from a method of `Logger`.
    let logger = unsafe { logger_of(slf) };
    let home = if BOUND { logger.home() } else { logger };
    match home.verdict(py, bucket) {
        Verdict::Native if !exception => match capture_plain::<BOUND>(py, number, &logger.origin(), arguments) {
            Some(record) => handover::submit(py, record, logger.logger.as_ptr()),
            None => write(py, logger, slf, number, arguments, false, &Verdict::Native),
        },
        Verdict::Refused => refuse(py, logger, number, arguments, slf, exception),
        verdict => write(py, logger, slf, number, arguments, exception, &verdict),
    }
}

/// A call below its level.
#[inline]
fn refuse(
    py: Python<'_>,
    logger: &Logger,
    number: i32,
    arguments: Arguments,
    slf: *mut ffi::PyObject,
    exception: bool,
) -> PyResult<()> {
    if !context::are_worth_a_look() {
        return filtered();
    }
    match second_look(py, logger, number) {
        Some(verdict) => write(py, logger, slf, number, arguments, exception, &verdict),
        None => filtered(),
    }
}

fn filtered() -> PyResult<()> {
    FILTERED.add(1);
    Ok(())
}

/// What is said to a call below its level: before the start it is kept, for the level may be another by then, and a context may have a
/// level of its own.
#[cold]
fn second_look(py: Python<'_>, logger: &Logger, number: i32) -> Option<Verdict> {
    match context::least(py) {
        Some(least) if number < least => return None,
        Some(_) => {}
        None => return handover::is_early(py).then_some(Verdict::Native),
    }
    // SAFETY: looked at only; it was asked just now.
    let guard = unsafe { &*logger.home().guard.get() }.as_ref()?;
    guard.is_open_to(number).then_some(if guard.is_native() { Verdict::Native } else { Verdict::Listened })
}

/// A call in any of its forms.
#[cold]
#[inline(never)]
fn write(
    py: Python<'_>,
    logger: &Logger,
    slf: *mut ffi::PyObject,
    number: i32,
    arguments: Arguments,
    exception: bool,
    verdict: &Verdict,
) -> PyResult<()> {
    if context::least(py).is_some_and(|least| number < least) {
        return filtered();
    }
    if ending::is_here(py) {
        let record = capture_bare(py, number, &logger.origin(), arguments, exception);
        return handover::submit(py, record, logger.logger.as_ptr());
    }
    let inside = ending::Inside::enter();
    let names = arguments.names(py);
    let call = Call::new(py, number, arguments, exception);
    if matches!(verdict, Verdict::Listened)
        && let Some(listened) = listened(py)
    {
        return through_logging(py, &listened, slf, &call, &logger.origin());
    }
    let record = call.capture(py, &logger.origin(), names.as_ref())?;
    drop(inside);
    let submitted = handover::submit(py, record, logger.logger.as_ptr());
    let_go_of_dropped();
    submitted
}

/// The function for loggers that others listen to.
fn listened(py: Python<'_>) -> Option<Py<PyAny>> {
    // SAFETY: looked at and counted only.
    unsafe { &*LISTENED.get(py) }.as_ref().map(|function| function.clone_ref(py))
}

fn through_logging(
    py: Python<'_>,
    listened: &Py<PyAny>,
    slf: *mut ffi::PyObject,
    call: &Call<'_>,
    origin: &Origin<'_>,
) -> PyResult<()> {
    let fields = match origin.bound {
        Some(bound) => bound.fields.named(py).copy()?,
        None => PyDict::new(py),
    };
    for (name, field) in &call.fields {
        // A bound field of that name gives way: the call's stands where the call has it.
        if origin.bound.is_some() && fields.contains(name)? {
            fields.del_item(name)?;
        }
        fields.set_item(name, field)?;
    }
    let frame = site::caller(py, call.stack_level);
    // SAFETY: the object is alive while its method runs.
    let logger = unsafe { Bound::from_borrowed_ptr(py, slf) };
    let arguments = PyTuple::new(py, &call.arguments)?;
    let frame = frame.as_ref().map(|frame| frame.as_any().clone());
    listened.call1(
        py,
        (logger, call.level, &call.message, arguments, fields, call.exception.as_ref(), call.stack, frame, call.ai),
    )?;
    Ok(())
}

/// Logs an AI record: goes to the AI file whatever the logger's name.
#[pyfunction]
pub fn log_ai(
    logger: &Bound<'_, Logger>,
    number: i32,
    message: Bound<'_, PyAny>,
    fields: &Bound<'_, PyDict>,
    exception: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    handover::contained(logger.py(), || write_ai(logger, number, message, fields, exception))
}

fn write_ai(
    logger: &Bound<'_, Logger>,
    number: i32,
    message: Bound<'_, PyAny>,
    fields: &Bound<'_, PyDict>,
    exception: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let py = logger.py();
    let native = logger.get();
    let verdict = match native.home().verdict_at(py, number) {
        Verdict::Refused => second_look(py, native, number),
        verdict => Some(verdict),
    };
    let refused = context::least(py).is_some_and(|least| number < least);
    let Some(verdict) = verdict.filter(|_| !refused) else { return filtered() };
    let inside = ending::Inside::enter();
    let call = Call {
        level: number,
        message,
        arguments: Vec::new(),
        fields: fields.iter().collect(),
        exception: exception.and_then(crate::capture::exception_of),
        stack: false,
        stack_level: 1,
        ai: true,
    };
    if matches!(verdict, Verdict::Listened)
        && let Some(listened) = listened(py)
    {
        return through_logging(py, &listened, logger.as_ptr(), &call, &native.origin());
    }
    let names = PyTuple::new(py, fields.keys())?;
    let record = call.capture(py, &native.origin(), Some(&names))?;
    drop(inside);
    handover::submit(py, record, native.logger.as_ptr())
}

/// Sets the function that logs through `logging` for loggers that others listen to.
#[pyfunction]
pub fn set_listened(function: Bound<'_, PyAny>) {
    let py = function.py();
    // SAFETY: replaced at once; the old one is dropped after.
    let old = unsafe { (*LISTENED.get(py)).replace(function.unbind()) };
    drop(old);
}

type Method = ffi::PyCFunctionFastWithKeywords;

/// Attaches the logging methods to the class: PyO3 would collect their keywords in a dictionary first.
pub fn attach_methods(py: Python<'_>) -> PyResult<()> {
    attach::<false>(&py.get_type::<Logger>())
}

/// Gives a class of loggers that have fields of their own its logging methods.
#[pyfunction]
pub fn attach_bound_methods(class: &Bound<'_, PyType>) -> PyResult<()> {
    attach::<true>(class)
}

fn attach<const BOUND: bool>(class: &Bound<'_, PyType>) -> PyResult<()> {
    let py = class.py();
    let methods: [(&std::ffi::CStr, Method, &std::ffi::CStr); 7] = [
        (c"debug", at_level::<{ level::DEBUG }, false, BOUND>, c"Logs at DEBUG."),
        (c"info", at_level::<{ level::INFO }, false, BOUND>, c"Logs at INFO."),
        (c"warning", at_level::<{ level::WARNING }, false, BOUND>, c"Logs at WARNING."),
        (c"error", at_level::<{ level::ERROR }, false, BOUND>, c"Logs at ERROR."),
        (c"critical", at_level::<{ level::CRITICAL }, false, BOUND>, c"Logs at CRITICAL."),
        (c"exception", at_level::<{ level::ERROR }, true, BOUND>, c"Logs at ERROR with the exception being handled."),
        (c"log", at_given_level::<BOUND>, c"Logs at the level given first."),
    ];
    const FLAGS: c_int = ffi::METH_FASTCALL | ffi::METH_KEYWORDS;
    let native = py.get_type::<Logger>();
    for (name, method, doc) in methods {
        let definition = Box::leak(Box::new(ffi::PyMethodDef {
            ml_name: name.as_ptr(),
            ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: method },
            ml_flags: FLAGS,
            ml_doc: doc.as_ptr(),
        }));
        // SAFETY: the definition lives for ever; the class is live, and the methods take its instances only.
        let descriptor =
            unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyDescr_NewMethod(native.as_type_ptr(), definition))? };
        class.setattr(name.to_str().unwrap_or_default(), descriptor)?;
    }
    Ok(())
}
