//! Looking at files, their indices, the catalogue and black boxes, for the facade.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use unified_logger_core::archive::{Kind, KnownBy};
use unified_logger_core::blackbox::{self, Owner};
use unified_logger_core::follow::{self, Expected, IndexSeen};
use unified_logger_core::router::{AiLoggers, Selector, refusals};

use crate::control::as_json;
use crate::control::error::to_python;
use crate::interpreter::ending;

/// What is wrong, the line, the offset, the part, and whether it costs no record.
type Fault = (String, Option<u64>, Option<u64>, Option<usize>, bool);

/// Generation, bytes, and the numbers of the first record and the one after the last.
type Known = (u64, Option<u64>, Option<(u64, u64)>);

/// A place that is not looked at, why, and whether that is to be expected.
type Distrusted = (String, &'static str, bool);

/// Reads all of a file and says what is wrong with it. `expected` is what the catalogue knows: generation, bytes and sequence. `tell` is called
/// with the bytes of each part that was read, and may raise to end it.
#[pyfunction]
pub fn check_file<'py>(
    py: Python<'py>,
    directory: PathBuf,
    name: &str,
    expected: Option<Known>,
    tell: Py<PyAny>,
) -> PyResult<Bound<'py, PyDict>> {
    let raised = Mutex::new(None);
    let mut pace = |bytes: u64| match Python::attach(|py| tell.call1(py, (bytes,)).map(drop)) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            *raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            ControlFlow::Break(())
        }
    };
    let expected = expected.map(|(generation, bytes, sequence)| Expected { generation, bytes, sequence });
    let checked = ending::detached(py, || follow::check(&directory, name, expected, &mut pace));
    if let Some(error) = raised.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let checked = checked.map_err(|error| to_python(&error))?;
    let found = PyDict::new(py);
    found.set_item("kind", name_of(checked.kind))?;
    found.set_item(
        "known_by",
        match checked.known_by {
            KnownBy::Index => "index",
            KnownBy::Table => "seek table",
            KnownBy::Heads => "members",
            KnownBy::Nothing => "nothing",
        },
    )?;
    found.set_item("parts", checked.parts)?;
    found.set_item("lines", checked.lines)?;
    found.set_item("bytes", checked.bytes)?;
    found.set_item("stored_bytes", checked.stored)?;
    found.set_item("form", checked.form)?;
    found.set_item("has_index", checked.has_index)?;
    found.set_item("sequence", checked.sequence)?;
    let faults: Vec<Fault> = checked
        .faults
        .into_iter()
        .map(|fault| (fault.what, fault.line, fault.offset, fault.part, fault.is_harmless))
        .collect();
    found.set_item("faults", faults)?;
    found.set_item("fault_count", checked.fault_count)?;
    found.set_item("passed", checked.passed)?;
    Ok(found)
}

const fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Plain => "plain",
        Kind::Gzip => "gzip",
        Kind::Zstd => "zstd",
    }
}

/// What the beginning and the end of a file tell.
#[pyfunction]
pub fn file_ends(py: Python<'_>, path: PathBuf) -> PyResult<Bound<'_, PyDict>> {
    let ends = ending::detached(py, || follow::ends(&path)).map_err(|error| to_python(&error))?;
    let found = PyDict::new(py);
    found.set_item("stored_bytes", ends.stored)?;
    found.set_item("first", ends.first)?;
    found.set_item("last", ends.last)?;
    found.set_item("torn", ends.torn)?;
    found.set_item("lines", ends.lines)?;
    found.set_item("foreign", ends.foreign)?;
    found.set_item("example", ends.example)?;
    Ok(found)
}

/// What the catalogue of a directory tells: why it tells nothing, whether it is missing, and its files.
#[pyfunction]
pub fn known_files(
    py: Python<'_>,
    directory: PathBuf,
    with_indices: bool,
) -> PyResult<(Option<String>, bool, Bound<'_, PyList>)> {
    let told = ending::detached(py, || follow::told(&directory, with_indices));
    let files = PyList::empty(py);
    for known in told.files {
        let file = PyDict::new(py);
        file.set_item("generation", known.entry.generation)?;
        file.set_item("set", &known.entry.set)?;
        file.set_item("name", &known.entry.name)?;
        file.set_item("made", known.entry.made)?;
        file.set_item("closed", known.entry.closed.map(|closed| closed.at))?;
        file.set_item("bytes", known.entry.closed.map(|closed| closed.bytes))?;
        file.set_item("sequence", known.entry.closed.and_then(|closed| closed.sequence))?;
        let (index, why) = known.index.map_or((None, None), |index| (index.as_ref().ok().copied(), index.err()));
        file.set_item("index_fault", why)?;
        file.set_item("index", index.map(|index| said_by(py, &index)).transpose()?)?;
        files.append(file)?;
    }
    Ok((told.why_not, told.is_missing, files))
}

fn said_by<'py>(py: Python<'py>, index: &IndexSeen) -> PyResult<Bound<'py, PyDict>> {
    let said = PyDict::new(py);
    said.set_item("lines", index.lines)?;
    said.set_item("bytes", index.bytes)?;
    said.set_item("stored_bytes", index.stored)?;
    said.set_item("times", index.times)?;
    said.set_item("step_back", index.step_back)?;
    Ok(said)
}

/// The black boxes of a directory that other processes have, and the places in which none is looked at, with the reason.
#[pyfunction]
pub fn black_boxes(py: Python<'_>, directory: PathBuf) -> PyResult<(Bound<'_, PyList>, Vec<Distrusted>)> {
    let (boxes, distrusted) = ending::detached(py, || seen(&directory));
    let found = PyList::empty(py);
    for (seen, is_shared) in boxes {
        let one = PyDict::new(py);
        one.set_item("path", seen.path.display().to_string())?;
        one.set_item(
            "owner",
            match seen.owner {
                Owner::Alive => "alive",
                Owner::Dead => "dead",
                Owner::Distrusted => "distrusted",
                Owner::Making => "making",
                Owner::Aside => "aside",
            },
        )?;
        one.set_item("bytes", seen.bytes)?;
        one.set_item("process", seen.process.map(|(process, _)| process))?;
        one.set_item("started", seen.process.map(|(_, started)| started))?;
        one.set_item("records", seen.records)?;
        one.set_item("shared_memory", is_shared)?;
        one.set_item("directory", seen.settings.as_ref().and_then(|settings| settings.directory.clone()))?;
        one.set_item("outputs", seen.settings.map(|settings| settings.outputs.to_string()))?;
        found.append(one)?;
    }
    Ok((found, distrusted))
}

type Seen = (Vec<(blackbox::SeenBox, bool)>, Vec<Distrusted>);

fn seen(directory: &Path) -> Seen {
    let (mut boxes, mut distrusted) = (Vec::new(), Vec::new());
    for location in blackbox::all(directory) {
        let is_shared = location.shared_memory;
        if let Err(why) = location.each_seen(|seen| boxes.push((seen, is_shared))) {
            distrusted.push((why.directory.display().to_string(), why.reason, why.expected));
        }
    }
    (boxes, distrusted)
}

/// The keys of a selector of an output that keep the records of a logger and a level out, as far as these two decide. `ai` are the settings of
/// AI loggers.
///
/// # Errors
/// `ValueError` for a selector that is none.
#[pyfunction]
pub fn select_refusals(
    selector: &Bound<'_, PyAny>,
    ai: &Bound<'_, PyAny>,
    logger: &str,
    level: i32,
) -> PyResult<Vec<&'static str>> {
    let wrong = |error: serde_json::Error| PyValueError::new_err(error.to_string());
    let selector: Selector = serde_json::from_value(as_json(selector)?).map_err(wrong)?;
    let ai: AiLoggers = serde_json::from_value(as_json(ai)?).map_err(wrong)?;
    Ok(refusals(&selector, &ai, logger, level))
}
