//! Starts, flushes, stops and counts for the facade.

pub mod error;
pub mod escape;
pub mod files;
pub mod functions;
mod metrics;
mod rotated;
pub mod self_check;
mod settings;

pub use escape::escape_text;
pub use files::{LogFile, open_log, prepare_directory};
pub use functions::{HandedRecords, count_failed, function_threads, next_records, wake_function};
pub use metrics::directory_metrics;
pub use rotated::retention;
pub use self_check::internals;
pub use settings::as_json;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use unified_logger_core::blackbox::Home;
use unified_logger_core::clock::{self, Zone};
use unified_logger_core::config::Settings;
use unified_logger_core::encoder::{
    self, FORMATS, Fields, PARTS, Shape, TEMPLATES, Wrong, WrongTemplate, preset_names,
};
use unified_logger_core::level;
use unified_logger_core::record::RESERVED;
use unified_logger_core::recovery::{self, Recovered, Strays};
use unified_logger_core::rotation::Names;
use unified_logger_core::stats::{
    CONSOLE, COUNTS, Counted, FILE_COUNTS, FUNCTION_COUNTS, METRIC_COUNTS, RULE_COUNTS, STREAM_COUNTS,
};
use unified_logger_core::value::Value;

use crate::filter::guard;
use crate::handover;
use crate::handover::stream;
use crate::interpreter::counts::STATS;
use crate::interpreter::ending;
use crate::interpreter::fork;
use crate::interpreter::interrupt;
use crate::interpreter::pending;
use crate::lines;
use crate::redaction::Redaction;
use error::to_python;

/// Starts the engine, or replaces the running one without losing a record.
///
/// `directory` is the log directory; with `None` no file is written. `settings` is a dictionary of simple values with the keys of the engine's `config::Settings`. `patience` is how many
/// seconds the old engine may take to write what it had accepted.
#[pyfunction]
pub fn start(
    py: Python<'_>,
    directory: Option<PathBuf>,
    settings: &Bound<'_, PyAny>,
    redaction: Option<&Bound<'_, Redaction>>,
    patience: f64,
) -> PyResult<()> {
    let rules = redaction.map(|redaction| redaction.get().rules());
    let settings = settings::as_json(settings).and_then(|json| {
        Settings::new(json, directory, rules).map_err(|error| PyValueError::new_err(error.to_string()))
    })?;
    let started = handover::start(py, settings, clock::seconds(patience)).map_err(|error| to_python(&error));
    interrupt::raise(py, started)
}

/// Waits until all records accepted before are on disk, at most `timeout` seconds.
#[pyfunction]
#[pyo3(signature = (timeout = None))]
pub fn flush(py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
    let flushed = handover::flush(py, timeout.map(clock::seconds));
    stream::flush(py);
    interrupt::raise(py, flushed)
}

/// Writes what was accepted before, and changes all log files that have records for new ones, within `timeout` seconds. Those that were
/// changed within `spared` seconds stay. True if all others were changed.
#[pyfunction]
#[pyo3(signature = (timeout = None, spared = 0.0))]
pub fn rotate(py: Python<'_>, timeout: Option<f64>, spared: f64) -> PyResult<bool> {
    let rotated = handover::rotate(py, timeout.map(clock::seconds), clock::seconds(spared));
    interrupt::raise(py, rotated)
}

/// Writes all queued records and ends the writer, within `timeout` seconds. True if no record was left unwritten.
#[pyfunction]
pub fn shutdown(py: Python<'_>, timeout: f64) -> bool {
    handover::shutdown(py, clock::seconds(timeout))
}

/// Leaves all records to handlers of `logging`.
#[pyfunction]
#[pyo3(signature = (redaction = None))]
pub fn turn_off(py: Python<'_>, redaction: Option<&Redaction>) {
    handover::turn_off(py, redaction.map(Redaction::rules));
    guard::ask_again(py);
}

/// Whether any record waits for a start.
#[pyfunction]
pub fn has_early(py: Python<'_>) -> bool {
    handover::has_early(py)
}

/// Shows on standard error the early records at WARNING and above that never found a start.
#[pyfunction]
#[pyo3(signature = (redaction = None))]
pub fn show_early(py: Python<'_>, redaction: Option<&Bound<'_, Redaction>>) {
    handover::show_early(py, redaction.map(|redaction| redaction.get().rules()));
}

/// The value of a field in a record of the library's own.
#[derive(FromPyObject)]
pub enum NoticeField {
    Integer(i64),
    Float(f64),
    Text(String),
}

/// Writes a record of the library's own, whatever the levels of loggers are. False if no engine can write it: before
/// the start and after the end.
#[pyfunction]
pub fn say(py: Python<'_>, function: &str, message: &str, level: i32, fields: Vec<(String, NoticeField)>) -> bool {
    let Some(engine) = handover::revived(py) else { return false };
    if engine.is_closed() {
        return false;
    }
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, field)| {
            let value = match field {
                NoticeField::Integer(number) => Value::Integer(*number),
                NoticeField::Float(number) => Value::Float(*number),
                NoticeField::Text(text) => Value::Text(text),
            };
            (name.as_str(), value)
        })
        .collect();
    ending::detached(py, || engine.notice(level, function, message, &fields));
    true
}

/// Sets the handler of the root logger that brings `logging` records in.
#[pyfunction]
pub fn set_root_handler(py: Python<'_>, handler: Option<Py<PyAny>>) {
    guard::set_root_handler(py, handler);
}

/// Stops the clock of records at `time`, in nanoseconds since the epoch. None lets it run.
#[pyfunction]
pub fn set_clock(time: Option<i64>) {
    clock::stop_at(time);
}

#[pyfunction]
pub fn before_fork(py: Python<'_>) {
    handover::before_fork(py);
}

/// Ends the pause of the writer. The functions in `soon` are called when the fork is over for the parent: at once, or
/// on the main thread right after.
#[pyfunction]
#[pyo3(signature = (soon=None))]
pub fn after_fork_in_parent(py: Python<'_>, soon: Option<&Bound<'_, PyList>>) -> PyResult<()> {
    handover::after_fork_in_parent(py);
    soon.into_iter().flatten().try_for_each(pending::call_soon)
}

/// Works once for each fork: an earlier hook may have logged in the child, which has started its engine then.
#[pyfunction]
pub fn after_fork_in_child(py: Python<'_>) {
    fork::notice(py);
}

fn read<'py, S>(py: Python<'py>, counts: &[Counted<S>], of: &S) -> PyResult<Bound<'py, PyDict>> {
    let report = PyDict::new(py);
    counts.iter().try_for_each(|counted| report.set_item(counted.name, counted.read(of)))?;
    Ok(report)
}

/// The counts of the process, as integers.
#[pyfunction]
pub fn stats(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    if let Some(engine) = handover::engine(py) {
        engine.check_for_cut();
    }
    let stats = &**STATS;
    let counts = read(py, &COUNTS, stats)?;
    let files = PyDict::new(py);
    for (name, file) in stats.files.iter() {
        files.set_item(name, read(py, &FILE_COUNTS, &**file)?)?;
    }
    counts.set_item("files", files)?;
    let streams = PyDict::new(py);
    for (name, stream) in stats.streams.iter() {
        let to = if name == CONSOLE { &counts } else { &streams };
        to.set_item(name, read(py, &STREAM_COUNTS, &**stream)?)?;
    }
    if !streams.is_empty() {
        counts.set_item("streams", streams)?;
    }
    let functions = PyDict::new(py);
    for (name, function) in stats.functions.iter() {
        functions.set_item(name, read(py, &FUNCTION_COUNTS, &**function)?)?;
    }
    counts.set_item("sinks", functions)?;
    let rules = PyDict::new(py);
    for (name, rule) in stats.rules.iter() {
        rules.set_item(name, read(py, &RULE_COUNTS, &**rule)?)?;
    }
    counts.set_item("sampling", rules)?;
    let metrics = PyDict::new(py);
    for (name, metric) in stats.metrics.iter() {
        metrics.set_item(name, read(py, &METRIC_COUNTS, &**metric)?)?;
    }
    counts.set_item("record_metrics", metrics)?;
    let reasons = PyDict::new(py);
    for (reason, levels) in stats.dropped() {
        let by_level = PyDict::new(py);
        for (name, count) in level::NAMES.iter().zip(levels) {
            by_level.set_item(name, count)?;
        }
        reasons.set_item(reason, by_level)?;
    }
    counts.set_item("dropped_by_reason", reasons)?;
    Ok(counts)
}

/// The keys of a record itself, which no field gets.
#[pyfunction]
pub fn reserved_keys() -> Vec<&'static str> {
    RESERVED.to_vec()
}

/// The names of the formats of lines.
#[pyfunction]
pub fn formats() -> Vec<&'static str> {
    FORMATS.to_vec()
}

/// The names of the presets of lines.
#[pyfunction]
pub fn presets() -> Vec<&'static str> {
    preset_names().collect()
}

/// The short name of a field of the process, by which presets know it.
#[pyfunction]
pub fn short_name(name: &str) -> &str {
    encoder::short_name(name)
}

/// Whether there is a time zone of this name: `utc`, `local`, or one of the database.
#[pyfunction]
pub fn is_time_zone(name: String) -> bool {
    Zone::from(name).is_known()
}

/// Whether a name is that of a rotated file of another.
#[pyfunction]
pub fn is_rotated(current: &str, name: &str) -> bool {
    Names::is_rotated(current, name)
}

fn look(shape: &Bound<'_, PyAny>, fields: &Bound<'_, PyAny>) -> PyResult<(Shape, Fields)> {
    let refused = |error: serde_json::Error| PyValueError::new_err(error.to_string());
    let shape = serde_json::from_value(settings::as_json(shape)?).map_err(refused)?;
    Ok((shape, serde_json::from_value(settings::as_json(fields)?).map_err(refused)?))
}

/// Checks the shape of lines, for a process with these fields. Returns the path, the value and what is allowed of what is wrong.
#[pyfunction]
pub fn check_lines(shape: &Bound<'_, PyAny>, fields: &Bound<'_, PyAny>) -> PyResult<Option<Wrong>> {
    let (shape, fields) = look(shape, fields)?;
    Ok(encoder::check(&shape, &fields).err())
}

/// Sets what lines look like that are encoded one by one, from now on.
#[pyfunction]
pub fn set_lines(shape: &Bound<'_, PyAny>, fields: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = shape.py();
    let (shape, fields) = look(shape, fields)?;
    lines::follow(py, shape, fields);
    Ok(())
}

/// The names of templates of text.
#[pyfunction]
pub fn templates() -> Vec<&'static str> {
    TEMPLATES.iter().map(|(name, _)| *name).collect()
}

/// The names of the parts of templates.
#[pyfunction]
pub fn template_parts() -> Vec<&'static str> {
    PARTS.to_vec()
}

/// What is wrong with a template: the character from 1, why, and the name of a part that there is not.
#[pyfunction]
pub fn check_template(text: &str) -> Option<(usize, String, Option<String>)> {
    encoder::check_template(text).err().map(|WrongTemplate { at, reason, name }| (at, reason, name))
}

/// Adds one to a count of the facade.
///
/// # Errors
/// `ValueError` for a name that is not in the list.
#[pyfunction]
pub fn count(name: &str) -> PyResult<()> {
    let is_counted = COUNTS.iter().any(|counted| counted.name == name && counted.add_one(&STATS));
    if is_counted { Ok(()) } else { Err(PyValueError::new_err(format!("nothing counted is called {name:?}"))) }
}

/// All counts: group ("", "files", "console", "sinks" or "record_metrics"), name, kind ("counter", "gauge" or "histogram"), unit and help of each.
#[pyfunction]
pub fn counted() -> Vec<[&'static str; 5]> {
    fn rows<S>(group: &'static str, counts: &'static [Counted<S>]) -> impl Iterator<Item = [&'static str; 5]> {
        counts.iter().map(move |counted| [group, counted.name, counted.kind.name(), counted.unit, counted.help])
    }
    rows("", &COUNTS)
        .chain(rows("files", &FILE_COUNTS))
        .chain(rows("console", &STREAM_COUNTS))
        .chain(rows("sinks", &FUNCTION_COUNTS))
        .chain(rows("record_metrics", &METRIC_COUNTS))
        .chain(rows("sampling", &RULE_COUNTS))
        .collect()
}

/// Writes the records that dead processes left for a log directory. Returns a dictionary of the results, or None while
/// another thread of this process does the same. With `copied` the directory is a copy of another machine's.
#[pyfunction]
#[pyo3(signature = (directory, copied = false))]
pub fn recover(py: Python<'_>, directory: PathBuf, copied: bool) -> PyResult<Option<Bound<'_, PyDict>>> {
    let home = Home::Directory(directory);
    ending::detached(py, || if copied { recovery::sweep_copy(&home) } else { recovery::sweep(&home) })
        .map(|recovered| as_dictionary(py, recovered))
        .transpose()
}

/// Writes the records that dead processes of this user left in shared memory, each into its own log directory. Those
/// of processes without a log directory go to the standard streams of this process. Returns a dictionary of the results,
/// as `recover` does.
///
/// `ask` is called with each directory before any file in it is touched. It returns the path to work in, and the reason
/// for a refusal or None.
#[pyfunction]
pub fn recover_all(py: Python<'_>, ask: Py<PyAny>) -> PyResult<Bound<'_, PyDict>> {
    let raised = Mutex::new(None);
    let asked = |directory: &Path| {
        let answer = Python::attach(|py| ask.call1(py, (directory,))?.extract::<(PathBuf, Option<String>)>(py));
        match answer {
            Ok((path, None)) => Ok(path),
            Ok((_, Some(refusal))) => Err(refusal),
            Err(error) => {
                let text = error.to_string();
                *raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Err(text)
            }
        }
    };
    let goes_on = || raised.lock().unwrap_or_else(PoisonError::into_inner).is_none();
    let (recovered, _) = ending::detached(py, || recovery::sweep_strays(Strays::Everything, goes_on, &asked));
    match raised.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => as_dictionary(py, recovered),
    }
}

fn as_dictionary(py: Python<'_>, recovered: Recovered) -> PyResult<Bound<'_, PyDict>> {
    let report = PyDict::new(py);
    report.set_item("boxes", recovered.boxes)?;
    report.set_item("records", recovered.records)?;
    report.set_item("damaged", recovered.damaged)?;
    let aside: Vec<(String, String)> =
        recovered.aside.into_iter().map(|(path, reason)| (path.display().to_string(), reason)).collect();
    report.set_item("aside", aside)?;
    report.set_item("failed", recovered.failed)?;
    let distrusted: Vec<(String, &str)> = recovered
        .distrusted
        .into_iter()
        .map(|distrust| (distrust.directory.display().to_string(), distrust.reason))
        .collect();
    report.set_item("waiting", recovered.waiting)?;
    report.set_item("distrusted", distrusted)?;
    Ok(report)
}
