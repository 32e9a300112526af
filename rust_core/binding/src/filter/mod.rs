//! Which calls become records. Every call passes `decide` before anything of it is captured, whichever door it comes through.
//!
//! `FILTERS` is the list of those that may refuse a call. A new one is a module here, which says what it does in its first lines, and a line in
//! the list.

mod answers;
mod call;
mod context_level;
pub mod guard;
pub mod is_enabled_for;
mod logger_level;
pub mod shape;

pub use answers::{Answers, Level};
pub use call::{At, Call, CallSource, Name};
pub use is_enabled_for::{follow_contexts, leave_stdlib_levels};

use pyo3::prelude::*;

use crate::context::{self, Context};
use crate::interpreter::counts::FILTERED;

/// Asked in this order; the first that refuses a call has the last word.
static FILTERS: &[Filter] = &[logger_level::FILTER, context_level::FILTER];

/// One of those that may refuse a call. They run on the thread that logs, so they neither wait nor call what the program has written.
pub struct Filter {
    /// Which levels of a logger it wants to be asked about, a bit for each of `level::NAMES`; 0 while it is off. Guards keep the answer, so that
    /// calls of no interest cost nothing: whoever changes it calls `guard::ask_anew`.
    wants: fn(Python<'_>, Name<'_, '_>) -> u8,
    /// Whether it refuses a call. It may be asked about any, also about those that it does not want: another may want them.
    refuses: fn(&Call<'_, '_>) -> bool,
    /// Whether `logging` asks the same before it makes a record. Such a filter is asked where a call is made, and not again where a record of
    /// `logging` arrives. Any other is asked once, by whoever captures the call.
    is_level: bool,
}

/// For the filters of levels. What the one would say is among the answers of a guard, and the other needs only the context that a record has anyway.
fn wants_nothing(_: Python<'_>, _: Name<'_, '_>) -> u8 {
    0
}

/// What is to become of a call.
pub enum Decision<'py> {
    /// Nothing. Where it is to be counted, it is.
    Refuse,
    /// It becomes a record here, in this context if the door has looked for one.
    Capture(Option<Bound<'py, Context>>),
    /// `logging` is to make a `LogRecord` of it, which others see. Where that arrives to be captured, it comes to the last door.
    LeaveToLogging,
}

/// Where a call comes in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// A method of this library's loggers.
    Own,
    /// A native method of a logger of `logging`, which may leave the call to the original one still. So only levels are asked about here; what is
    /// captured comes to the last door after this one.
    Stdlib,
    /// What is about to be captured, and whose level was asked already: a record of `logging` that arrives, or a call that came through the door
    /// before.
    Captured,
}

/// Decides on a call, given what is known of its logger. Nobody needs to be asked about most calls: they go no further than this.
///
/// `context` looks for the context that the record will have, for doors that put it there themselves; others give none, and find it later.
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
        if !context::may_decide_on_levels() {
            return refuse(door);
        }
    } else if answers.is_at_once(level) && (door != Door::Stdlib || !context::may_decide_on_levels()) {
        // The one filter that is asked without being called: most calls have a context, and few contexts a level.
        let context = context();
        return match &context {
            Some(context) if context.get().is_above(level.number) => refuse(door),
            _ => Decision::Capture(context),
        };
    }
    // Asking may run Python code, and that may change what is known.
    match ask(py, door, level, *answers, source()) {
        Decision::Capture(_) => Decision::Capture(context()),
        decision => decision,
    }
}

/// Asks whoever may have something to say.
#[cold]
#[inline(never)]
fn ask<'py>(py: Python<'py>, door: Door, level: Level, answers: Answers, source: CallSource<'_, 'py>) -> Decision<'py> {
    let call = &Call::new(py, door, level, answers, source);
    if door != Door::Captured {
        // `logging` asks its own loggers, whose answer is the context's while it has a level; unless that is switched off.
        if door == Door::Stdlib && call.context_level.is_some() {
            return Decision::LeaveToLogging;
        }
        if refuses(call, true) {
            return refuse(door);
        }
        // What is only kept for the start is shown to nobody.
        let is_kept = call.context_level.is_none() && !answers.is_enabled(level);
        if !answers.is_native() && !is_kept {
            return Decision::LeaveToLogging;
        }
    }
    if door != Door::Stdlib && answers.is_wanted(level) && refuses(call, false) {
        FILTERED.add(1);
        return Decision::Refuse;
    }
    Decision::Capture(None)
}

/// Whether a filter refuses a call: one for levels, or one of the others.
fn refuses(call: &Call<'_, '_>, levels: bool) -> bool {
    FILTERS.iter().any(|filter| filter.is_level == levels && (filter.refuses)(call))
}

/// Refuses a call for its level. `logging` tells nobody of those that it refuses, so they are not counted where we do so in its place either.
#[inline]
fn refuse<'py>(door: Door) -> Decision<'py> {
    if door == Door::Own {
        FILTERED.add(1);
    }
    Decision::Refuse
}

/// At which levels of a logger a filter wants to be asked, a bit for each of `level::NAMES`.
fn wanted(py: Python<'_>, logger: Name<'_, '_>) -> u8 {
    FILTERS.iter().fold(0, |levels, filter| levels | (filter.wants)(py, logger))
}
