//! What log files hold, for the facade.

use std::path::PathBuf;

use pyo3::prelude::*;
use unified_logger_core::follow::{self, Counts, Surveyed};

use crate::control::error::to_python;
use crate::interpreter::ending;

/// Set, name, lines, bytes, stored bytes, first and last time, records by level, records by logger, and whether an index told it.
type File = (String, String, u64, u64, u64, Option<(i64, i64)>, Counts, Counts, bool);

/// The beginning of a span of time, and the records by level in it.
type Span = (i64, Counts);

/// The files, the length of spans in nanoseconds, the spans, and what was noticed.
type Survey = (Vec<File>, i64, Vec<Span>, Vec<String>);

/// What the files of a log directory hold: from indices where there are some. `times` is the set whose records are told by time.
#[pyfunction]
pub fn survey_files(py: Python<'_>, directory: PathBuf, sets: Vec<String>, times: Option<String>) -> PyResult<Survey> {
    let found = ending::detached(py, || follow::survey(&directory, &sets, times.as_deref()));
    let found = found.map_err(|error| to_python(&error))?;
    let files = found.files.into_iter().map(|file| {
        let Surveyed { set, name, lines, bytes, stored, times, levels, loggers, is_indexed } = file;
        (set, name, lines, bytes, stored, times, levels, loggers, is_indexed)
    });
    Ok((files.collect(), found.span, found.spans.into_iter().collect(), found.remarks))
}
