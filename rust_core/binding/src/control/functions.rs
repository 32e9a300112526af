//! Records for functions of the program, on the threads that call them.

use std::sync::Mutex;

use pyo3::prelude::*;
use unified_logger_core::clock;
use unified_logger_core::sink::function::{self, Handed};

use crate::interpreter::counts::STATS;
use crate::interpreter::ending;
use crate::value;

/// Records for one function, one after the other. To ask for the next one says that the function has returned.
#[pyclass(module = "unified_logger._core")]
pub struct HandedRecords(Mutex<Option<Handed>>);

#[pymethods]
impl HandedRecords {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    /// The lines of the next record, without the last newline. After the last record the sink goes on.
    fn __next__(&mut self, py: Python<'_>) -> PyResult<Option<String>> {
        let Ok(handed) = self.0.get_mut() else { return Ok(None) };
        let next = handed.as_mut().and_then(Handed::next_record);
        let text = |lines: &[u8]| String::from_utf8_lossy(lines.trim_ascii_end()).into_owned();
        let text = next.map(|lines| value::or_memory_error(py, || Ok(text(lines)))).transpose()?;
        if text.is_none() {
            *handed = None;
        }
        Ok(text)
    }
}

/// Waits for records for the function of an output, at most `timeout` seconds. None if there are none.
#[pyfunction]
pub fn next_records(py: Python<'_>, name: &str, timeout: f64) -> Option<HandedRecords> {
    function::begin_to_call();
    let handed = ending::detached(py, || function::next(name, clock::seconds(timeout)));
    handed.map(|handed| HandedRecords(Mutex::new(Some(handed))))
}

/// Lets `next_records` of an output return at once.
#[pyfunction]
pub fn wake_function(name: &str) {
    function::wake(name);
}

/// Counts a record for which the function of an output has raised.
#[pyfunction]
pub fn count_failed(name: &str) {
    STATS.functions.of(name).failed.add(1);
}

/// The beginning of the names of threads that call functions: what they log goes to no function.
#[pyfunction]
pub fn function_threads() -> &'static str {
    function::THREADS
}
