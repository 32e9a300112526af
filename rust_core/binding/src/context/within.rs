//! What is set within a request, by any of its threads and tasks. Each has a copy of the context variable, so that another context in there
//! tells nobody else. So the context that the request began with knows what it is now, and each that was made within it follows.
//!
//! A thread or task keeps what it has set itself: those that run at the same time do not get into each other's records. It gives up a
//! field once somebody sets that anew who had seen it: one that it has started since, or itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::least::Least;
use super::{Context, Fields, current, foreign, names};
use crate::enabled;
use crate::ending;
use crate::gil::Gil;
use crate::interrupt;

/// What a context has to do with a request; most have nothing.
pub type Within = Gil<Option<Box<Part>>>;

pub enum Part {
    /// The request began with it.
    Beginning(Beginning),
    /// It was made within the request.
    Set(Set),
}

#[derive(Default)]
pub struct Beginning {
    /// What it has become; `None` when all that was set is cleared.
    now: Option<Py<Context>>,
    /// How often anything was set or cleared.
    changes: u64,
    /// The change that last set an id.
    ids: u64,
}

pub struct Set {
    request: Py<Context>,
    /// The change it was set by.
    change: u64,
    /// Its own ids, if they are not the request's.
    ids: Option<Own>,
    fields: Vec<(Box<str>, Own)>,
    /// The last change that `now` is of.
    seen: u64,
    /// This with what others have set; `None` for this itself.
    now: Option<Py<Context>>,
}

/// Whether something that was set still counts for those who have set it.
#[derive(Clone)]
struct Own(Arc<AtomicBool>);

impl Own {
    fn new() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    fn counts(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn give_up(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Part {
    /// As `__traverse__` of those who have one.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Beginning(beginning) => visit.call(&beginning.now),
            Self::Set(set) => visit.call(&set.request).and_then(|()| visit.call(&set.now)),
        }
    }
}

/// What a context is now.
#[cold]
#[inline(never)]
pub fn now<'py>(context: Bound<'py, Context>) -> Bound<'py, Context> {
    let py = context.py();
    let (request, seen) = match part_of(&context) {
        None => return context,
        Some(Part::Beginning(Beginning { now: Some(now), .. })) => return now.bind(py).clone(),
        Some(Part::Beginning(_)) => return context,
        Some(Part::Set(set)) => {
            if changes(set.request.bind(py)) == set.seen {
                let now = set.now.as_ref().map(|now| now.bind(py).clone());
                return now.unwrap_or(context);
            }
            (set.request.bind(py).clone(), set.seen)
        }
    };
    if ending::is_here(py) {
        // What it was before stays where it is: to let go of it may run Python code.
        return context;
    }
    let _inside = ending::Inside::enter();
    let changes = changes(&request);
    let made = follow(&context, &request).and_then(|made| Bound::new(py, made));
    let Some(made) = interrupt::ok(py, made) else { return context };
    let mut old = None;
    // SAFETY: replaced at once; the old one is dropped after, and may run Python code then.
    if let Some(Part::Set(set)) = unsafe { (*context.get().within.get(py)).as_deref_mut() }
        && set.seen == seen
    {
        set.seen = changes;
        old = set.now.replace(made.clone().unbind());
    }
    drop(old);
    made
}

/// A context that was set within a request, with what others have set since.
fn follow(context: &Bound<'_, Context>, request: &Bound<'_, Context>) -> PyResult<Context> {
    let py = context.py();
    let latest = latest(request);
    let (own, own_ids) = own_of(Some(context), request);
    let keeps_ids = own_ids.is_some() || !ids_changed_since(context, request);
    let own = context.get().fields.only(|name| own.iter().any(|(own, _)| **own == *name), py)?;
    let fields = latest.get().fields.and(&own, py)?;
    let ids = if keeps_ids { context } else { &latest }.get();
    let made = Context::of(Some(ids), fields, ids.beside.as_ref(), py)?;
    Ok(Context { least: context.get().least.clone(), ..made })
}

/// Sets ids and fields within a request. Returns what is to be current here; `held` is in the context variable now.
///
/// With `for_all` they are set for the request's other threads and tasks too, except for those that have set them themselves.
#[pyfunction]
#[pyo3(signature = (request, held, trace_id, span_id, fields, for_all))]
pub fn set_within<'py>(
    request: Bound<'py, Context>,
    held: Option<Bound<'py, Context>>,
    trace_id: Option<Bound<'py, PyString>>,
    span_id: Option<Bound<'py, PyString>>,
    fields: Bound<'py, PyDict>,
    for_all: bool,
) -> PyResult<Bound<'py, Context>> {
    let py = request.py();
    let _inside = ending::Inside::enter_or_stay(py);
    let more = Fields::new(&fields)?;
    let ids = [trace_id.as_ref(), span_id.as_ref()];
    let sets_ids = ids.iter().any(Option::is_some);
    let beside = foreign::current(py).map(Bound::unbind);
    let here = current(py).unwrap_or_else(|| latest(&request));
    let made = here.get().with(ids, &more, beside.as_ref(), py)?;
    if for_all {
        loop {
            let (before, number) = (latest(&request), changes(&request));
            let after = before.get().with(ids, &more, before.get().beside.as_ref(), py)?;
            let after = Bound::new(py, after)?;
            // Making it may have run a finalizer, and another thread meanwhile.
            if changes(&request) == number {
                change(&request, Some(after), sets_ids);
                break;
            }
        }
        let (own, own_ids) = own_of(held.as_ref(), &request);
        own.iter().filter(|(name, _)| has(&more, name)).for_each(|(_, mark)| mark.give_up());
        own_ids.iter().filter(|_| sets_ids).for_each(Own::give_up);
    }
    part_of_request(made, held.as_ref(), request, &more, sets_ids)
}

/// A context inside of the current one of a request: a span of its own, which goes on to follow the request.
#[pyfunction]
#[pyo3(signature = (request, held, trace_id, span_id, fields, level))]
pub fn child_within<'py>(
    request: Bound<'py, Context>,
    held: Option<Bound<'py, Context>>,
    trace_id: Option<Bound<'py, PyString>>,
    span_id: Bound<'py, PyString>,
    fields: Bound<'py, PyDict>,
    level: Option<i32>,
) -> PyResult<Bound<'py, Context>> {
    let py = request.py();
    let _inside = ending::Inside::enter_or_stay(py);
    if level.is_some() {
        enabled::follow_contexts(py)?;
    }
    let more = Fields::new(&fields)?;
    let beside = foreign::current(py).map(Bound::unbind);
    let outer = current(py).unwrap_or_else(|| latest(&request));
    let made = outer.get().with([trace_id.as_ref(), Some(&span_id)], &more, beside.as_ref(), py)?;
    let goes_on = trace_id.is_none_or(|given| outer.get().is_of_trace(&given));
    let parent_span_id = outer.get().span_id.as_ref().filter(|_| goes_on).map(|id| id.clone_ref(py));
    let least = level.map_or_else(|| outer.get().least.clone(), |level| Least::new(Some(level)));
    part_of_request(Context { parent_span_id, least, ..made }, held.as_ref(), request, &more, true)
}

/// A context that follows its request, if the one that it takes the place of does: another may have come here from elsewhere.
fn part_of_request<'py>(
    made: Context,
    held: Option<&Bound<'py, Context>>,
    request: Bound<'py, Context>,
    more: &Fields,
    sets_ids: bool,
) -> PyResult<Bound<'py, Context>> {
    let py = request.py();
    let follows = match held.and_then(part_of) {
        Some(Part::Set(set)) => set.request.is(&request),
        _ => held.is_some_and(|held| held.is(&request)),
    };
    if !follows {
        return Bound::new(py, made);
    }
    let (mut fields, mut ids) = own_of(held, &request);
    fields.retain(|(name, _)| !has(more, name));
    fields.extend(names(&more.captured).map(|(name, _)| (name.into(), Own::new())));
    if sets_ids {
        ids = Some(Own::new());
    }
    let change = changes(&request);
    let set = Set { request: request.unbind(), change, ids, fields, seen: change, now: None };
    Bound::new(py, Context { within: Gil::new(Some(Box::new(Part::Set(set)))), ..made })
}

fn has(fields: &Fields, name: &str) -> bool {
    names(&fields.captured).any(|(set, _)| set == name)
}

/// Forgets what was set within a request, except what other threads and tasks have set for themselves.
#[pyfunction]
pub fn clear_within(request: &Bound<'_, Context>, held: Option<&Bound<'_, Context>>) {
    let (own, ids) = own_of(held, request);
    for mark in own.iter().map(|(_, mark)| mark).chain(&ids) {
        mark.give_up();
    }
    change(request, None, true);
}

/// Notes what a request's context is now.
fn change(request: &Bound<'_, Context>, now: Option<Bound<'_, Context>>, ids: bool) {
    // SAFETY: changed at once; what it was before is dropped after.
    let part = unsafe { &mut *request.get().within.get(request.py()) };
    let part = part.get_or_insert_with(|| Box::new(Part::Beginning(Beginning::default())));
    let Part::Beginning(beginning) = &mut **part else { return };
    beginning.changes += 1;
    if ids {
        beginning.ids = beginning.changes;
    }
    let old = std::mem::replace(&mut beginning.now, now.map(Bound::unbind));
    drop(old);
}

/// What whoever has this context has set, if that was within this request.
fn own_of(held: Option<&Bound<'_, Context>>, request: &Bound<'_, Context>) -> (Vec<(Box<str>, Own)>, Option<Own>) {
    match held.and_then(part_of) {
        Some(Part::Set(set)) if set.request.is(request) => {
            (counting(&set.fields).cloned().collect(), set.ids.clone().filter(Own::counts))
        }
        _ => (Vec::new(), None),
    }
}

fn counting(own: &[(Box<str>, Own)]) -> impl Iterator<Item = &(Box<str>, Own)> {
    own.iter().filter(|(_, mark)| mark.counts())
}

/// What a request's context is now.
fn latest<'py>(request: &Bound<'py, Context>) -> Bound<'py, Context> {
    match part_of(request) {
        Some(Part::Beginning(Beginning { now: Some(now), .. })) => now.bind(request.py()).clone(),
        _ => request.clone(),
    }
}

/// How often anything was set or cleared in a request.
fn changes(request: &Bound<'_, Context>) -> u64 {
    match part_of(request) {
        Some(Part::Beginning(beginning)) => beginning.changes,
        _ => 0,
    }
}

/// Whether somebody has set an id after this was made.
fn ids_changed_since(context: &Bound<'_, Context>, request: &Bound<'_, Context>) -> bool {
    match (part_of(context), part_of(request)) {
        (Some(Part::Set(set)), Some(Part::Beginning(beginning))) => beginning.ids > set.change,
        _ => false,
    }
}

/// Not to be kept while Python code may run.
fn part_of<'a>(context: &'a Bound<'_, Context>) -> Option<&'a Part> {
    // SAFETY: looked at and counted only, by the functions of this file, which keep it over no call that can run Python code.
    unsafe { &*context.get().within.get(context.py()) }.as_deref()
}
