//! Questions about records for the facade.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyBytes, PyDateTime, PyList, PyString, PyTzInfo};
use unified_logger_core::clock;
use unified_logger_core::follow::{self, Wanted};
use unified_logger_core::query::{Cell, Now, Plan, Run, Sieve};

use super::{LogFiles, MOST, MOST_BYTES};
use crate::control::error::to_python;
use crate::interpreter::ending;

/// A question, and the answer so far.
#[pyclass(module = "unified_logger._core", frozen)]
pub struct Query {
    run: Mutex<Run>,
    gives_lines: bool,
    is_filter: bool,
    waits: bool,
    hints: Hints,
    sieve: Option<Arc<Sieve>>,
}

/// What a reader is to ask of lines for these questions.
pub fn wanted(questions: &[PyRef<'_, Query>]) -> Wanted {
    let sieves = questions.iter().filter_map(|question| question.sieve.clone());
    Wanted(sieves.map(|sieve| sieve as Arc<dyn follow::Sieve>).collect())
}

/// First time and the one before which records end, least level, logger, trace and text.
type Hints = (Option<i64>, Option<i64>, Option<i32>, Option<String>, Option<String>, Option<String>);

/// Numbers of levels by their names.
type Levels = Vec<(String, i32)>;

#[pymethods]
impl Query {
    /// Reads a question. Raises ValueError with what is wrong, and with the characters at which it is.
    #[new]
    fn new(text: &str, is_utc: bool, levels: Levels) -> PyResult<Self> {
        let mut plan = Plan::parse(text, Now::here(is_utc, levels))
            .map_err(|wrong| PyValueError::new_err((wrong.what, wrong.place.start, wrong.place.end)))?;
        let hints = plan.hints();
        let hints = (hints.from, hints.until, hints.level, hints.logger, hints.trace, hints.text);
        let sieve = plan.take_sieve();
        Ok(Self {
            gives_lines: plan.gives_lines(),
            is_filter: plan.is_whole(),
            waits: plan.waits(),
            run: Mutex::new(Run::new(plan)),
            hints,
            sieve,
        })
    }

    /// Whether records come out, and no table.
    #[getter]
    const fn gives_lines(&self) -> bool {
        self.gives_lines
    }

    /// Whether records come out that have to wait for all others.
    #[getter]
    const fn waits(&self) -> bool {
        self.waits
    }

    /// Whether it has conditions and no stages.
    #[getter]
    const fn is_filter(&self) -> bool {
        self.is_filter
    }

    /// What a reader can leave out early.
    #[getter]
    fn hints(&self) -> Hints {
        self.hints.clone()
    }

    /// Asks the next records, which are waited for at most so many seconds. Returns the lines that have come out, whether the answer is whole, and whether
    /// there is more to be searched now.
    fn ask<'py>(
        &self,
        py: Python<'py>,
        files: &LogFiles,
        patience: f64,
    ) -> PyResult<(Vec<Bound<'py, PyBytes>>, bool, bool)> {
        let asked = ending::detached(py, || {
            let mut reader = files.0.lock().unwrap_or_else(PoisonError::into_inner);
            let mut run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(reader) = reader.as_mut() else { return Ok((Vec::new(), true, false)) };
            let batch = reader.batch(MOST, MOST_BYTES, clock::seconds(patience))?;
            let goes_on = batch.records.iter().all(|record| run.add(&record.seen()));
            let is_last = batch.is_last || !goes_on;
            let is_searching = batch.is_searching || !batch.records.is_empty();
            Ok((run.take_lines(), is_last, is_searching && !is_last))
        });
        let (lines, is_last, is_searching) = asked.map_err(|error| to_python(&error))?;
        Ok((lines.iter().map(|line| PyBytes::new(py, line)).collect(), is_last, is_searching))
    }

    /// The lines that had to wait for all others.
    fn last_lines<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        let lines = self.run.lock().unwrap_or_else(PoisonError::into_inner).last_lines();
        lines.iter().map(|line| PyBytes::new(py, line)).collect()
    }

    /// The table as it is now: its columns and its rows. Times are in UTC.
    fn table<'py>(&self, py: Python<'py>) -> PyResult<(Vec<String>, Vec<Bound<'py, PyList>>)> {
        let table = ending::detached(py, || self.run.lock().unwrap_or_else(PoisonError::into_inner).table());
        let rows = table.rows.iter().map(|row| {
            let cells = row.iter().map(|cell| to_object(py, cell)).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, cells)
        });
        Ok((table.columns, rows.collect::<PyResult<_>>()?))
    }

    /// How many records were asked, how many came through, and what the answer lacks, in sentences.
    fn told(&self) -> (u64, u64, Vec<String>) {
        let run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        (self.sieve.as_ref().map_or(run.asked, |sieve| sieve.asked()), run.found, run.remarks())
    }
}

fn to_object<'py>(py: Python<'py>, cell: &Cell<'_>) -> PyResult<Bound<'py, PyAny>> {
    Ok(match cell {
        Cell::Nothing => py.None().into_bound(py),
        Cell::Integer(integer) => integer.into_pyobject(py)?.into_any(),
        Cell::Real(real) => real.into_pyobject(py)?.into_any(),
        Cell::Truth(truth) => truth.into_pyobject(py)?.to_owned().into_any(),
        Cell::Text(text) => PyString::new(py, text).into_any(),
        // What Python does not read, as it does not read very deep lists, stays a text.
        Cell::Json(text) => py
            .import("json")?
            .call_method1("loads", (&**text,))
            .or_else(|_| Ok::<_, PyErr>(PyString::new(py, text).into_any()))?,
        Cell::Time(time) => moment(py, *time)?.into_any(),
    })
}

fn moment(py: Python<'_>, time: i64) -> PyResult<Bound<'_, PyDateTime>> {
    #[allow(clippy::cast_precision_loss, reason = "whole seconds")]
    let seconds = time.div_euclid(1_000_000_000) as f64;
    let moment = PyDateTime::from_timestamp(py, seconds, Some(&*PyTzInfo::utc(py)?))?;
    let microseconds = time.rem_euclid(1_000_000_000) / 1_000;
    let replaced = moment.call_method("replace", (), Some(&[("microsecond", microseconds)].into_py_dict(py)?))?;
    Ok(replaced.cast_into()?)
}
