//! Records that reach the root handler.

use std::sync::Arc;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyDict, PyInt, PyString};
use unified_logger_core::clock;
use unified_logger_core::encoder::{Format, Lines, Process, Whose};
use unified_logger_core::forks;
use unified_logger_core::level;
use unified_logger_core::names;
use unified_logger_core::platform;
use unified_logger_core::record::{INLINE, Record, Site, set_process};
use unified_logger_core::redaction::Rules;
use unified_logger_core::slab::Buffer;

use super::attribute::{self, Attributes, Field, Own, is_message_in_colours};
use super::mark::{self, Marked};
use super::place::{Found, Place};
use super::said::{self, Said};
use crate::capture::exception_of;
use crate::capture::merging::Merging;
use crate::capture::thread;
use crate::exception;
use crate::filter::{self, Answers, At, Decision, Door, Name, Source, decide, guard};
use crate::handover;
use crate::interpreter::cache::Cache;
use crate::interpreter::ending;
use crate::interpreter::gil::Gil;
use crate::interpreter::gil::intern;
use crate::interpreter::interrupt;
use crate::redaction::{self, Redaction};
use crate::value;
use crate::value::shown::{is_true, text_of};

/// Places by the objects that name them: file and function of the code that logs, and the logger's name.
struct Known {
    path: Py<PyString>,
    function: Py<PyString>,
    name: Py<PyString>,
    module: Py<PyString>,
    line: u32,
    place: Place,
    logger: u32,
}

static PLACES: Gil<Cache<Known, 1_024>> = Gil::new(Cache::new());
/// Numbers of threads by the objects that name them.
static THREADS: Gil<Cache<(Py<PyAny>, u32), 64>> = Gil::new(Cache::new());
/// Names that records have for their levels, by number.
static LEVELS: Gil<Cache<Level, 8>> = Gil::new(Cache::new());

/// This process's number, and how often it was forked on the way to where that was asked for.
static PROCESS: Gil<(u32, u32)> = Gil::new((0, 0));

struct Level {
    number: i32,
    name: Py<PyAny>,
    /// The name where a record has to carry it.
    own: Option<String>,
    /// `level_generation` of the names when it was so.
    generation: u64,
}

/// Captures a `logging.LogRecord` and hands it over, once. With `ai` it goes to the AI file whatever its logger.
#[pyfunction]
#[pyo3(signature = (log_record, ai = false))]
pub fn emit(log_record: &Bound<'_, PyAny>, ai: bool) -> PyResult<()> {
    handover::contained(log_record.py(), || capture(log_record, ai))
}

fn capture(log_record: &Bound<'_, PyAny>, ai: bool) -> PyResult<()> {
    let py = log_record.py();
    let inside = ending::Inside::enter();
    let dict = log_record.getattr(intern!(py, "__dict__"))?.cast_into::<PyDict>()?;
    let attributes = Attributes::read(&dict);
    let marked = Marked::of(py, &attributes);
    match &marked {
        Marked::Captured => return Ok(()),
        Marked::Elsewhere(arrived) => {
            drop(inside);
            return arrived.call1(py, (log_record, ai)).map(drop);
        }
        Marked::Carrying(..) | Marked::Not => {}
    }
    mark::put(log_record, &dict, &attributes, &marked)?;
    let level = level_of(py, &attributes);
    // Once for a record, however many handlers it comes to: it is marked by now.
    if is_refused(py, &attributes, level) {
        return Ok(());
    }
    let names = marked.names();
    let names = names.as_ref();
    let record = built(py, attributes, level, names, ai, || redaction::current(py));
    drop(inside);
    // Without a logger: `logging` has asked for the level, and has shown the record to whoever listens.
    handover::submit(py, record, std::ptr::null_mut())
}

fn is_refused(py: Python<'_>, attributes: &Attributes<'_>, level: i32) -> bool {
    let name = Name::Record(attributes.get(Own::Name));
    let at = At::Record { file: attributes.get(Own::PathName), line: attributes.get(Own::LineNo) };
    let answers = Answers::unknown(py, name, true);
    let source = || Source { logger: name, at };
    matches!(decide(py, Door::Captured, filter::Level::of(level), &answers, || None, source), Decision::Refuse)
}

fn level_of(py: Python<'_>, attributes: &Attributes<'_>) -> i32 {
    let number = attributes.get(Own::LevelNo).and_then(|found| interrupt::ok(py, found.extract()));
    number.unwrap_or(level::INFO)
}

/// The line of JSON, without its newline, that a `logging.LogRecord` is in the files.
#[pyfunction]
#[pyo3(signature = (log_record, redaction = None))]
pub fn encode_record(log_record: &Bound<'_, PyAny>, redaction: Option<&Bound<'_, Redaction>>) -> PyResult<String> {
    let py = log_record.py();
    let _inside = ending::Inside::enter_or_stay(py);
    value::or_memory_error(py, || line_of(log_record, redaction))
}

/// The message of a `logging.LogRecord` with its arguments. Where these do not fit, `$error` and `$args` are there too, by name.
#[pyfunction]
#[pyo3(signature = (log_record, redaction = None))]
pub fn merge_record<'py>(
    log_record: &Bound<'py, PyAny>,
    redaction: Option<&Bound<'py, Redaction>>,
) -> PyResult<(String, Bound<'py, PyDict>)> {
    let py = log_record.py();
    let _inside = ending::Inside::enter_or_stay(py);
    value::or_memory_error(py, || {
        let dict = log_record.getattr(intern!(py, "__dict__"))?.cast_into::<PyDict>()?;
        let attributes = Attributes::read(&dict);
        let arguments = attributes.get(Own::Args).filter(|args| is_true(args));
        let rules = || redaction.map(|redaction| redaction.get().rules());
        let (message, notes) = said::merged(py, attributes.get(Own::Msg), arguments, rules);
        Ok((message, notes.into_py_dict(py)?))
    })
}

/// The message of a `logging.LogRecord` as its class merges it, or None and by name what is told where it cannot.
#[pyfunction]
pub fn merge_by_class<'py>(log_record: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyDict>)> {
    let py = log_record.py();
    let _inside = ending::Inside::enter_or_stay(py);
    value::or_memory_error(py, || {
        let arguments = interrupt::ok(py, log_record.getattr(intern!(py, "args")));
        let arguments = arguments.unwrap_or_else(|| py.None().into_bound(py));
        let merging = Merging::begin(&arguments);
        let ask = || log_record.call_method0(intern!(py, "getMessage"));
        match merging.expect_an_end().and_then(|()| ask()) {
            Ok(message) => Ok((message, PyDict::new(py))),
            Err(error) => {
                let notes = merging.failed(py, error, &arguments).into_py_dict(py)?;
                Ok((py.None().into_bound(py), notes))
            }
        }
    })
}

fn line_of(log_record: &Bound<'_, PyAny>, redaction: Option<&Bound<'_, Redaction>>) -> PyResult<String> {
    let py = log_record.py();
    let dict = log_record.getattr(intern!(py, "__dict__"))?.cast_into::<PyDict>()?;
    let attributes = Attributes::read(&dict);
    let given = attributes.get(Own::Mark).and_then(|names| names.cast_exact::<PyDict>().ok()).cloned();
    let names = given.or_else(|| mark::names_of(py, &attributes));
    let names = names.as_ref();
    let rules = || redaction.map(|redaction| redaction.get().rules());
    let level = level_of(py, &attributes);
    let captured = built(py, attributes, level, names, false, rules);
    let mut line = Vec::new();
    // SAFETY: captured records hold UTF-8 texts.
    if let Some(record) = unsafe { Record::read(captured.as_slice()) } {
        match redaction {
            Some(redaction) => redaction.get().encode(py, &record, &mut line),
            None => {
                let mut lines = Lines::new(&Process::here(), None, &[Format::Json]);
                lines.encode(&record, Whose::Application, 1, 0);
                line.extend_from_slice(lines.of(0));
            }
        }
    }
    Ok(String::from_utf8_lossy(line.trim_ascii_end()).into_owned())
}

fn built<'py>(
    py: Python<'py>,
    attributes: Attributes<'py>,
    level: i32,
    names: Option<&Bound<'py, PyDict>>,
    ai: bool,
    rules: impl FnOnce() -> Option<Arc<Rules>>,
) -> Buffer {
    let process = other_process(py, &attributes);
    let mut record = said_by(py, attributes, level, names, ai).build(py, rules);
    if process != 0 {
        set_process(record.as_mut_slice(), process);
    }
    record
}

/// The process that made a record, where that is known and not this one, else 0.
fn other_process(py: Python<'_>, attributes: &Attributes<'_>) -> u32 {
    let number = attributes.get(Own::Process).and_then(|number| number.cast_exact::<PyInt>().ok());
    let process = number.and_then(|number| interrupt::ok(py, number.extract())).unwrap_or(0);
    if process == 0 {
        return 0;
    }
    // SAFETY: two numbers; nothing else has them meanwhile.
    let (forks, here) = unsafe { &mut *PROCESS.get(py) };
    // Asking costs a system call, which most records do without.
    if *here == 0 || forks::is_anothers(*forks) {
        (*forks, *here) = (forks::count(), platform::process_id());
    }
    if process == *here { 0 } else { process }
}

fn said_by<'py>(
    py: Python<'py>,
    attributes: Attributes<'py>,
    level: i32,
    names: Option<&Bound<'py, PyDict>>,
    ai: bool,
) -> Said<'py> {
    let created = attributes.get(Own::Created).filter(|_| !clock::is_stopped());
    let mut said = Said {
        level,
        level_name: own_level_name(py, level, attributes.get(Own::LevelName)),
        logger: INLINE,
        name: String::new(),
        // Seconds, with the microseconds a float keeps.
        time: created
            .and_then(|found| interrupt::ok(py, found.extract::<f64>()))
            .map(|created| (created * 1e6).round() as i64 * 1_000),
        thread: attributes.get(Own::ThreadName).map(|name| thread_of(py, name)),
        message: attributes.get(Own::Msg).cloned(),
        arguments: attributes.get(Own::Args).filter(|args| is_true(args)).cloned(),
        site: Found { plain: None, bare: INLINE },
        inline_site: None,
        fields: Vec::new(),
        exception: None,
        exception_text: None,
        stack: attributes.get(Own::StackInfo).map(|text| exception::printed_stack(&text_of(text))),
        ai,
    };
    if !ending::is_here(py) {
        said.exception = attributes.get(Own::ExcInfo).and_then(exception_of);
        if said.exception.is_none() {
            said.exception_text = attributes.get(Own::ExcText).map(text_of);
        }
    }
    let line = attributes.get(Own::LineNo).and_then(|found| interrupt::ok(py, found.extract())).unwrap_or(0);
    let place = ByObjects::of(&attributes, line);
    let module = attributes.get(Own::Module).cloned();
    let name = attributes.get(Own::Name).cloned();
    let function = attributes.get(Own::FuncName).cloned();
    said.fields = attributes.into_fields(names);
    // Records without fields do not pay for the question.
    if !said.fields.is_empty() && name.as_ref().is_some_and(is_of_uvicorn) {
        said.fields.retain(|(name, _)| !is_message_in_colours(name));
    }
    if let Some(place) = &place
        && let Some((site, logger)) = place.find(py, &said.fields)
    {
        (said.site, said.logger) = (site, logger);
        return said;
    }
    said.name = text_or_unknown(name.as_ref());
    said.logger = names::here().logger(said.name.clone()).unwrap_or(INLINE);
    let site = Site {
        module: text_or_unknown(module.as_ref()),
        function: function.as_ref().map_or_else(String::new, text_of),
        line,
        ..Site::default()
    };
    match place {
        Some(place) if said.logger != INLINE => {
            if let Some(known) = Place::new(site.clone(), &said.fields) {
                said.site = known.find(&said.fields);
                place.remember(py, known, said.logger);
            }
        }
        _ => said.site.bare = names::here().site(site.clone()).unwrap_or(INLINE),
    }
    said.inline_site = (said.site.bare == INLINE).then(|| Box::new(site));
    said
}

fn is_of_uvicorn(name: &Bound<'_, PyAny>) -> bool {
    let name = name.cast::<PyString>().ok().and_then(|name| name.to_str().ok());
    name.and_then(|name| name.strip_prefix("uvicorn")).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn text_or_unknown(object: Option<&Bound<'_, PyAny>>) -> String {
    object.map_or_else(|| "unknown".to_owned(), text_of)
}

/// What `logging` names the level of a record that was made without one.
const UNNAMED: &str = "Level None";

/// The name that the record has for its level, where that is another than the process's: the record carries it then. It comes from
/// wherever the record does, and names nobody else's levels.
fn own_level_name(py: Python<'_>, number: i32, name: Option<&Bound<'_, PyAny>>) -> Option<String> {
    let name = name?;
    let generation = names::here().level_generation();
    let key = u64::from(number.cast_unsigned());
    let is_it = |known: &Level| known.number == number && known.name.is(name) && known.generation == generation;
    // SAFETY: looked at only.
    if let Some(known) = unsafe { &*LEVELS.get(py) }.find(key, is_it) {
        return known.own.clone();
    }
    let text = text_of(name);
    let text = names::bounded_level_name(&text);
    let is_other = || names::here().level_name(number) != text;
    let mut other = text != UNNAMED && is_other();
    if other && !ending::is_here(py) {
        // `logging` may have named it since.
        let logging = py.import(intern!(py, "logging"));
        interrupt::ok(py, logging.and_then(|logging| guard::note_level_name(&logging, number)));
        other = is_other();
    }
    let own = other.then(|| text.to_owned());
    if let Ok(name) = name.cast_exact::<PyString>() {
        let generation = names::here().level_generation();
        let level = Level { number, name: name.clone().into_any().unbind(), own: own.clone(), generation };
        // SAFETY: no Python code runs while the reference lives.
        let evicted = unsafe { &mut *LEVELS.get(py) }.insert(key, level, |known| known.number == number);
        drop(evicted);
    }
    own
}

/// A thread by its name: a record may come from another than the one that hands it over.
fn thread_of(py: Python<'_>, name: &Bound<'_, PyAny>) -> thread::Name {
    let key = name.as_ptr() as u64;
    // SAFETY: looked at only.
    let known = unsafe { &*THREADS.get(py) }.find(key, |(known, _)| known.is(name));
    if let Some((_, number)) = known {
        return thread::Name::Number(*number);
    }
    let text = text_of(name);
    let Some(number) = names::here().thread(text.clone()) else { return thread::Name::Text(text) };
    if name.is_exact_instance_of::<PyString>() {
        // SAFETY: no Python code runs while the reference lives.
        let evicted =
            unsafe { &mut *THREADS.get(py) }.insert(key, (name.clone().unbind(), number), |(known, _)| known.is(name));
        drop(evicted);
    }
    thread::Name::Number(number)
}

/// A place by the objects that name it: `logging` takes them from the code and the logger, so that they are the same ones
/// each time. The module's name it makes anew. Records of other processes have names of their own, each time others.
struct ByObjects<'py> {
    path: Bound<'py, PyString>,
    function: Bound<'py, PyString>,
    name: Bound<'py, PyString>,
    module: Bound<'py, PyString>,
    line: u32,
}

impl<'py> ByObjects<'py> {
    fn of(attributes: &Attributes<'py>, line: u32) -> Option<Self> {
        let text = |own| attributes.get(own)?.cast_exact::<PyString>().ok().cloned();
        // Code's own name is interned, and one that was unpickled is not.
        let function = text(Own::FuncName).filter(|function| attribute::is_interned(function.as_any()))?;
        Some(Self { path: text(Own::PathName)?, function, name: text(Own::Name)?, module: text(Own::Module)?, line })
    }

    fn key(&self) -> u64 {
        let [path, function, name] = [&self.path, &self.function, &self.name].map(|text| text.as_ptr() as u64);
        path ^ function.rotate_left(16) ^ name.rotate_left(32) ^ u64::from(self.line).rotate_left(24)
    }

    fn is(&self, known: &Known) -> bool {
        known.path.is(&self.path)
            && known.function.is(&self.function)
            && known.name.is(&self.name)
            && known.line == self.line
            // SAFETY: both are live texts; comparing them runs no Python code.
            && unsafe { ffi::PyUnicode_Compare(known.module.as_ptr(), self.module.as_ptr()) } == 0
    }

    fn find(&self, py: Python<'py>, fields: &[Field<'py>]) -> Option<(Found, u32)> {
        // SAFETY: looked at only.
        let known = unsafe { &*PLACES.get(py) }.find(self.key(), |known| self.is(known))?;
        Some((known.place.find(fields), known.logger))
    }

    fn remember(self, py: Python<'py>, place: Place, logger: u32) {
        let known = Known {
            path: self.path.clone().unbind(),
            function: self.function.clone().unbind(),
            name: self.name.clone().unbind(),
            module: self.module.clone().unbind(),
            line: self.line,
            place,
            logger,
        };
        // SAFETY: no Python code runs while the reference lives.
        let evicted = unsafe { &mut *PLACES.get(py) }.insert(self.key(), known, |known| self.is(known));
        drop(evicted);
    }
}
