//! Records that wait with their trace, and those that have it written: the option `recorder`.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::{Call, Course, Decision, FILTERED, Filter, Level, Levels, Marks, Name, PROCESSES, counted, guard};
use crate::context::{self, Context, sampled};
use crate::interpreter::gil::Gil;
use crate::recorder::{self, Rule};

/// Refuses nothing. It says of a call that has its trace written that it does.
pub const FILTER: Filter = Filter { wants, refuses, is_level: false };

/// The lowest level that has had traces written since the start: those that began before a change keep theirs.
static LOWEST: Gil<i32> = Gil::new(i32::MAX);

fn wants(py: Python<'_>, _: Name<'_, '_>) -> u8 {
    if recorder::is_on(py) { Levels::from(LOWEST.copied(py)).buckets() } else { 0 }
}

fn refuses(call: &Call<'_, '_>) -> bool {
    let py = call.py();
    if recorder::is_on(py)
        && let Some(recording) = call.recording()
        && call.level.number >= recording.rule.trigger
        && !recording.is_written(py)
    {
        let marks = call.marks.get().unwrap_or(Marks::NONE);
        call.marks.set(Some(Marks { course: Course::Triggers, ..marks }));
    }
    false
}

/// The decision on a call that the level of its logger or its context leaves out. `None` if it is not recorded either.
pub fn decide_below_level<'py>(call: &Call<'_, 'py>) -> Option<Decision<'py>> {
    let py = call.py();
    if call.is_early || !recorder::is_on(py) || !call.answers.is_open_to(call.level) {
        return None;
    }
    let recording = call.recording().filter(|recording| recording.takes(call.level.number))?;
    let is_unsampled = sampled::is_on(py) && call.is_of_unsampled_trace();
    Some(decide_recorded(py, recording.is_written(py), is_unsampled))
}

/// The decision on a call below its level that is recorded: it waits, unless its trace is written as it comes.
fn decide_recorded<'py>(py: Python<'py>, is_written: bool, is_unsampled: bool) -> Decision<'py> {
    let course = if is_written { Course::Usual } else { Course::Waits };
    let sample_rate = if is_unsampled { 0.0 } else { 1.0 };
    let marks = Marks { course, sample_rate, ..Marks::NONE };
    Decision::Mark { shown: PROCESSES.copied(py), kept: false, marks }
}

/// The decision on a call of a trace that is not sampled, and not written as it comes. It stands for no other: nobody has chosen the trace by
/// chance.
pub fn decide_unsampled<'py>(call: &Call<'_, 'py>) -> Option<Decision<'py>> {
    let (py, level) = (call.py(), call.level.number);
    if !recorder::is_on(py) {
        return None;
    }
    let recording = call.recording().filter(|recording| recording.takes(level) && !recording.is_written(py))?;
    let course = if level >= recording.rule.trigger { Course::Triggers } else { Course::Waits };
    let is_counted = course == Course::Waits && counted::is_asked_for(call);
    let marks = Marks { course, sample_rate: 0.0, is_counted, ..Marks::NONE };
    Some(Decision::Mark { shown: PROCESSES.copied(py), kept: false, marks })
}

/// The decision on a call below the level of its logger. Its context is known, and nobody asks more. The call is counted if it makes no record.
#[inline(never)]
pub fn decide_in<'py>(py: Python<'py>, level: Level, context: Option<Bound<'py, Context>>) -> Decision<'py> {
    let recording = context.as_ref().and_then(|context| context.get().recording());
    let is_unsampled =
        sampled::is_on(py) && context.as_ref().is_some_and(|context| context.get().leaves_out(level.number));
    match recording.filter(|recording| recording.takes(level.number)).map(|recording| recording.is_written(py)) {
        None => {
            FILTERED.add(1);
            Decision::Refuse
        }
        Some(is_written) if PROCESSES.copied(py) || is_unsampled => decide_recorded(py, is_written, is_unsampled),
        Some(true) => Decision::Capture(context),
        Some(false) => Decision::Record(context),
    }
}

/// Sets what is recorded of traces that begin from now on. None records nothing.
///
/// `least` and `trigger` are numbers of levels, `slow` is in seconds, `background_rate` a share, and the others are bytes.
#[pyfunction]
#[pyo3(signature = (least, trigger=40, slow=None, background_rate=0.0, trace_bytes=0, most_bytes=0))]
pub fn set_recorder(
    py: Python<'_>,
    least: Option<i32>,
    trigger: i32,
    slow: Option<f64>,
    background_rate: f64,
    trace_bytes: usize,
    most_bytes: usize,
) -> PyResult<()> {
    let seconds = |given| std::time::Duration::try_from_secs_f64(given);
    let slow = slow.map(seconds).transpose().map_err(|error| PyValueError::new_err(error.to_string()))?;
    let background = recorder::background(background_rate);
    let rule = least.map(|least| Rule { least, trigger, slow, background, trace_bytes, bytes: most_bytes });
    if let Some(rule) = &rule {
        LOWEST.replace(py, rule.trigger.min(LOWEST.copied(py)));
    }
    context::note_recorder(rule.is_some());
    recorder::set_rule(py, rule);
    if rule.is_none() {
        recorder::forget_all(py);
    }
    guard::ask_again(py);
    Ok(())
}
