//! Records of traces that are not sampled: `sampling.traces`.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use unified_logger_core::sampling::Share;

use super::{Call, Filter, guard, wants_nothing};
use crate::context::sampled::{self, Rule};
use crate::interpreter::counts::FILTERED;

/// Refuses calls below the level of `sampling.traces` if the current trace is not sampled. Without a trace nothing is
/// refused.
pub const FILTER: Filter = Filter { wants: wants_nothing, refuses, is_level: false };

// Most calls are decided on by `filter::decide` itself, with the context that it has looked up: no other filter wants them.
fn refuses(call: &Call<'_, '_>) -> bool {
    let is_written = || call.recording().is_some_and(|recording| recording.is_written(call.py()));
    let refuses = sampled::is_on(call.py()) && call.is_of_unsampled_trace() && !is_written();
    if refuses {
        FILTERED.add(1);
    }
    refuses
}

/// Sets how traces that begin from now on are sampled.
///
/// `otel_ratio` chooses the traces: `consistent` or `legacy`; None samples none. `ratio` is their share, and `level` the
/// level from which records are written whatever their trace.
#[pyfunction]
pub fn set_trace_sampling(py: Python<'_>, otel_ratio: Option<&str>, ratio: f64, level: i32) -> PyResult<()> {
    let share = match otel_ratio {
        None => None,
        Some("consistent") => Some(Share::consistent(ratio)),
        Some("legacy") => Some(Share::legacy(ratio)),
        Some(_) => return Err(PyValueError::new_err("otel_ratio must be consistent or legacy")),
    };
    sampled::set_rule(py, share.map(|share| Rule { share, below: level }));
    guard::ask_again(py);
    Ok(())
}
