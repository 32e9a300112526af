//! What is read of the interpreter though it does not promise it. Each is looked at once, at the import; where it is otherwise than
//! known, there is a slower way.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::exception;
use crate::filter::shape;
use crate::interpreter::gil::Gil;
use crate::interpreter::{frame, watch};
use crate::value;

/// Looks, remembers whether it was as known, and tells.
type Probe = fn(Python<'_>) -> PyResult<bool>;

const PROBES: [(&str, Probe); 6] = [
    ("texts", value::probe_texts),
    ("integers", value::probe_integers),
    ("frames", frame::probe),
    ("dictionaries", watch::probe),
    ("classes", shape::probe),
    ("tracebacks", exception::probe),
];

static AS_KNOWN: Gil<[bool; PROBES.len()]> = Gil::new([false; PROBES.len()]);

/// Looks at all of it.
pub fn probe(py: Python<'_>) {
    // What cannot even be looked at is not as known.
    let as_known = PROBES.map(|(_, probe)| probe(py).unwrap_or(false));
    AS_KNOWN.replace(py, as_known);
}

/// What is read of this interpreter, and whether it is as known.
#[pyfunction]
pub fn internals(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let answers = PyDict::new(py);
    let as_known = AS_KNOWN.copied(py);
    for ((name, _), as_known) in PROBES.iter().zip(as_known) {
        answers.set_item(name, as_known)?;
    }
    Ok(answers)
}
