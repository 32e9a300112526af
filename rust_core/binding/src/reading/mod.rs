//! Readers of log files for the facade.

mod check;
mod files;
mod query;
mod text;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use unified_logger_core::archive::{Keys, TimeForm};
use unified_logger_core::clock;
use unified_logger_core::follow::{Filter, Options, Position, Reader, Record};

use crate::control::error::to_python;
use crate::interpreter::ending;

pub use check::{black_boxes, check_file, file_ends, known_files, select_refusals};
pub use files::survey_files;
pub use query::Query;
pub use text::*;

/// Records that are read at once, and their bytes.
const MOST: usize = 512;
const MOST_BYTES: usize = 1 << 20;

/// A record as it stands in a file.
#[pyclass(module = "unified_logger._core", frozen)]
pub struct ReadRecord(Record);

#[pymethods]
impl ReadRecord {
    /// The bytes of the line, without its newline.
    #[getter]
    fn raw<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.raw)
    }

    /// The time in nanoseconds since 1970 UTC; None where none can be read.
    #[getter]
    fn nanoseconds(&self) -> Option<i64> {
        self.0.time
    }

    /// The name of the level, as the line has it.
    #[getter]
    fn level(&self) -> Option<String> {
        self.0.level()
    }

    #[getter]
    fn logger(&self) -> Option<String> {
        self.0.logger()
    }

    #[getter]
    fn trace_id(&self) -> Option<String> {
        self.0.trace()
    }

    /// The name of the file that it was read from.
    #[getter]
    fn file(&self) -> &str {
        &self.0.file
    }

    /// Set, generation, offset, sequence, and the text of the position behind it.
    #[getter]
    fn place(&self) -> (&str, Option<u64>, u64, Option<u64>, String) {
        parts(&self.0.position)
    }
}

fn parts(position: &Position) -> (&str, Option<u64>, u64, Option<u64>, String) {
    (&position.set, position.generation, position.offset, position.sequence, position.to_string())
}

/// The parts of a position, of its text.
#[pyfunction]
pub fn read_position(text: &str) -> PyResult<(String, Option<u64>, u64, Option<u64>)> {
    let position: Position = text.parse().map_err(|_| PyValueError::new_err("it is no position"))?;
    Ok((position.set, position.generation, position.offset, position.sequence))
}

/// Keys of lines as the facade gives them: time, level, logger and trace, and the form of the time.
type GivenKeys = (String, String, String, String, String);

fn keys((time, level, logger, trace, form): GivenKeys) -> PyResult<Keys> {
    let time_form = match &*form {
        "iso" => TimeForm::Iso,
        "seconds" => TimeForm::Seconds,
        "milliseconds" => TimeForm::Milliseconds,
        "microseconds" => TimeForm::Microseconds,
        "nanoseconds" => TimeForm::Nanoseconds,
        _ => return Err(PyValueError::new_err("there is no such form of time")),
    };
    Ok(Keys { time, time_form, level, logger, trace, levels: Vec::new() })
}

/// A reader of log files.
#[pyclass(module = "unified_logger._core", frozen)]
pub struct LogFiles(Mutex<Option<Reader>>);

#[pymethods]
impl LogFiles {
    /// Finds the files. `times` are the first time and the one before which records end, in nanoseconds since 1970 UTC; `levels` those that the
    /// program has named.
    #[new]
    #[allow(clippy::too_many_arguments, reason = "one for each option of the function in Python")]
    fn new(
        py: Python<'_>,
        directory: PathBuf,
        files: Vec<PathBuf>,
        times: (Option<i64>, Option<i64>),
        level: Option<i32>,
        levels: Vec<(String, i32)>,
        loggers: Vec<String>,
        trace: Option<String>,
        text: Option<String>,
        after: Vec<String>,
        follow: bool,
        keys: Option<GivenKeys>,
        questions: Vec<PyRef<'_, Query>>,
        unique: bool,
    ) -> PyResult<Self> {
        let after: Result<Vec<Position>, _> = after.iter().map(|text| text.parse()).collect();
        let wanted = query::wanted(&questions);
        let options = Options {
            directory,
            files,
            filter: Filter {
                from: times.0,
                until: times.1,
                level,
                levels,
                loggers,
                trace,
                text,
                wanted,
                ..Filter::default()
            },
            keys: keys.map(self::keys).transpose()?,
            after: after.map_err(|_| PyValueError::new_err("it is no position"))?,
            follow,
            unique,
            ..Options::default()
        };
        let reader = ending::detached(py, || Reader::open(options)).map_err(|error| to_python(&error))?;
        Ok(Self(Mutex::new(Some(reader))))
    }

    /// The next records, which are waited for at most so many seconds, whether none will come after them, and whether the search for the next one
    /// goes on with the next call. Nothing after `close`.
    fn read(&self, py: Python<'_>, patience: f64) -> PyResult<(Vec<ReadRecord>, bool, bool)> {
        let batch = ending::detached(py, || {
            let mut reader = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            reader.as_mut().map(|reader| reader.batch(MOST, MOST_BYTES, clock::seconds(patience)))
        });
        let Some(batch) = batch else { return Ok((Vec::new(), true, false)) };
        let batch = batch.map_err(|error| to_python(&error))?;
        Ok((batch.records.into_iter().map(ReadRecord).collect(), batch.is_last, batch.is_searching))
    }

    /// Whether something could not be read, as a remark has said.
    #[getter]
    fn has_unread(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(Reader::has_unread)
    }

    /// What was noticed since the last call and could be done without.
    fn remarks(&self, py: Python<'_>) -> Vec<String> {
        ending::detached(py, || {
            let mut reader = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            reader.as_mut().map(Reader::remarks).unwrap_or_default()
        })
    }

    /// Closes the files.
    fn close(&self, py: Python<'_>) {
        ending::detached(py, || drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take()));
    }
}
