//! Refuses calls that rules of sampling leave out.

use std::borrow::Cow;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString};
use unified_logger_core::level;
use unified_logger_core::sampling::rules::{Asked, Sampler, Scalar, Tells, Verdict, mix};

use super::{Call, Filter, Marks, Name, guard};
use crate::interpreter::gil::Gil;

/// Refuses what the rules leave out, and says what the others tell of it.
pub const FILTER: Filter = Filter { wants, refuses, is_level: false };

/// The rules of the engine, and the names of rules that records have.
static CURRENT: Gil<Option<Arc<Sampler>>> = Gil::new(None);

/// Sets the rules that apply from now on.
pub fn follow(py: Python<'_>, sampler: Option<&Arc<Sampler>>) {
    let before = CURRENT.replace(py, sampler.cloned());
    if before.is_some() || sampler.is_some() {
        guard::ask_again(py);
    }
}

fn current(py: Python<'_>) -> Option<&Arc<Sampler>> {
    // SAFETY: looked at until Python code runs, which the rules never do.
    unsafe { &*CURRENT.get(py) }.as_ref()
}

fn wants(py: Python<'_>, logger: Name<'_, '_>) -> u8 {
    let Some(sampler) = current(py) else { return 0 };
    let logger = logger.text();
    (0..level::NAMES.len())
        .fold(0, |levels, bucket| levels | u8::from(sampler.wants(&logger, (bucket as i32 + 1) * 10)) << bucket)
}

fn refuses(call: &Call<'_, '_>) -> bool {
    let Some(sampler) = current(call.py()) else { return false };
    match sampler.decide(&OfCall(call)) {
        Verdict::Pass => false,
        Verdict::Keep(Tells { suppressed, sample_rate }) => {
            // A field of the call takes the place of one of the context.
            let sample_rate = if sample_rate > 1.0 { sample_rate * call.stands_for() } else { sample_rate };
            call.marks.set(Some(Marks { suppressed, sample_rate, ..Marks::NONE }));
            false
        }
        Verdict::Mark(rule) => {
            let marks = Marks { left_out_by: Some(sampler.name(rule)), ..Marks::NONE };
            call.marks.set(Some(marks));
            false
        }
        Verdict::LeaveOut => true,
    }
}

struct OfCall<'a, 'c, 'py>(&'a Call<'c, 'py>);

impl Asked for OfCall<'_, '_, '_> {
    fn level(&self) -> i32 {
        self.0.level.number
    }

    fn logger(&self) -> Cow<'_, str> {
        self.0.logger()
    }

    fn site(&self) -> u64 {
        self.0.site_number()
    }

    fn call(&self) -> u64 {
        self.0.values().iter().fold(self.site(), |key, value| match scalar(value) {
            Some(value) => value.mixed_into(key),
            // Values of other types are told apart by their types alone: asking them could run code.
            None => mix(key, value.get_type().as_ptr() as u64),
        })
    }

    fn field(&self, name: &str) -> Option<Scalar<Cow<'_, str>>> {
        scalar(&self.0.field(name)?)
    }
}

/// A value that can be compared without running code of the program.
fn scalar<'a>(value: &Bound<'_, PyAny>) -> Option<Scalar<Cow<'a, str>>> {
    if value.is_none() {
        return Some(Scalar::Nothing(()));
    }
    if let Ok(text) = value.cast_exact::<PyString>() {
        return Some(Scalar::Text(Cow::Owned(text.to_string_lossy().into_owned())));
    }
    if let Ok(truth) = value.cast_exact::<PyBool>() {
        return Some(Scalar::Truth(truth.is_true()));
    }
    if value.is_exact_instance_of::<PyInt>() {
        // One that is longer than 64 bits is told apart by its rounded value.
        return value.extract().map(Scalar::Integer).or_else(|_| value.extract().map(Scalar::Real)).ok();
    }
    value.cast_exact::<PyFloat>().ok().map(|real| Scalar::Real(real.value()))
}
