//! Fields that any thread or task of a request sets for the whole request. Each thread and task has a copy of the
//! context variable, so a context that one of them sets is not seen by the others. Therefore the request's first
//! context knows its latest version, and contexts made within the request follow it.
//!
//! A thread or task keeps the fields that it has set itself: another one that runs at the same time does not change its
//! records. If a thread or task has seen such a field and sets it again, the new value counts for both.

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
use crate::interpreter::made;

/// The role of a context in a request. Most contexts have none.
pub type Within = Gil<Option<Box<RequestRole>>>;

pub enum RequestRole {
    /// The first context of the request.
    Beginning(Beginning),
    /// A context made within the request.
    Inner(Inner),
}

#[derive(Default)]
pub struct Beginning {
    /// The latest version of the context. `None` once all that was set is cleared.
    now: Option<Py<Context>>,
    /// How often a field or an id was set or cleared.
    changes: u64,
    /// The number of the change that last set an id.
    ids: u64,
}

pub struct Inner {
    request: Py<Context>,
    /// The number of the last change before it was made.
    change: u64,
    ids: Ids,
    fields: Vec<(Box<str>, SetMark)>,
    /// If a scope begins with this context: the request's context when the scope began.
    began: Option<Py<Context>>,
    /// The number of the last change that `now` includes.
    seen: u64,
    /// This context with the fields that others have set. `None` if it has not changed.
    now: Option<Py<Context>>,
}

#[derive(Clone)]
enum Ids {
    /// The ids of the request.
    OfRequest,
    /// Ids set by a holder of this context.
    Set(SetMark),
    /// Ids of a scope of its own.
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

/// Whether a value still counts for the thread or task that has set it.
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
    /// For `__traverse__` of a context with a role.
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

/// The latest version of a context.
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
        // The previous version stays where it is: dropping it may run Python code.
        return context;
    }
    let _inside = ending::Inside::enter();
    let changes = changes(&request);
    let made = follow(&context, &request).and_then(|made| Bound::new(py, made));
    let Some(made) = interrupt::ok(py, made) else { return context };
    let mut old = None;
    // SAFETY: replaced at once; the old version is dropped after, and may run Python code then.
    if let Some(RequestRole::Inner(inner)) = unsafe { (*context.get().within.get(py)).as_deref_mut() }
        && inner.seen == seen
    {
        inner.seen = changes;
        old = inner.now.replace(made.clone().unbind());
    }
    drop(old);
    made
}

/// A context made within a request, with the fields that others have set since.
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

/// The current context with more fields and with the given ids. `held` is the current value of the context variable.
///
/// With `for_all`, the other threads and tasks of the request get the fields too, unless they have set the same fields
/// themselves. They also get the ids, unless this is a scope with ids of its own.
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
    // The number comes first: later changes by others are not part of the result.
    let mut seen = request.as_ref().map_or(0, changes);
    let more = Fields::new(&fields)?;
    let ids = [trace_id.as_ref(), span_id.as_ref()];
    let sets_ids = ids.iter().any(Option::is_some);
    // A foreign value ends by itself, so it is not copied here: it stays current unless ids are given.
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
        None => Context::empty(py)?.with(ids, &more, foreign_value.as_ref(), py)?,
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
            // Making the context may have run a finalizer, and another thread in between.
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

/// A context inside the current one, with a span of its own. In a request it follows the request.
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
        None => Bound::new(py, Context::empty(py)?)?,
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

/// A context of a request once more, for a scope of another thread or task that continues the request. `held` was the
/// value of the context variable where it was carried from.
#[pyfunction]
pub fn context_again<'py>(request: Bound<'py, Context>, held: Bound<'py, Context>) -> PyResult<Bound<'py, Context>> {
    let py = request.py();
    let _inside = ending::Inside::enter_or_stay(py);
    let seen = changes(&request);
    let none = Fields::new(&made::dict(py)?)?;
    let here = super::now(held.clone());
    let made = here.get().with([None, None], &none, here.get().foreign_value.as_ref(), py)?;
    let (_, ids) = own_of(Some(&held), &request);
    let began = began_now(&request);
    part_of_request(made, Some(&held), request, &none, ids, began, seen)
}

/// The latest version of a request's context when a scope of it begins.
fn began_now(request: &Bound<'_, Context>) -> Option<Py<Context>> {
    match role_of(request) {
        Some(RequestRole::Beginning(beginning)) => beginning.now.as_ref().map(|now| now.clone_ref(request.py())),
        _ => None,
    }
}

/// Makes a context follow its request, if the context that it replaces follows the same request. Another one may have
/// come from elsewhere.
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

/// Forgets all that was set within a request since a scope of it began, except the fields that other threads and tasks
/// have set for themselves. `scope` is the context that the scope began with.
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

/// Notes the latest version of a request's context.
fn change(request: &Bound<'_, Context>, now: Option<Bound<'_, Context>>, ids: bool) {
    // SAFETY: changed at once; the previous version is dropped after.
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

/// The fields and ids that a holder of this context has set, if it belongs to this request.
fn own_of(held: Option<&Bound<'_, Context>>, request: &Bound<'_, Context>) -> (Vec<(Box<str>, SetMark)>, Ids) {
    match held.and_then(role_of) {
        Some(RequestRole::Inner(inner)) if inner.request.is(request) => {
            (inner.fields.iter().filter(|(_, mark)| mark.counts()).cloned().collect(), inner.ids.clone())
        }
        _ => (Vec::new(), Ids::OfRequest),
    }
}

/// The latest version of a request's context.
fn latest<'py>(request: &Bound<'py, Context>) -> Bound<'py, Context> {
    match role_of(request) {
        Some(RequestRole::Beginning(Beginning { now: Some(now), .. })) => now.bind(request.py()).clone(),
        _ => request.clone(),
    }
}

/// How often a field or an id was set or cleared in a request.
fn changes(request: &Bound<'_, Context>) -> u64 {
    match role_of(request) {
        Some(RequestRole::Beginning(beginning)) => beginning.changes,
        _ => 0,
    }
}

/// Whether an id was set after this context was made.
fn ids_changed_since(context: &Bound<'_, Context>, request: &Bound<'_, Context>) -> bool {
    match (role_of(context), role_of(request)) {
        (Some(RequestRole::Inner(inner)), Some(RequestRole::Beginning(beginning))) => beginning.ids > inner.change,
        _ => false,
    }
}

/// The reference must be dropped before Python code may run.
fn role_of<'a>(context: &'a Bound<'_, Context>) -> Option<&'a RequestRole> {
    // SAFETY: looked at and counted only. The functions of this file keep the reference over no call that can run
    // Python code.
    unsafe { &*context.get().within.get(context.py()) }.as_deref()
}
