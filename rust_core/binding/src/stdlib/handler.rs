//! Captures records that reach the root handler.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
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

use super::attribute::{Attribute, Attributes, is_message_in_colours};
use super::call_site::{InternedCallSite, RecordSite};
use super::call_site_key::CallSiteKey;
use super::mark::{self, Marked};
use super::names::{own_level_name, thread_of};
use super::parts::{self, LogRecordParts};
use crate::capture::exception_of;
use crate::capture::merging::Merging;
use crate::exception;
use crate::filter::{self, Answers, At, CallSource, Decision, Door, Levels, Name, Values, decide};
use crate::handover;
use crate::interpreter::ending;
use crate::interpreter::fork;
use crate::interpreter::gil::Gil;
use crate::interpreter::gil::intern;
use crate::interpreter::interrupt;
use crate::interpreter::made;
use crate::lines::{OwnLines, Wanted};
use crate::processors;
use crate::redaction::{self, Redaction};
use crate::value;
use crate::value::shown::{is_true, text_of};

/// The count of forks and this process's number at that count.
static PROCESS: Gil<(u32, u32)> = Gil::new((0, 0));
/// The encoder of lines without redaction.
static LINES: Gil<OwnLines> = Gil::new(OwnLines::new());

/// Captures a `logging.LogRecord` and hands it over, once. With `ai` it goes to the AI file, whatever its logger.
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
    // The record is marked by now, so filters are asked once, even if several handlers get it.
    let decision = decided(py, &attributes, level);
    if matches!(decision, Decision::Refuse) {
        return Ok(());
    }
    let names = marked.names();
    let names = names.as_ref();
    let rules = || redaction::current(py);
    // Processors have seen a call of `get_logger` before it became a record.
    let is_shown = matches!(decision, Decision::Process { .. } | Decision::Mark { shown: true, .. })
        && !(names.is_some() && processors::have_seen());
    let Some(record) = built(py, attributes, level, names, ai, rules, is_shown) else { return Ok(()) };
    drop(inside);
    // Without a logger: `logging` has checked the level and has shown the record to all listeners.
    let nobody = std::ptr::null_mut();
    match decision {
        Decision::Mark { marks, .. } => handover::submit_marked(py, record, false, &marks, nobody),
        _ => handover::submit(py, record, nobody),
    }
}

fn decided<'py>(py: Python<'py>, attributes: &Attributes<'py>, level: i32) -> Decision<'py> {
    let name = Name::Record(attributes.get(Attribute::Name));
    let at = At::Record { file: attributes.get(Attribute::PathName), line: attributes.get(Attribute::LineNo) };
    let answers = Answers::unknown(py, name, Levels::NONE);
    let values = Values::Record { fields: attributes.others(), arguments: attributes.get(Attribute::Args) };
    let source = || CallSource { logger: name, at, values, bound: None };
    decide(py, Door::Captured, filter::Level::of(level), &answers, || None, source)
}

fn level_of(py: Python<'_>, attributes: &Attributes<'_>) -> i32 {
    let number = attributes.get(Attribute::LevelNo).and_then(|found| interrupt::ok(py, found.extract()));
    number.unwrap_or(level::INFO)
}

/// The line of JSON that a `logging.LogRecord` has in the files, without its newline: as the last start has configured it, or with the record's
/// own keys and nothing of the process. Or its lines as text, which `text` has the settings of.
#[pyfunction]
#[pyo3(signature = (log_record, redaction = None, as_configured = false, text = None))]
pub fn encode_record(
    log_record: &Bound<'_, PyAny>,
    redaction: Option<&Bound<'_, Redaction>>,
    as_configured: bool,
    text: Option<&str>,
) -> PyResult<String> {
    let py = log_record.py();
    let _inside = ending::Inside::enter_or_stay(py);
    let wanted = if as_configured { Wanted::Configured } else { Wanted::Plain };
    value::or_memory_error(py, || line_of(log_record, redaction, wanted, text))
}

/// The message of a `logging.LogRecord` with its arguments. If they do not fit, the dictionary has `$error` and
/// `$args`.
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
        let arguments = attributes.get(Attribute::Args).filter(|args| is_true(args));
        let rules = || redaction.map(|redaction| redaction.get().rules());
        let (message, notes) = parts::merged(py, attributes.get(Attribute::Msg), arguments, rules);
        Ok((message, notes.into_py_dict(py)?))
    })
}

/// The message of a `logging.LogRecord` as its class merges it. If that fails, None and the notes about it.
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
            Ok(message) => Ok((message, made::dict(py)?)),
            Err(error) => {
                let notes = merging.failed(py, error, &arguments).into_py_dict(py)?;
                Ok((py.None().into_bound(py), notes))
            }
        }
    })
}

/// Lines of text, of the last settings that were asked for.
static TEXT_LINES: Gil<Option<(u32, Lines)>> = Gil::new(None);

fn put_text(py: Python<'_>, record: &Record<'_>, rules: Option<Arc<Rules>>, text: &str, out: &mut Vec<u8>) {
    let format = Format::Text(serde_json::from_str(text).unwrap_or_default());
    // SAFETY: encoding runs no Python code.
    let lines = unsafe { &mut *TEXT_LINES.get(py) };
    let lines = lines.take().filter(|(forks, lines)| *forks == forks::count() && lines.are_of(rules.as_ref(), &format));
    let (forks, mut lines) = lines.unwrap_or_else(|| (forks::count(), Lines::new(&Process::here(), rules, &[&format])));
    lines.encode(record, Whose::Application, 1, 0);
    out.extend_from_slice(lines.of(0));
    drop(TEXT_LINES.replace(py, Some((forks, lines))));
}

/// What the files have of a `logging.LogRecord`, with its secrets and without. None if it has no secrets.
#[pyfunction]
pub fn with_and_without_secrets<'py>(
    log_record: &Bound<'py, PyAny>,
    rules: &Bound<'py, Redaction>,
) -> PyResult<Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)>> {
    let py = log_record.py();
    let _inside = ending::Inside::enter_or_stay(py);
    value::or_memory_error(py, || {
        let captured = captured_of(log_record, || Some(rules.get().rules()))?;
        let Some(captured) = &captured else { return Ok(None) };
        // SAFETY: captured records hold UTF-8 texts.
        let Some(record) = (unsafe { Record::read(captured.as_slice()) }) else { return Ok(None) };
        let Some(line) = rules.get().encode_secret(py, &record).or_else(|| secret_argument(log_record, &record)) else {
            return Ok(None);
        };
        let object_of = |line: &[u8]| {
            let value = serde_json::from_slice(line).map_err(|error| PyValueError::new_err(error.to_string()))?;
            redaction::as_object(py, &value)
        };
        Ok(Some((object_of(&line_as_it_is(py, Wanted::Plain, &record))?, object_of(&line)?)))
    })
}

/// The line of a record in whose message an argument was replaced when it was merged, by its name. None if there was none.
fn secret_argument(log_record: &Bound<'_, PyAny>, captured: &Record<'_>) -> Option<Vec<u8>> {
    let py = log_record.py();
    if !log_record.getattr(intern!(py, "args")).is_ok_and(|arguments| arguments.is_instance_of::<PyDict>()) {
        return None;
    }
    let merged = captured_of(log_record, || None).ok()??;
    // SAFETY: captured records hold UTF-8 texts.
    let as_given = unsafe { Record::read(merged.as_slice()) }?;
    (as_given.message != captured.message).then(|| line_as_it_is(py, Wanted::Plain, captured))
}

/// The line of a record without rules of redaction.
fn line_as_it_is(py: Python<'_>, wanted: Wanted, record: &Record<'_>) -> Vec<u8> {
    let mut line = Vec::new();
    fork::notice(py);
    // SAFETY: no Python code runs while the reference lives.
    let lines = unsafe { &mut *LINES.get(py) };
    lines.encode(py, wanted, None, record, &mut line);
    line
}

fn text_of_line(line: &[u8]) -> String {
    String::from_utf8_lossy(line.trim_ascii_end()).into_owned()
}

/// A record that is captured to be looked at. Processors do not see it.
fn captured_of(
    log_record: &Bound<'_, PyAny>,
    rules: impl FnOnce() -> Option<Arc<Rules>> + Copy,
) -> PyResult<Option<Buffer>> {
    let py = log_record.py();
    let dict = log_record.getattr(intern!(py, "__dict__"))?.cast_into::<PyDict>()?;
    let attributes = Attributes::read(&dict);
    let given = attributes.get(Attribute::Mark).and_then(|names| names.cast_exact::<PyDict>().ok()).cloned();
    let names = given.or_else(|| mark::names_of(py, &attributes));
    let level = level_of(py, &attributes);
    Ok(built(py, attributes, level, names.as_ref(), false, rules, false))
}

fn line_of(
    log_record: &Bound<'_, PyAny>,
    redaction: Option<&Bound<'_, Redaction>>,
    wanted: Wanted,
    text: Option<&str>,
) -> PyResult<String> {
    let py = log_record.py();
    let rules = || redaction.map(|redaction| redaction.get().rules());
    let mut line = Vec::new();
    // SAFETY: captured records hold UTF-8 texts.
    if let Some(captured) = captured_of(log_record, rules)?
        && let Some(record) = unsafe { Record::read(captured.as_slice()) }
    {
        match redaction {
            _ if text.is_some() => put_text(py, &record, rules(), text.unwrap_or_default(), &mut line),
            Some(redaction) => redaction.get().encode(py, wanted, &record, &mut line),
            None => line = line_as_it_is(py, wanted, &record),
        }
    }
    Ok(text_of_line(&line))
}

fn built<'py>(
    py: Python<'py>,
    attributes: Attributes<'py>,
    level: i32,
    names: Option<&Bound<'py, PyDict>>,
    ai: bool,
    rules: impl FnOnce() -> Option<Arc<Rules>> + Copy,
    is_shown: bool,
) -> Option<Buffer> {
    let process = other_process(py, &attributes);
    let parts = parts_of(py, attributes, level, names, ai);
    let mut record = if is_shown { parts.build_processed(py, rules)? } else { parts.build(py, rules) };
    if process != 0 {
        set_process(record.as_mut_slice(), process);
    }
    Some(record)
}

/// The process that made a record, if it is known and not this one. Otherwise 0.
fn other_process(py: Python<'_>, attributes: &Attributes<'_>) -> u32 {
    let number = attributes.get(Attribute::Process).and_then(|number| number.cast_exact::<PyInt>().ok());
    let process = number.and_then(|number| interrupt::ok(py, number.extract())).unwrap_or(0);
    if process == 0 {
        return 0;
    }
    // SAFETY: two numbers, and no other reference to them exists.
    let (forks, here) = unsafe { &mut *PROCESS.get(py) };
    // Asking for the number costs a system call, which most records avoid.
    if *here == 0 || forks::is_anothers(*forks) {
        (*forks, *here) = (forks::count(), platform::process_id());
    }
    if process == *here { 0 } else { process }
}

fn parts_of<'py>(
    py: Python<'py>,
    attributes: Attributes<'py>,
    level: i32,
    names: Option<&Bound<'py, PyDict>>,
    ai: bool,
) -> LogRecordParts<'py> {
    let created = attributes.get(Attribute::Created).filter(|_| !clock::is_stopped());
    let mut parts = LogRecordParts {
        level,
        level_name: own_level_name(py, level, attributes.get(Attribute::LevelName)),
        logger: INLINE,
        name: String::new(),
        // Seconds, with the microseconds that a float keeps.
        time: created
            .and_then(|found| interrupt::ok(py, found.extract::<f64>()))
            .map(|created| (created * 1e6).round() as i64 * 1_000),
        thread: attributes.get(Attribute::ThreadName).map(|name| thread_of(py, name)),
        message: attributes.get(Attribute::Msg).cloned(),
        arguments: attributes.get(Attribute::Args).filter(|args| is_true(args)).cloned(),
        site: RecordSite { fast: None, bare: INLINE },
        inline_site: None,
        fields: Vec::new(),
        exception: None,
        exception_text: None,
        stack: attributes.get(Attribute::StackInfo).map(|text| exception::printed_stack(&text_of(text))),
        ai,
    };
    if !ending::is_here(py) {
        parts.exception = attributes.get(Attribute::ExcInfo).and_then(exception_of);
        if parts.exception.is_none() {
            parts.exception_text = attributes.get(Attribute::ExcText).map(text_of);
        }
    }
    let line = attributes.get(Attribute::LineNo).and_then(|found| interrupt::ok(py, found.extract())).unwrap_or(0);
    let key = CallSiteKey::of(&attributes, line);
    let module = attributes.get(Attribute::Module).cloned();
    let name = attributes.get(Attribute::Name).cloned();
    let function = attributes.get(Attribute::FuncName).cloned();
    parts.fields = attributes.into_fields(names);
    // Only records with fields pay for this check.
    if !parts.fields.is_empty() && name.as_ref().is_some_and(is_of_uvicorn) {
        parts.fields.retain(|(name, _)| !is_message_in_colours(name));
    }
    if let Some(key) = &key
        && let Some((site, logger)) = key.find(py, &parts.fields)
    {
        (parts.site, parts.logger) = (site, logger);
        return parts;
    }
    parts.name = text_or_unknown(name.as_ref());
    parts.logger = names::here().logger(parts.name.clone()).unwrap_or(INLINE);
    let site = Site {
        module: text_or_unknown(module.as_ref()),
        function: function.as_ref().map_or_else(String::new, text_of),
        line,
        ..Site::default()
    };
    match key {
        Some(key) if parts.logger != INLINE => {
            if let Some(interned) = InternedCallSite::new(site.clone(), &parts.fields) {
                parts.site = interned.find(&parts.fields);
                key.remember(py, interned, parts.logger);
            }
        }
        _ => parts.site.bare = names::here().site(site.clone()).unwrap_or(INLINE),
    }
    parts.inline_site = (parts.site.bare == INLINE).then(|| Box::new(site));
    parts
}

fn is_of_uvicorn(name: &Bound<'_, PyAny>) -> bool {
    let name = name.cast::<PyString>().ok().and_then(|name| name.to_str().ok());
    name.and_then(|name| name.strip_prefix("uvicorn")).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn text_or_unknown(object: Option<&Bound<'_, PyAny>>) -> String {
    object.map_or_else(|| "unknown".to_owned(), text_of)
}
