//! Which calls become records. Every call passes `decide` before it is captured, whichever door it comes through.
//!
//! `FILTERS` is the list of filters that may refuse a call. A new filter is a module here, whose first lines describe
//! it, and a line in the list.

mod answers;
mod call;
mod chain;
mod context_level;
mod counted;
pub mod guard;
pub mod is_enabled_for;
pub mod listeners;
mod logger_level;
mod marks;
pub mod named;
mod recorder;
mod sampling;
pub mod shape;
mod unsampled_traces;

pub use answers::{Answers, Level, Levels};
pub use call::{At, Call, CallSource, Name, Values};
pub use is_enabled_for::{follow_contexts, leave_stdlib_levels};
pub use listeners::{set_notice, set_wrappers};
pub use marks::{Course, Marks};
pub use recorder::set_recorder;
pub use unsampled_traces::set_trace_sampling;

use pyo3::prelude::*;
use unified_logger_core::engine::Engine;

use crate::context::{self, Context, sampled};
use crate::interpreter::counts::FILTERED;
use crate::interpreter::gil::Gil;

/// The filters in the order of asking. The first that refuses a call decides.
static FILTERS: &[Filter] =
    &[logger_level::FILTER, context_level::FILTER, unsampled_traces::FILTER, sampling::FILTER, recorder::FILTER];

/// A filter, which may refuse a call. Filters run on the thread that logs, so they neither wait nor call code of the
/// program.
pub struct Filter {
    /// The levels of a logger about which the filter wants to be asked, a bit for each of `level::NAMES`. 0 while it is
    /// off. Guards keep the answer, so that other calls cost nothing: code that changes the answer calls
    /// `guard::ask_again`.
    wants: fn(Python<'_>, Name<'_, '_>) -> u8,
    /// Whether it refuses a call. It may be asked about calls that it does not want, because another filter wants them. One that checks no
    /// levels counts what it refuses.
    refuses: fn(&Call<'_, '_>) -> bool,
    /// Whether `logging` makes the same check before it makes a record. Such a filter is asked where a call is made,
    /// and not again where a record of `logging` arrives. Any other filter is asked once, at the capture.
    is_level: bool,
}

/// For the filters of levels: guards have the answer of one, and the other needs only the context, which a record has
/// anyway.
fn wants_nothing(_: Python<'_>, _: Name<'_, '_>) -> u8 {
    0
}

/// The decision on a call.
pub enum Decision<'py> {
    /// The call makes no record. It has been counted if it should be.
    Refuse,
    /// As `Capture`, or as `CaptureAndKeep`, but processors are shown the call first.
    Process { kept: bool },
    /// The call becomes a record here, in this context if the door has looked it up.
    Capture(Option<Bound<'py, Context>>),
    /// The same, and the record is kept for somebody who may ask for it later.
    CaptureAndKeep(Option<Bound<'py, Context>>),
    /// The call becomes a record that waits with its trace, in this context.
    Record(Option<Bound<'py, Context>>),
    /// As `Process`, `CaptureAndKeep` or `Capture`, and filters have said something of its record.
    Mark { shown: bool, kept: bool, marks: Marks },
    /// `logging` makes a `LogRecord` of the call, which others see. If that record arrives to be captured, it comes to
    /// the last door.
    LeaveToLogging,
}

/// Sets the rules of sampling and the metrics of an engine, or none.
pub fn follow(py: Python<'_>, engine: Option<&Engine>) {
    sampling::follow(py, engine.and_then(Engine::sampler));
    counted::follow(py, engine.and_then(Engine::interest));
}

/// Forgets the rules of sampling: a forked child begins to count anew.
pub fn forget_rules(py: Python<'_>) {
    sampling::follow(py, None);
}

/// Whether there are processors.
static PROCESSES: Gil<bool> = Gil::new(false);

/// Sets whether calls are shown to processors. Guards must ask again after that.
pub fn show_to_processors(py: Python<'_>, on: bool) {
    PROCESSES.replace(py, on);
}

/// The way by which a call comes in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// A method of this library's loggers.
    Own,
    /// A native method of a logger of `logging`, which may still leave the call to the original method. So only levels
    /// are checked at this door. A captured call passes the last door after it.
    Stdlib,
    /// A capture whose level was checked before: a record of `logging` that arrives, or a call that came through the
    /// door `Stdlib`.
    Captured,
}

/// Decides on a call, given the answers of its logger. Most calls need no question and go no further than this.
///
/// `context` looks up the context of the record, for doors that add it themselves. Other doors return `None` and look
/// it up later.
#[inline]
pub fn decide<'a, 'py: 'a>(
    py: Python<'py>,
    door: Door,
    level: Level,
    answers: &Answers,
    context: impl FnOnce() -> Option<Bound<'py, Context>>,
    source: impl FnOnce() -> CallSource<'a, 'py>,
) -> Decision<'py> {
    if !answers.is_enabled(level) {
        if context::is_left_to_loggers() {
            return refuse(door);
        }
        // The recorder is on, or contexts have levels.
        if !context::may_decide_on_levels() {
            if !answers.is_open_to(level) {
                return refuse(door);
            }
            if door == Door::Own {
                return recorder::decide_in(py, level, context());
            }
        }
    } else if answers.is_at_once(level)
        && (door != Door::Stdlib || !context::may_decide_on_levels())
        && (door != Door::Captured || !sampled::is_on(py))
    {
        // The filter of context levels is checked here without a call: most calls have a context, and few contexts a
        // level.
        let context = context();
        return match &context {
            Some(context) if context.get().is_above(level.number) => refuse(door),
            // So is that of unsampled traces, for the same reason.
            Some(current) if current.get().leaves_out(level.number) && sampled::is_on(py) => {
                if current.get().recording().is_some() || counted::is_any(py) {
                    return match ask(py, door, level, *answers, source()) {
                        Decision::Capture(_) => Decision::Capture(context),
                        decision => decision,
                    };
                }
                FILTERED.add(1);
                Decision::Refuse
            }
            _ => Decision::Capture(context),
        };
    }
    // Asking may run Python code, which may change the answers.
    match ask(py, door, level, *answers, source()) {
        // Said again, so that no decision is copied for the call that costs least.
        Decision::Refuse => Decision::Refuse,
        Decision::Capture(_) => Decision::Capture(context()),
        Decision::CaptureAndKeep(_) => Decision::CaptureAndKeep(context()),
        decision => decision,
    }
}

/// Asks all filters.
#[cold]
#[inline(never)]
fn ask<'py>(py: Python<'py>, door: Door, level: Level, answers: Answers, source: CallSource<'_, 'py>) -> Decision<'py> {
    let call = &Call::new(py, door, level, answers, &source);
    if door != Door::Captured {
        // `logging` asks its own loggers, whose answer is the context's while it has a level, unless that is switched
        // off.
        if door == Door::Stdlib && call.context_level.is_some() {
            return Decision::LeaveToLogging;
        }
        // An enabled call passes both filters of levels, unless its context has one.
        let is_in_question = call.context_level.is_some() || !answers.is_enabled(level);
        if is_in_question && refuses(call, true) {
            return recorder::decide_below_level(call).unwrap_or_else(|| refuse(door));
        }
        // A call that is only kept for the start is shown to nobody.
        let is_kept = call.context_level.is_none() && !answers.is_enabled(level);
        if answers.is_listened(level) && !is_kept {
            return Decision::LeaveToLogging;
        }
    }
    let is_sampled = sampled::is_on(py);
    let is_unsampled = is_sampled && door != Door::Stdlib && call.is_of_unsampled_trace();
    if is_unsampled && let Some(decision) = recorder::decide_unsampled(call) {
        return decision;
    }
    let is_wanted = answers.is_wanted(level) || is_sampled;
    if door != Door::Stdlib && is_wanted && refuses(call, false) {
        return counted::decide_left_out(call);
    }
    if is_unsampled {
        // Its trace has failed, or was asked for.
        let marks = call.marks.get().unwrap_or(Marks::NONE);
        call.marks.set(Some(Marks { sample_rate: 0.0, ..marks }));
    }
    // A record of `logging` was seen by those who would keep it.
    let kept = door != Door::Captured && answers.is_kept(level);
    if let Some(marks) = call.marks.get() {
        return Decision::Mark { shown: PROCESSES.copied(py), kept, marks };
    }
    match door {
        Door::Own | Door::Captured if PROCESSES.copied(py) => Decision::Process { kept },
        _ if kept => Decision::CaptureAndKeep(None),
        _ => Decision::Capture(None),
    }
}

/// Whether a filter for levels refuses a call, or one of the other filters.
fn refuses(call: &Call<'_, '_>, levels: bool) -> bool {
    FILTERS.iter().any(|filter| filter.is_level == levels && (filter.refuses)(call))
}

/// Refuses a call for its level. Calls that arrive as records have been checked before.
#[inline]
fn refuse<'py>(door: Door) -> Decision<'py> {
    if door != Door::Captured {
        FILTERED.add(1);
    }
    Decision::Refuse
}

/// The levels of a logger about which a filter wants to be asked, a bit for each of `level::NAMES`. All of them if there
/// are processors.
fn wanted(py: Python<'_>, logger: Name<'_, '_>) -> u8 {
    if PROCESSES.copied(py) {
        return answers::ALL;
    }
    FILTERS.iter().fold(0, |levels, filter| levels | (filter.wants)(py, logger))
}
