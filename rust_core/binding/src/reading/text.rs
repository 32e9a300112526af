//! Records of log files as text, block by block.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use unified_logger_core::clock;
use unified_logger_core::follow::{Fed, Filter, Options, Reader};
use unified_logger_core::show::{FORMATS, Look, Printer};

use super::Query;
use super::query;
use crate::control::error::to_python;
use crate::interpreter::ending;

/// Records that are shown at once, and their bytes: the memory of larger blocks would be the system's to give, each time anew.
const MOST: usize = 4096;
const MOST_BYTES: usize = 96 << 10;
/// Of a longer line the beginning is shown.
const LONGEST: usize = 1 << 20;

/// Which records: the first time and the one before which they end, in nanoseconds since 1970 UTC; the least level; loggers; the id of a
/// trace, and whether that is its beginning.
type Wanted = (Option<i64>, Option<i64>, Option<i32>, Vec<String>, Option<String>, bool);

/// How they look: the format, whether with colours, whether on a terminal, the width, whether in UTC, whether exceptions are whole, and the names
/// of values.
type GivenLook = (String, bool, bool, Option<u16>, bool, bool, Vec<String>);

fn filter((from, until, level, loggers, trace, trace_is_start): Wanted) -> Filter {
    Filter { from, until, level, loggers, trace, trace_is_start, ..Filter::default() }
}

fn printer((format, color, is_terminal, columns, utc, whole, fields): GivenLook) -> PyResult<Printer> {
    let found = FORMATS.iter().find(|(name, _)| *name == format);
    let (_, format) = found.ok_or_else(|| PyValueError::new_err("there is no such format"))?;
    let look = Look { format: *format, color, is_terminal, columns, utc, whole, fields, levels: Vec::new() };
    Ok(Printer::new(look))
}

/// Shows records of log files.
#[pyclass(module = "unified_logger._core", frozen)]
pub struct LogText(Mutex<Option<Shown>>);

struct Shown {
    reader: Reader,
    printer: Printer,
    /// Memory for a block of text.
    out: Vec<u8>,
}

#[pymethods]
impl LogText {
    /// Finds the files. Only the `last` records are shown, if that is given; the newest first for `reverse`; and each once if they are to be
    /// `unique`, also where it stands in several sets.
    #[new]
    #[allow(clippy::too_many_arguments, reason = "one for each thing that a command line tells")]
    fn new(
        py: Python<'_>,
        directory: PathBuf,
        files: Vec<PathBuf>,
        wanted: Wanted,
        follow: bool,
        last: Option<usize>,
        reverse: bool,
        unique: bool,
        look: GivenLook,
        questions: Vec<PyRef<'_, Query>>,
    ) -> PyResult<Self> {
        let options = Options {
            directory,
            files,
            filter: Filter { wanted: query::wanted(&questions), ..filter(wanted) },
            follow,
            last,
            reverse,
            unique,
            longest: Some(LONGEST),
            ..Options::default()
        };
        let printer = printer(look)?;
        let reader = ending::detached(py, || Reader::open(options)).map_err(|error| to_python(&error))?;
        Ok(Self(Mutex::new(Some(Shown { reader, printer, out: Vec::new() }))))
    }

    /// What stands above the first record.
    fn head<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let mut out = Vec::new();
        let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shown) = &*shown {
            shown.printer.head(&mut out);
        }
        PyBytes::new(py, &out)
    }

    /// The text of the next records, and how many they are. They are waited for at most so many seconds. Then whether none will come after them,
    /// and whether the search for the next one goes on with the next call. Nothing after `close`.
    fn read<'py>(&self, py: Python<'py>, patience: f64) -> PyResult<(Bound<'py, PyBytes>, usize, bool, bool)> {
        let batch = ending::detached(py, || {
            let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(Shown { reader, printer, out }) = &mut *guard else { return Ok((Vec::new(), 0, true, false)) };
            let batch = reader.batch(MOST, MOST_BYTES, clock::seconds(patience))?;
            let mut out = std::mem::take(out);
            out.clear();
            for record in &batch.records {
                printer.put(&record.raw, &mut out);
            }
            Ok((out, batch.records.len(), batch.is_last, batch.is_searching))
        });
        let (out, count, is_last, is_searching) = batch.map_err(|error| to_python(&error))?;
        let text = PyBytes::new(py, &out);
        if let Some(shown) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            shown.out = out;
        }
        Ok((text, count, is_last, is_searching))
    }

    /// Whether something could not be read, as a remark has said.
    #[getter]
    fn has_unread(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(|shown| shown.reader.has_unread())
    }

    /// What was noticed since the last call and could be done without.
    fn remarks(&self, py: Python<'_>) -> Vec<String> {
        ending::detached(py, || {
            let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            shown.as_mut().map(|shown| shown.reader.remarks()).unwrap_or_default()
        })
    }

    /// Closes the files.
    fn close(&self, py: Python<'_>) {
        ending::detached(py, || drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take()));
    }
}

/// Shows lines that come as bytes.
#[pyclass(module = "unified_logger._core", frozen)]
pub struct PipedText(Mutex<Piped>);

struct Piped {
    fed: Fed,
    printer: Printer,
    /// Memory for a block of text.
    out: Vec<u8>,
}

#[pymethods]
impl PipedText {
    /// Without `last`, lines are shown as they come.
    #[new]
    fn new(wanted: Wanted, last: Option<usize>, look: GivenLook, questions: Vec<PyRef<'_, Query>>) -> PyResult<Self> {
        let filter = Filter { wanted: query::wanted(&questions), ..filter(wanted) };
        let fed = Fed::new(filter, None, last, LONGEST);
        Ok(Self(Mutex::new(Piped { fed, printer: printer(look)?, out: Vec::new() })))
    }

    /// What stands above the first line.
    fn head<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let mut out = Vec::new();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).printer.head(&mut out);
        PyBytes::new(py, &out)
    }

    /// Takes bytes, and gives the text of the wanted lines that they end, and how many these are. No bytes are the end.
    fn feed<'py>(&self, py: Python<'py>, piece: &[u8]) -> (Bound<'py, PyBytes>, usize) {
        let (out, count) = ending::detached(py, || {
            let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let Piped { fed, printer, out } = &mut *shown;
            let (mut out, mut count) = (std::mem::take(out), 0);
            out.clear();
            let mut give = |line: &[u8]| {
                printer.put(line, &mut out);
                count += 1;
            };
            if piece.is_empty() {
                fed.end(&mut give);
            } else {
                fed.feed(piece, &mut give);
            }
            (out, count)
        });
        let text = PyBytes::new(py, &out);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).out = out;
        (text, count)
    }

    /// What was noticed since the last call.
    fn remarks(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fed.remarks()
    }
}

/// The number of a level by its name: a standard one, or one that the programs of a directory have noted. None if nobody knows it.
#[pyfunction]
pub fn level_number(directory: PathBuf, name: &str) -> Option<i32> {
    unified_logger_core::follow::level_number(&directory, name)
}

/// The levels that the programs of a directory have noted, with their numbers.
#[pyfunction]
pub fn named_levels(directory: PathBuf) -> Vec<(String, i32)> {
    unified_logger_core::follow::named_levels(&directory)
}
