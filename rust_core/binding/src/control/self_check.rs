//! The probes: self-checks of what is read of the interpreter without a promise. Each runs once, at the import. If the
//! layout is not the known one, a slower way is used.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::exception;
use crate::filter::shape;
use crate::interpreter::gil::Gil;
use crate::interpreter::{frame, watch};
use crate::value;

/// Checks one layout, remembers whether it is the known one, and returns that.
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

/// Runs all probes.
pub fn probe(py: Python<'_>) {
    // A probe that raises has not found the known layout.
    let as_known = PROBES.map(|(_, probe)| probe(py).unwrap_or(false));
    AS_KNOWN.replace(py, as_known);
}

/// The probes by name, and whether each has found the known layout.
#[pyfunction]
pub fn internals(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let answers = PyDict::new(py);
    let as_known = AS_KNOWN.copied(py);
    for ((name, _), as_known) in PROBES.iter().zip(as_known) {
        answers.set_item(name, as_known)?;
    }
    Ok(answers)
}
