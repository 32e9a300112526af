//! Records of `logging` into the same pipeline.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use unified_logger_core::clock;
use unified_logger_core::level;
use unified_logger_core::names;
use unified_logger_core::record::{INLINE, Site};

use crate::capture::{Origin, Parts, exception_of, merge, text_of};
use crate::ending;
use crate::exception;
use crate::gil::intern;
use crate::interrupt;
use crate::runtime::{self, MALFORMED};

/// What a `LogRecord` has by itself; everything else in it is a field.
const OWN: [&str; 24] = [
    "name",
    "msg",
    "args",
    "levelname",
    "levelno",
    "pathname",
    "filename",
    "module",
    "exc_info",
    "exc_text",
    "stack_info",
    "lineno",
    "funcName",
    "created",
    "msecs",
    "relativeCreated",
    "thread",
    "threadName",
    "processName",
    "process",
    "taskName",
    "message",
    "asctime",
    MARK,
];
/// Set on a record: true once it was captured; before that, the fields behind its attributes (None: not a field).
const MARK: &str = "_unified_logger_captured";

/// The attributes of a `LogRecord`.
struct Attributes<'py>(Bound<'py, PyDict>);

impl<'py> Attributes<'py> {
    /// What is there and not None.
    fn get(&self, name: &Bound<'py, PyString>) -> Option<Bound<'py, PyAny>> {
        self.0.get_item(name).ok().flatten().filter(|found| !found.is_none())
    }

    fn text(&self, name: &Bound<'py, PyString>) -> String {
        self.get(name).map_or_else(|| "unknown".to_owned(), |found| text_of(&found))
    }

    /// What others than `logging` put there, under the names their fields have.
    fn fields(&self, names: Option<&Bound<'py, PyDict>>) -> Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let mut fields = Vec::new();
        for (attribute, field) in &self.0 {
            if attribute.cast::<PyString>().is_ok_and(|name| name.to_str().is_ok_and(|name| OWN.contains(&name))) {
                continue;
            }
            match names.and_then(|names| names.get_item(&attribute).ok().flatten()) {
                Some(name) if name.is_none() => {}
                Some(name) => fields.push((name, field)),
                None => fields.push((attribute, field)),
            }
        }
        fields
    }
}

/// Captures a `logging.LogRecord` and hands it over, once. With `ai` it goes to the AI file whatever its logger.
#[pyfunction]
#[pyo3(signature = (log_record, ai = false))]
pub fn emit(log_record: &Bound<'_, PyAny>, ai: bool) -> PyResult<()> {
    runtime::contained(log_record.py(), || capture(log_record, ai))
}

fn capture(log_record: &Bound<'_, PyAny>, ai: bool) -> PyResult<()> {
    let py = log_record.py();
    let inside = ending::Inside::enter();
    let attributes = Attributes(log_record.getattr(intern!(py, "__dict__"))?.cast_into::<PyDict>()?);
    let mark = attributes.get(intern!(py, MARK));
    let names = match &mark {
        Some(mark) => match mark.cast::<PyDict>() {
            Ok(names) => Some(names),
            Err(_) => return Ok(()),
        },
        None => None,
    };
    attributes.0.set_item(intern!(py, MARK), true)?;
    let number: i32 =
        attributes.get(intern!(py, "levelno")).and_then(|found| found.extract().ok()).unwrap_or(level::INFO);
    let level_name = attributes.text(intern!(py, "levelname"));
    if names::here().level_name(number) != level_name {
        names::here().set_level_name(number, &level_name);
    }
    let name = attributes.text(intern!(py, "name"));
    let origin = Origin { number: names::here().logger(name.clone()).unwrap_or(INLINE), name: &name };
    let mut parts = Parts::new(py, number, &origin);
    parts.ai = ai;
    if !clock::is_stopped()
        && let Some(created) = attributes.get(intern!(py, "created")).and_then(|found| found.extract::<f64>().ok())
    {
        // Seconds, with the microseconds a float keeps.
        parts.time = (created * 1e6).round() as i64 * 1_000;
    }
    if let Some(thread) = attributes.get(intern!(py, "threadName")) {
        parts.set_thread(text_of(&thread));
    }
    parts.message = message(&attributes, &mut parts.notes);
    let site = Site {
        module: attributes.text(intern!(py, "module")),
        function: attributes.get(intern!(py, "funcName")).map_or_else(String::new, |found| text_of(&found)),
        line: attributes.get(intern!(py, "lineno")).and_then(|found| found.extract().ok()).unwrap_or(0),
        ..Site::default()
    };
    parts.site = names::here().site(site.clone()).unwrap_or(INLINE);
    parts.inline_site = (parts.site == INLINE).then(|| Box::new(site));
    if ending::is_here(py) {
        // Neither the exception nor what logging would make of it can be asked any more.
    } else if let Some(error) = attributes.get(intern!(py, "exc_info")).as_ref().and_then(exception_of) {
        let mut blob = Vec::new();
        exception::capture(py, &error, &mut blob);
        parts.exception = Some(blob);
    } else if let Some(text) = attributes.get(intern!(py, "exc_text")) {
        parts.notes.push(("exc_text", text_of(&text)));
    }
    parts.stack = attributes.get(intern!(py, "stack_info")).map(|text| exception::printed_stack(&text_of(&text)));
    let record = parts.build(py, &attributes.fields(names));
    drop(inside);
    runtime::submit(py, record, log_record.as_ptr())
}

/// The merged message. A `LogRecord` with arguments that do not fit is written as it is.
fn message(attributes: &Attributes<'_>, notes: &mut Vec<(&'static str, String)>) -> String {
    let py = attributes.0.py();
    let raw = attributes.get(intern!(py, "msg")).map_or_else(|| "None".to_owned(), |found| text_of(&found));
    let given = attributes.get(intern!(py, "args")).filter(|args| args.is_truthy().unwrap_or(false));
    let Some(given) = given else { return raw };
    if ending::is_here(py) {
        notes.push(("$args", "the interpreter is ending".into()));
        return raw;
    }
    let arguments: Vec<_> = match given.cast::<PyTuple>() {
        Ok(tuple) => tuple.iter().collect(),
        Err(_) => vec![given.clone()],
    };
    merge(&raw, &arguments).unwrap_or_else(|error| {
        interrupt::hold(py, &error);
        MALFORMED.add(1);
        notes.push(("$error", text_of(error.value(py))));
        notes.push(("$args", given.repr().map_or_else(|_| String::new(), |text| text.to_string_lossy().into_owned())));
        raw
    })
}
