//! Native logging methods of `logging.Logger`. They make a record directly, and call the original methods wherever a
//! program could notice the difference.

use pyo3::exceptions::PyBaseException;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyInt, PyString, PyTuple, PyType};
use unified_logger_core::level;
use unified_logger_core::memory;

use super::attribute::Field;
use super::caller;
use super::loggers;
use super::parts::LogRecordParts;
use crate::capture::clock;
use crate::capture::exception_of;
use crate::capture::site::{self, Parameter};
use crate::context::sampled;
use crate::exception;
use crate::filter::{Answers, At, CallSource, Decision, Door, Level, Levels, Name, Values, decide, guard};
use crate::handover;
use crate::interpreter::arguments::Arguments;
use crate::interpreter::ending;
use crate::interpreter::gil::Gil;
use crate::interpreter::interrupt;
use crate::interpreter::method::{Call, ReplacedMethod};
use crate::redaction;
use crate::value::shown::as_mapping;

/// A method with a native replacement. Replacements that were taken out stay known: code that holds one may call it at
/// any time.
struct Method {
    replaced: ReplacedMethod,
    /// `None` for `log`, whose first argument is the level.
    level: Option<i32>,
    exception: bool,
}

static METHODS: [Method; 7] = [
    method("debug", call::<0>, Some(level::DEBUG)),
    method("info", call::<1>, Some(level::INFO)),
    method("warning", call::<2>, Some(level::WARNING)),
    method("error", call::<3>, Some(level::ERROR)),
    method("critical", call::<4>, Some(level::CRITICAL)),
    Method { replaced: ReplacedMethod::new("exception", call::<5>), level: Some(level::ERROR), exception: true },
    method("log", call::<6>, None),
];

const fn method(name: &'static str, call: Call, level: Option<i32>) -> Method {
    Method { replaced: ReplacedMethod::new(name, call), level, exception: false }
}

/// While it is false, the native methods only call the original ones.
static ACTIVE: Gil<bool> = Gil::new(false);

/// Makes loggers of `logging` native, or gives them their own methods back. Methods that other code has put there are
/// left alone.
#[pyfunction]
pub fn set_stdlib_native(py: Python<'_>, on: bool) -> PyResult<()> {
    let logging = py.import("logging")?;
    let class = logging.getattr("Logger")?.cast_into::<PyType>()?;
    for Method { replaced, .. } in &METHODS {
        if !on {
            replaced.put_back(py)?;
            continue;
        }
        let Ok(present) = class.getattr("__dict__")?.get_item(replaced.name()) else { continue };
        if guard::is_of_logging(&present, &logging) {
            replaced.replace(&class, present)?;
        }
    }
    ACTIVE.replace(py, on);
    guard::ask_again(py);
    Ok(())
}

/// The standard levels at which calls of a logger of `logging` are logged natively. None while the methods are those of
/// `logging`.
#[pyfunction]
pub fn stdlib_native_levels(logger: &Bound<'_, PyAny>) -> Option<Vec<i32>> {
    if !ACTIVE.copied(logger.py()) {
        return None;
    }
    let Some(found) = loggers::find(logger) else { return Some(Vec::new()) };
    let standard = (1..=level::NAMES.len() as i32).map(|bucket| bucket * 10);
    Some(standard.filter(|number| !found.answers.is_listened(Level::of(*number))).collect())
}

/// Whether a method is a native one.
pub fn is_own(method: &Bound<'_, PyAny>) -> bool {
    METHODS.iter().any(|own| own.replaced.is_own(method))
}

/// A call of a native method.
unsafe extern "C-unwind" fn call<const INDEX: usize>(
    slf: *mut ffi::PyObject,
    values: *const *mut ffi::PyObject,
    positional: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls methods attached, on instances of their class, with live arguments. No value here
    // is left to be dropped.
    unsafe {
        let py = Python::assume_attached();
        let arguments = Arguments { values, positional: positional.unsigned_abs(), names };
        match contained(py, slf, INDEX, arguments) {
            Done::Written => ffi::Py_NewRef(ffi::Py_None()),
            Done::Raised => std::ptr::null_mut(),
            Done::Aside => METHODS[INDEX].replaced.call_original(py, slf, values, positional, names),
        }
    }
}

/// The result of a native call.
enum Done {
    Written,
    Raised,
    /// Nothing has happened: the original method has to log.
    Aside,
}

#[inline(never)]
fn contained(py: Python<'_>, slf: *mut ffi::PyObject, index: usize, arguments: Arguments) -> Done {
    if !ACTIVE.copied(py) {
        return Done::Aside;
    }
    let mut written = true;
    let result = handover::contained(py, || {
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

/// False if the original method has to log. Then nothing has happened.
#[inline]
fn log(logger: &Bound<'_, PyAny>, method: &Method, arguments: Arguments) -> PyResult<bool> {
    let py = logger.py();
    let Some((level, arguments)) = level_of(py, method, arguments) else { return Ok(false) };
    if arguments.positional == 0 {
        return Ok(false);
    }
    let Some(found) = loggers::find(logger) else { return Ok(false) };
    let at = Level::of(level);
    let (number, at_once) = (found.number, found.answers.is_at_once(at) && !sampled::is_on(py));
    let source = move || CallSource {
        logger: Name::Logger(logger),
        at: At::Running { find: |py| site::caller(py, 1), number: site::key },
        values: Values::Arguments(arguments),
        bound: None,
    };
    // The context is looked up when the record is made.
    let (mut is_shown, mut marked) = (false, None);
    let kept = match decide(py, Door::Stdlib, at, &found.answers, || None, source) {
        Decision::Refuse => return Ok(true),
        Decision::LeaveToLogging => return Ok(false),
        Decision::Capture(_) | Decision::Record(_) | Decision::Process { kept: false } => false,
        Decision::CaptureAndKeep(_) | Decision::Process { kept: true } => true,
        Decision::Mark { shown, kept, marks } => {
            (is_shown, marked) = (shown, Some(marks));
            kept
        }
    };
    let time = clock::now(py);
    let inside = ending::Inside::enter();
    let Some(keywords) = Keywords::of(py, method, arguments) else { return Ok(false) };
    let interned = interrupt::ok(py, caller::find(py, keywords.stack_level, &keywords.fields));
    let Some(site) = interned.flatten() else { return Ok(false) };
    // Not earlier: if the original method had to log, its record would ask the filters again.
    if !at_once && marked.is_none() {
        let answers = Answers::unknown(py, Name::Logger(logger), Levels::NONE);
        match decide(py, Door::Captured, at, &answers, || None, source) {
            Decision::Refuse => return Ok(true),
            Decision::Process { .. } => is_shown = true,
            Decision::Mark { shown, marks, .. } => (is_shown, marked) = (shown, Some(marks)),
            Decision::Capture(_) | Decision::Record(_) | Decision::CaptureAndKeep(_) | Decision::LeaveToLogging => {}
        }
    }
    let message = arguments.positional(py, 0);
    let parts = LogRecordParts {
        level,
        level_name: None,
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
    let rules = || redaction::current(py);
    let record = if is_shown { parts.build_processed(py, rules) } else { Some(parts.build(py, rules)) };
    let Some(record) = record else { return Ok(true) };
    drop(inside);
    match marked {
        Some(marks) => handover::submit_marked(py, record, kept, &marks, logger.as_ptr())?,
        None if kept => handover::keep_and_submit(py, record, logger.as_ptr())?,
        None => handover::submit(py, record, logger.as_ptr())?,
    }
    Ok(true)
}

/// The level of a call, and its arguments from the message on. Only standard levels are logged natively.
#[inline]
fn level_of(py: Python<'_>, method: &Method, arguments: Arguments) -> Option<(i32, Arguments)> {
    if let Some(level) = method.level {
        return Some((level, arguments));
    }
    if arguments.positional == 0 {
        return None;
    }
    let given = arguments.positional(py, 0);
    // A subclass may compare in its own way.
    let number = given.cast_exact::<PyInt>().ok()?.extract::<i32>().ok()?;
    level::is_standard(number).then(|| (number, arguments.rest()))
}

/// The keywords of a call.
struct Keywords<'py> {
    fields: Vec<Field<'py>>,
    exception: Option<Bound<'py, PyBaseException>>,
    stack_level: usize,
}

impl<'py> Keywords<'py> {
    /// `None` if only the original method can handle them.
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
                    // `logging` asks whether the value is true, and raises what that raises.
                    interrupt::ok(py, given.is_truthy())?;
                    keywords.exception = exception_of(&given);
                }
                Parameter::StackInfo if interrupt::ok(py, given.is_truthy())? => return None,
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
    memory::expect(extra.len() * size_of::<Field<'_>>());
    let mut fields = Vec::with_capacity(extra.len());
    let (mut position, mut key, mut value) = (0, std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: a live dictionary that nothing changes, because no Python code runs here. Keys and values are borrowed
    // from it.
    while unsafe { ffi::PyDict_Next(extra.as_ptr(), &raw mut position, &raw mut key, &raw mut value) } != 0 {
        // SAFETY: as above.
        fields
            .push(unsafe { (Bound::from_borrowed_ptr(extra.py(), key), Bound::from_borrowed_ptr(extra.py(), value)) });
    }
    fields
}

/// The arguments of the message: those after it, or the single mapping among them.
fn merged_with<'py>(py: Python<'py>, arguments: Arguments) -> PyResult<Option<Bound<'py, PyAny>>> {
    if arguments.positional == 1 {
        return Ok(None);
    }
    let first = arguments.positional(py, 1);
    if arguments.positional == 2 && !is_text_or_number(&first) && as_mapping(&first).is_some() && first.is_truthy()? {
        return Ok(Some(first));
    }
    let rest = (1..arguments.positional).map(|index| arguments.positional(py, index));
    Ok(Some(PyTuple::new(py, rest.collect::<Vec<_>>())?.into_any()))
}

/// Whether a value is a text or a number. Such a value need not be asked whether it is a mapping.
fn is_text_or_number(value: &Bound<'_, PyAny>) -> bool {
    value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyFloat>()
}
