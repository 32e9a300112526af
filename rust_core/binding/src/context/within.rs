//! What is set within a request, by any of its threads and tasks. Each of them has a copy of the context variable, so that a context which one
//! of them puts there tells the others nothing. So the context that a request began with knows what it is now, and those made within the
//! request follow it.
//!
//! A thread or task keeps the fields that it has set itself: what runs at the same time does not get into its records. Where a thread or task
//! that has seen such a field sets it anew, the new value counts for both.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::fields::names;
use super::least::{self, Least};
use super::{Context, Fields, current, foreign};
use crate::interpreter::ending;
use crate::interpreter::gil::Gil;
use crate::interpreter::interrupt;

/// What a context has to do with a request; most have nothing.
pub type Within = Gil<Option<Box<RequestRole>>>;

pub enum RequestRole {
    /// The request began with it.
    Beginning(Beginning),
    /// It was made within the request.
    Inner(Inner),
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

pub struct Inner {
    request: Py<Context>,
    /// The change it was made after.
    change: u64,
    ids: Ids,
    fields: Vec<(Box<str>, SetMark)>,
    /// What the request's context was when the scope began that begins with this one.
    began: Option<Py<Context>>,
    /// The last change that `now` is of.
    seen: u64,
    /// This with what others have set; `None` for this itself.
    now: Option<Py<Context>>,
}

#[derive(Clone)]
enum Ids {
    /// The request's, as it has them.
    OfRequest,
    /// Set by whoever has this context.
    Set(SetMark),
    /// Those of a scope of its own.
    OfScope,
}

impl Ids {
    fn follow_request(&self) -> bool {
        match self {
            Self::OfRequest => true,
            Self::Set(mark) => !mark.counts(),
            Self::OfScope => false,
        }
    }

    fn give_up(&self) {
        if let Self::Set(mark) = self {
            mark.give_up();
        }
    }
}

/// Whether something that was set still counts for those who have set it.
#[derive(Clone)]
struct SetMark(Arc<AtomicBool>);

impl SetMark {
    fn new() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    fn counts(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn give_up(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn count_again(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl RequestRole {
    /// As `__traverse__` of those who have one.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Beginning(beginning) => visit.call(&beginning.now),
            Self::Inner(inner) => {
                visit.call(&inner.request)?;
                visit.call(&inner.began)?;
                visit.call(&inner.now)
            }
        }
    }
}

/// What a context is now.
#[cold]
#[inline(never)]
pub fn now<'py>(context: Bound<'py, Context>) -> Bound<'py, Context> {
    let py = context.py();
    let (request, seen) = match role_of(&context) {
        None => return context,
        Some(RequestRole::Beginning(_)) => return latest(&context),
        Some(RequestRole::Inner(inner)) => {
            if changes(inner.request.bind(py)) == inner.seen {
                let now = inner.now.as_ref().map(|now| now.bind(py).clone());
                return now.unwrap_or(context);
            }
            (inner.request.bind(py).clone(), inner.seen)
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
    if let Some(RequestRole::Inner(inner)) = unsafe { (*context.get().within.get(py)).as_deref_mut() }
        && inner.seen == seen
    {
        inner.seen = changes;
        old = inner.now.replace(made.clone().unbind());
    }
    drop(old);
    made
}

/// A context that was made within a request, with what others have set since.
fn follow(context: &Bound<'_, Context>, request: &Bound<'_, Context>) -> PyResult<Context> {
    let py = context.py();
    let latest = latest(request);
    let (own, ids) = own_of(Some(context), request);
    let keeps_ids = !ids.follow_request() || !ids_changed_since(context, request);
    let own = context.get().fields.only(|name| own.iter().any(|(own, _)| **own == *name), py)?;
    let fields = latest.get().fields.and(&own, py)?;
    let ids = if keeps_ids { context } else { &latest }.get();
    let made = Context::of(Some(ids), fields, ids.foreign_value.as_ref(), py)?;
    Ok(Context { least: context.get().least.clone(), ..made })
}

/// The current context with more fields, and with the ids that are given; `held` is in the context variable now.
///
/// With `for_all` the fields are set for the other threads and tasks of the request too, except for those that have set them themselves. The
/// ids are set so too, unless this is a scope with ids of its own.
#[pyfunction]
#[pyo3(signature = (request, held, trace_id, span_id, fields, for_all))]
pub fn context_with<'py>(
    request: Option<Bound<'py, Context>>,
    held: Option<Bound<'py, Context>>,
    trace_id: Option<Bound<'py, PyString>>,
    span_id: Option<Bound<'py, PyString>>,
    fields: Bound<'py, PyDict>,
    for_all: bool,
) -> PyResult<Bound<'py, Context>> {
    let py = fields.py();
    let _inside = ending::Inside::enter_or_stay(py);
    // First: what others set from here on is not seen below.
    let mut seen = request.as_ref().map_or(0, changes);
    let more = Fields::new(&fields)?;
    let ids = [trace_id.as_ref(), span_id.as_ref()];
    let sets_ids = ids.iter().any(Option::is_some);
    // Not what another library has as current, which ends by itself: it goes on to have the say, unless ids are given.
    let here = held.clone().map(super::now).or_else(|| current(py));
    let foreign_value = if sets_ids || held.is_none() {
        foreign::current(py).map(Bound::unbind)
    } else {
        here.as_ref()
            .and_then(|here| here.get().foreign_value.as_ref())
            .map(|foreign_value| foreign_value.clone_ref(py))
    };
    let made = match &here {
        Some(here) => here.get().with(ids, &more, foreign_value.as_ref(), py)?,
        None => Context::empty(py).with(ids, &more, foreign_value.as_ref(), py)?,
    };
    let Some(request) = request else { return Bound::new(py, made) };
    let (own, own_ids) = own_of(held.as_ref(), &request);
    let is_in_scope = matches!(own_ids, Ids::OfScope);
    if for_all {
        let ids = if is_in_scope { [None, None] } else { ids };
        loop {
            let (before, number) = (latest(&request), changes(&request));
            let after = before.get().with(ids, &more, before.get().foreign_value.as_ref(), py)?;
            let after = Bound::new(py, after)?;
            // Making it may have run a finalizer, and another thread meanwhile.
            if changes(&request) == number {
                change(&request, Some(after), ids.iter().any(Option::is_some));
                seen += u64::from(seen == number);
                break;
            }
        }
        own.iter().filter(|(name, _)| has(&more, name)).for_each(|(_, mark)| mark.give_up());
        if sets_ids {
            own_ids.give_up();
        }
    }
    let ids = match own_ids {
        Ids::OfRequest | Ids::Set(_) if sets_ids => Ids::Set(SetMark::new()),
        other => other,
    };
    part_of_request(made, held.as_ref(), request, &more, ids, None, seen)
}

/// A context inside of the current one: a span of its own. In a request it goes on to follow that.
#[pyfunction]
#[pyo3(signature = (request, held, trace_id, span_id, fields, level))]
pub fn context_below<'py>(
    request: Option<Bound<'py, Context>>,
    held: Option<Bound<'py, Context>>,
    trace_id: Option<Bound<'py, PyString>>,
    span_id: Bound<'py, PyString>,
    fields: Bound<'py, PyDict>,
    level: Option<i32>,
) -> PyResult<Bound<'py, Context>> {
    let py = fields.py();
    let _inside = ending::Inside::enter_or_stay(py);
    if level.is_some() {
        least::follow(py)?;
    }
    let seen = request.as_ref().map_or(0, changes);
    let more = Fields::new(&fields)?;
    let foreign_value = foreign::current(py).map(Bound::unbind);
    let outer = match current(py) {
        Some(outer) => outer,
        None => Bound::new(py, Context::empty(py))?,
    };
    let made = outer.get().with([trace_id.as_ref(), Some(&span_id)], &more, foreign_value.as_ref(), py)?;
    let goes_on = trace_id.is_none_or(|given| outer.get().is_of_trace(&given));
    let parent_span_id = outer.get().span_id.as_ref().filter(|_| goes_on).map(|id| id.clone_ref(py));
    let least = level.map_or_else(|| outer.get().least.clone(), |level| Least::new(Some(level)));
    let made = Context { parent_span_id, least, ..made };
    let Some(request) = request else { return Bound::new(py, made) };
    let began = began_now(&request);
    part_of_request(made, held.as_ref(), request, &more, Ids::OfScope, began, seen)
}

/// A context of a request once more, for a scope of another thread or task that goes on in it. `held` was in the context variable where it
/// was taken along.
#[pyfunction]
pub fn context_again<'py>(request: Bound<'py, Context>, held: Bound<'py, Context>) -> PyResult<Bound<'py, Context>> {
    let py = request.py();
    let _inside = ending::Inside::enter_or_stay(py);
    let seen = changes(&request);
    let none = Fields::new(&PyDict::new(py))?;
    let here = super::now(held.clone());
    let made = here.get().with([None, None], &none, here.get().foreign_value.as_ref(), py)?;
    let (_, ids) = own_of(Some(&held), &request);
    let began = began_now(&request);
    part_of_request(made, Some(&held), request, &none, ids, began, seen)
}

/// What a request's context is as a scope of it begins.
fn began_now(request: &Bound<'_, Context>) -> Option<Py<Context>> {
    match role_of(request) {
        Some(RequestRole::Beginning(beginning)) => beginning.now.as_ref().map(|now| now.clone_ref(request.py())),
        _ => None,
    }
}

/// A context that follows its request, if the one that it takes the place of does: another may have come here from elsewhere.
fn part_of_request<'py>(
    made: Context,
    held: Option<&Bound<'py, Context>>,
    request: Bound<'py, Context>,
    more: &Fields,
    ids: Ids,
    began: Option<Py<Context>>,
    seen: u64,
) -> PyResult<Bound<'py, Context>> {
    let py = request.py();
    let follows = match held.and_then(role_of) {
        Some(RequestRole::Inner(inner)) => inner.request.is(&request),
        _ => held.is_some_and(|held| held.is(&request)),
    };
    if !follows {
        return Bound::new(py, made);
    }
    let (mut fields, _) = own_of(held, &request);
    fields.retain(|(name, _)| !has(more, name));
    fields.extend(names(&more.captured).map(|(name, _)| (name.into(), SetMark::new())));
    let change = changes(&request);
    let inner = Inner { request: request.unbind(), change, ids, fields, began, seen, now: None };
    Bound::new(py, Context { within: Gil::new(Some(Box::new(RequestRole::Inner(inner)))), ..made })
}

fn has(fields: &Fields, name: &str) -> bool {
    names(&fields.captured).any(|(set, _)| set == name)
}

/// Forgets what was set within a request since a scope of it began, except what other threads and tasks have set for themselves. `scope` is
/// the context that the scope began with.
#[pyfunction]
#[pyo3(signature = (request, held, scope))]
pub fn clear_within(request: &Bound<'_, Context>, held: Option<&Bound<'_, Context>>, scope: &Bound<'_, Context>) {
    let py = request.py();
    let (own, ids) = own_of(held, request);
    own.iter().for_each(|(_, mark)| mark.give_up());
    ids.give_up();
    let began = match role_of(scope) {
        Some(RequestRole::Inner(inner)) => {
            inner.fields.iter().for_each(|(_, mark)| mark.count_again());
            inner.began.as_ref().map(|began| began.bind(py).clone())
        }
        _ => None,
    };
    change(request, began, true);
}

/// Notes what a request's context is now.
fn change(request: &Bound<'_, Context>, now: Option<Bound<'_, Context>>, ids: bool) {
    // SAFETY: changed at once; what it was before is dropped after.
    let part = unsafe { &mut *request.get().within.get(request.py()) };
    let part = part.get_or_insert_with(|| Box::new(RequestRole::Beginning(Beginning::default())));
    let RequestRole::Beginning(beginning) = &mut **part else { return };
    beginning.changes += 1;
    if ids {
        beginning.ids = beginning.changes;
    }
    let old = std::mem::replace(&mut beginning.now, now.map(Bound::unbind));
    drop(old);
}

/// What whoever has this context has set, if that was within this request.
fn own_of(held: Option<&Bound<'_, Context>>, request: &Bound<'_, Context>) -> (Vec<(Box<str>, SetMark)>, Ids) {
    match held.and_then(role_of) {
        Some(RequestRole::Inner(inner)) if inner.request.is(request) => {
            (inner.fields.iter().filter(|(_, mark)| mark.counts()).cloned().collect(), inner.ids.clone())
        }
        _ => (Vec::new(), Ids::OfRequest),
    }
}

/// What a request's context is now.
fn latest<'py>(request: &Bound<'py, Context>) -> Bound<'py, Context> {
    match role_of(request) {
        Some(RequestRole::Beginning(Beginning { now: Some(now), .. })) => now.bind(request.py()).clone(),
        _ => request.clone(),
    }
}

/// How often anything was set or cleared in a request.
fn changes(request: &Bound<'_, Context>) -> u64 {
    match role_of(request) {
        Some(RequestRole::Beginning(beginning)) => beginning.changes,
        _ => 0,
    }
}

/// Whether somebody has set an id after this was made.
fn ids_changed_since(context: &Bound<'_, Context>, request: &Bound<'_, Context>) -> bool {
    match (role_of(context), role_of(request)) {
        (Some(RequestRole::Inner(inner)), Some(RequestRole::Beginning(beginning))) => beginning.ids > inner.change,
        _ => false,
    }
}

/// Not to be kept while Python code may run.
fn role_of<'a>(context: &'a Bound<'_, Context>) -> Option<&'a RequestRole> {
    // SAFETY: looked at and counted only, by the functions of this file, which keep it over no call that can run Python code.
    unsafe { &*context.get().within.get(context.py()) }.as_deref()
}
