//! Lines for functions of the program, on the threads that call them.

use std::sync::Mutex;

use pyo3::prelude::*;
use unified_logger_core::clock;
use unified_logger_core::sink::function::{self, Handed};

use crate::interpreter::counts::STATS;
use crate::interpreter::ending;
use crate::value;

/// Lines for one function. Its sink goes on once they are done with.
#[pyclass(module = "unified_logger._core")]
pub struct HandedLines(Mutex<Option<Handed>>);

#[pymethods]
impl HandedLines {
    /// The lines, without their newlines.
    #[getter]
    fn lines(&mut self, py: Python<'_>) -> PyResult<Vec<String>> {
        let handed = self.0.get_mut().ok().and_then(|handed| handed.as_ref());
        let lines = handed.map_or(&[][..], |handed| &handed.lines);
        let text = |line: &[u8]| String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
        value::or_memory_error(py, || Ok(lines.split_inclusive(|byte| *byte == b'\n').map(text).collect()))
    }

    /// The function has had all of them.
    fn done(&mut self) {
        if let Ok(handed) = self.0.get_mut() {
            *handed = None;
        }
    }
}

/// Waits for lines for the function of an output, at most `timeout` seconds. None if there are none.
#[pyfunction]
pub fn next_lines(py: Python<'_>, name: &str, timeout: f64) -> Option<HandedLines> {
    let handed = ending::detached(py, || function::next(name, clock::seconds(timeout)));
    handed.map(|handed| HandedLines(Mutex::new(Some(handed))))
}

/// Lets `next_lines` of an output return at once.
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
