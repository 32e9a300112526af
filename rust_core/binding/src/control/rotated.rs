//! Deletes rotated files that nothing keeps, for the command line.

use std::path::{Path, PathBuf};

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use unified_logger_core::config::Settings;
use unified_logger_core::rotation::Rule;
use unified_logger_core::upkeep::{self, Going, Remembered, Work};
use unified_logger_core::{catalogue, clock};

use super::settings;
use crate::interpreter::ending;

/// Deletes the rotated files of a log directory that no bound keeps, or says which these are.
///
/// `settings` is the dictionary that `start` takes. With `dry_run` nothing is written. Returns a dictionary, or None while another process does it or where
/// only the owner of the directory may.
#[pyfunction]
pub fn retention<'py>(
    py: Python<'py>,
    directory: PathBuf,
    settings: &Bound<'py, PyAny>,
    dry_run: bool,
) -> PyResult<Option<Bound<'py, PyDict>>> {
    let settings = settings::as_json(settings).and_then(|json| {
        let settings = Settings::new(json, Some(directory.clone()), None);
        settings.map_err(|error| PyValueError::new_err(error.to_string()))
    })?;
    let upkeep = settings.output.upkeep();
    let now = clock::now().div_euclid(1_000_000_000);
    let told = ending::detached(py, || work(&directory, &upkeep, now, dry_run));
    let Some(told) = told.map_err(|error| PyOSError::new_err(error.to_string()))? else { return Ok(None) };
    let result = PyDict::new(py);
    let (goes, held, stays) =
        (files(py, &told.goes, true)?, files(py, &told.held, true)?, files(py, &told.stays, false)?);
    result.set_item("goes", goes)?;
    result.set_item("held", held)?;
    result.set_item("stays", stays)?;
    result.set_item("foreign", told.foreign)?;
    result.set_item("failed", told.failed)?;
    result.set_item("has_targets", told.has_targets)?;
    result.set_item("is_of_later_version", told.is_of_later_version)?;
    Ok(Some(result))
}

#[derive(Default)]
struct Told {
    goes: Vec<Going>,
    held: Vec<Going>,
    stays: Vec<Going>,
    foreign: Vec<String>,
    failed: Vec<String>,
    has_targets: bool,
    is_of_later_version: bool,
}

fn work(directory: &Path, settings: &upkeep::Settings, now: i64, dry_run: bool) -> std::io::Result<Option<Told>> {
    let preview = upkeep::preview(directory, settings, now)?;
    let mut told = Told {
        goes: preview.plan.goes,
        held: preview.plan.held,
        stays: preview.stays,
        foreign: preview.foreign,
        failed: Vec::new(),
        has_targets: preview.has_targets,
        is_of_later_version: preview.is_of_later_version,
    };
    if dry_run || told.is_of_later_version {
        return Ok(Some(told));
    }
    if catalogue::is_of_another(directory) {
        return Ok(None);
    }
    let report = upkeep::round_with(directory, settings, now, &|| true, Work::Retention, &mut Remembered::default());
    let Some(report) = report else { return Ok(None) };
    (told.goes, told.held) = (report.gone, report.held);
    told.failed =
        report.failed.iter().map(|failure| format!("cannot {}: {}", failure.action, failure.reason)).collect();
    Ok(Some(told))
}

fn files<'py>(py: Python<'py>, all: &[Going], has_rule: bool) -> PyResult<Bound<'py, PyList>> {
    let files = PyList::empty(py);
    for going in all {
        let file = PyDict::new(py);
        file.set_item("file", &going.name)?;
        file.set_item("set", &going.set)?;
        file.set_item("generation", going.generation)?;
        file.set_item("bytes", going.bytes)?;
        file.set_item("shipped", going.is_shipped)?;
        if has_rule {
            file.set_item("rule", name_of(going.rule))?;
        }
        files.append(file)?;
    }
    Ok(files)
}

/// The key of `keep` that has the bound.
fn name_of(rule: Rule) -> &'static str {
    match rule {
        Rule::Files => "files",
        Rule::Age => "age",
        Rule::Bytes => "bytes",
        Rule::DiskFree => "disk_free",
    }
}
