//! Calls that sampling leaves out, and that metrics count all the same.

use std::sync::Arc;

use pyo3::prelude::*;
use unified_logger_core::record_metrics::Interest;

use super::{Call, Course, Decision, Marks, PROCESSES};
use crate::interpreter::gil::Gil;

/// What the metrics of the engine ask for.
static INTEREST: Gil<Option<Arc<Interest>>> = Gil::new(None);

/// Sets what metrics ask for from now on.
pub fn follow(py: Python<'_>, interest: Option<&Arc<Interest>>) {
    drop(INTEREST.replace(py, interest.cloned()));
}

/// Whether there are metrics that records make.
#[inline]
pub fn is_any(py: Python<'_>) -> bool {
    // SAFETY: looked at only.
    unsafe { &*INTEREST.get(py) }.is_some()
}

/// Whether a metric may be made of a call.
pub fn is_asked_for(call: &Call<'_, '_>) -> bool {
    // SAFETY: looked at until the name is known, which runs no code of the program.
    let interest = unsafe { &*INTEREST.get(call.py()) };
    interest.as_ref().is_some_and(|interest| interest.takes(&call.logger(), call.level.number))
}

/// The decision on a call that sampling leaves out. Where a metric may want it, it becomes a record that is written nowhere.
#[inline]
pub fn decide_left_out<'py>(call: &Call<'_, 'py>) -> Decision<'py> {
    if !is_any(call.py()) || !is_asked_for(call) {
        return Decision::Refuse;
    }
    let marks = Marks { course: Course::Aside, ..Marks::NONE };
    Decision::Mark { shown: PROCESSES.copied(call.py()), kept: false, marks }
}
