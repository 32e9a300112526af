//! Whether a context's trace is sampled. The decision is made with the first context of a trace and goes on to all that
//! are made of it, so a trace is whole or not there.

use pyo3::prelude::*;
use pyo3::types::PyString;
use unified_logger_core::sampling::{Decision, RANDOM, SAMPLED, Share, Threshold};
use unified_logger_core::value::{Put, Value};

use super::fields::{Fields, names};
use crate::interpreter::gil::Gil;
use crate::interpreter::gil::intern;
use crate::interpreter::interrupt;
use crate::value::shown::text_of;

/// The field of records that stand for several.
const FIELD: &str = "sample_rate";

static RULE: Gil<Option<Rule>> = Gil::new(None);

#[derive(Clone, Copy)]
pub struct Rule {
    /// The traces that are sampled of those that begin here.
    pub share: Share,
    /// Records from this level on are written whatever their trace.
    pub below: i32,
}

/// Sets how traces that begin from now on are sampled. Guards must ask again after that.
pub fn set_rule(py: Python<'_>, rule: Option<Rule>) {
    RULE.replace(py, rule);
}

/// Whether traces are sampled.
#[inline]
pub fn is_on(py: Python<'_>) -> bool {
    RULE.copied(py).is_some()
}

/// A decision as it was made.
#[derive(Clone, Copy)]
pub struct Made {
    pub decision: Decision,
    /// Records from this level on are written whatever the decision.
    below: i32,
}

/// The decision on the trace of a context.
pub struct Sampled {
    pub made: Made,
    /// The context's section of a record that stands for several.
    rated: Option<Box<[u8]>>,
}

impl Sampled {
    /// Whether a record of this level is left out.
    #[inline]
    pub fn leaves_out(&self, level: i32) -> bool {
        level < self.made.below && !self.made.decision.is_sampled()
    }

    /// The section of a record of this level, if it stands for several. Records that are written in any case stand for
    /// themselves.
    #[inline]
    pub fn section(&self, level: i32) -> Option<&[u8]> {
        if level < self.made.below { self.rated.as_deref() } else { None }
    }
}

/// What a decision means for a context with this section and these fields.
pub fn sampled(made: Option<Made>, captured: &[u8], fields: &Fields) -> Option<Box<Sampled>> {
    let made = made?;
    let decision = made.decision;
    let stands_for_itself = !decision.is_sampled() || (decision.count - 1.0).abs() < f64::EPSILON;
    // A field of the program wins over the library's, as a field of a call does.
    let is_taken = || names(&fields.captured).any(|(name, _)| name == FIELD);
    let rated = (!stands_for_itself && !is_taken()).then(|| {
        let mut section = captured.to_vec();
        section.put_text(FIELD);
        section.put_value(number(decision.count));
        section.into()
    });
    Some(Box::new(Sampled { made, rated }))
}

/// A number that is whole as an integer.
fn number(count: f64) -> Value<'static> {
    #[allow(clippy::cast_possible_truncation, reason = "whole and small enough")]
    if count.fract() == 0.0 && count < 9e15 { Value::Integer(count as i64) } else { Value::Float(count) }
}

/// The decision on a trace.
///
/// `carried` is what was said with a trace that came from elsewhere. `given` is a decision that was made before: in
/// another process, or in a context that this one continues. `None` while traces are not sampled.
pub fn decide(
    py: Python<'_>,
    trace_id: Option<&Bound<'_, PyString>>,
    carried: Option<&Bound<'_, PyAny>>,
    given: Option<&Given>,
    is_random: bool,
) -> Option<Made> {
    let rule = RULE.copied(py)?;
    let trace_id = text_of(trace_id?.as_any());
    let decision = given
        .map(made_before)
        .or_else(|| follow(&trace_id, carried?))
        .unwrap_or_else(|| rule.share.begin(&trace_id, is_random));
    Some(Made { decision, below: rule.below })
}

/// Flags, the threshold as text, and the count: the form of a decision in Python and between processes.
pub type Given = (u8, Option<String>, f64);

pub fn shown(decision: &Decision) -> Given {
    (decision.flags, decision.threshold.and_then(Threshold::text), decision.count)
}

fn made_before((flags, th, count): &Given) -> Decision {
    // A count that is none would make records that cannot be added up.
    let count = if count.is_finite() && *count >= 1.0 { *count } else { 1.0 };
    Decision { flags: flags & (SAMPLED | RANDOM), threshold: th.as_deref().and_then(Threshold::parse), count }
}

/// The decision that came with a trace: `Carried` of the facade has it. Other objects say nothing.
fn follow(trace_id: &str, carried: &Bound<'_, PyAny>) -> Option<Decision> {
    let py = carried.py();
    let flags = interrupt::ok(py, carried.getattr(intern!(py, "flags")))?;
    let flags = if flags.is_none() { None } else { Some(interrupt::ok(py, flags.extract::<u8>())?) };
    Decision::follow(trace_id, flags, &state_of(carried))
}

fn state_of(carried: &Bound<'_, PyAny>) -> String {
    let py = carried.py();
    let state = interrupt::ok(py, carried.getattr(intern!(py, "state")));
    state.and_then(|state| interrupt::ok(py, state.extract())).unwrap_or_default()
}

/// Flags and `tracestate` that tell other services of a decision.
pub fn sent(decision: &Decision, carried: Option<&Bound<'_, PyAny>>) -> (u8, String) {
    (decision.flags, decision.state(&carried.map(state_of).unwrap_or_default()))
}
