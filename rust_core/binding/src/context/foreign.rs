//! Contexts of another tracing library, which has a context variable of its own. The innermost of its and ours is current:
//! ours if it was made while theirs was as it is now.

use pyo3::prelude::*;

use super::Context;
use super::current::{ALONE, VARIABLE, check_variable, value_of};
use crate::interpreter::ending;
use crate::interpreter::gil::Gil;
use crate::interpreter::interrupt;

/// Answers that are remembered.
const KEPT: usize = 16;

static FOREIGN: Gil<Option<Foreign>> = Gil::new(None);

struct Foreign {
    variable: Py<PyAny>,
    /// Makes a `Context` of the variable's value, or `None` where that has no trace.
    convert: Py<PyAny>,
    known: Vec<Known>,
    next: usize,
}

/// Which context is current where these two are.
struct Known {
    theirs: Py<PyAny>,
    own: Option<Py<Context>>,
    current: Option<Py<Context>>,
}

/// Tells the context variable of another tracing library, and what makes a `Context` of its value; None leaves contexts to
/// this library.
#[pyfunction]
#[pyo3(signature = (variable, convert=None))]
pub fn set_foreign_context(
    variable: Option<Bound<'_, PyAny>>,
    convert: Option<Bound<'_, PyAny>>,
    py: Python<'_>,
) -> PyResult<()> {
    if let Some(variable) = &variable {
        check_variable(variable)?;
    }
    let foreign = variable.zip(convert).map(|(variable, convert)| Foreign {
        variable: variable.unbind(),
        convert: convert.unbind(),
        known: Vec::new(),
        next: 0,
    });
    // SAFETY: replaced at once; the old one is dropped after. `VARIABLE` is a variable that is never freed.
    let old = unsafe {
        *ALONE.get(py) = if foreign.is_some() { std::ptr::null_mut() } else { *VARIABLE.get(py) };
        std::mem::replace(&mut *FOREIGN.get(py), foreign)
    };
    drop(old);
    Ok(())
}

/// What the other library has as current.
pub fn current(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    // SAFETY: looked at and counted only.
    let variable = unsafe { &*FOREIGN.get(py) }.as_ref()?.variable.bind(py).clone();
    // SAFETY: it was seen to be a context variable.
    unsafe { value_of(py, variable.as_ptr()) }
}

/// Which context is current, given ours.
pub fn decide<'py>(py: Python<'py>, own: Option<Bound<'py, Context>>) -> Option<Bound<'py, Context>> {
    let Some(theirs) = current(py) else { return own };
    if own.as_ref().is_some_and(|own| own.get().beside.as_ref().is_some_and(|beside| beside.is(&theirs))) {
        return own;
    }
    let is_known = |known: &Known| {
        known.theirs.is(&theirs)
            && match (&known.own, &own) {
                (Some(known), Some(own)) => known.is(own),
                (None, None) => true,
                _ => false,
            }
    };
    // SAFETY: looked at and counted only.
    if let Some(known) = unsafe { &*FOREIGN.get(py) }.as_ref()?.known.iter().find(|known| is_known(known)) {
        return known.current.as_ref().map(|current| current.bind(py).clone());
    }
    let current = merge(py, own.as_ref(), &theirs);
    let known =
        Known { theirs: theirs.unbind(), own: own.map(Bound::unbind), current: current.clone().map(Bound::unbind) };
    // SAFETY: changed at once; what is evicted is dropped after.
    let evicted = unsafe {
        match &mut *FOREIGN.get(py) {
            Some(foreign) if foreign.known.len() < KEPT => {
                foreign.known.push(known);
                None
            }
            Some(foreign) => {
                foreign.next = (foreign.next + 1) % KEPT;
                Some(std::mem::replace(&mut foreign.known[foreign.next], known))
            }
            None => Some(known),
        }
    };
    drop(evicted);
    current
}

/// Their ids with our fields, unless theirs are the ones that ours began with: then only something beside the trace changed.
fn merge<'py>(
    py: Python<'py>,
    own: Option<&Bound<'py, Context>>,
    theirs: &Bound<'py, PyAny>,
) -> Option<Bound<'py, Context>> {
    let Some(ids) = convert(theirs) else { return own.cloned() };
    let Some(own) = own else { return Some(ids) };
    let began = own.get().beside.as_ref().and_then(|beside| convert(beside.bind(py)));
    if began.is_some_and(|began| began.get().ids(py) == ids.get().ids(py)) {
        return Some(own.clone());
    }
    let fields = interrupt::ok(py, own.get().fields.and(&ids.get().fields, py))?;
    let merged = interrupt::ok(py, Context::of(Some(ids.get()), fields, Some(&theirs.clone().unbind()), py))?;
    interrupt::ok(py, Bound::new(py, Context { least: own.get().least.clone(), ..merged }))
}

fn convert<'py>(theirs: &Bound<'py, PyAny>) -> Option<Bound<'py, Context>> {
    let py = theirs.py();
    let _inside = ending::Inside::enter();
    // SAFETY: looked at and counted only.
    let convert = unsafe { &*FOREIGN.get(py) }.as_ref()?.convert.bind(py).clone();
    interrupt::ok(py, convert.call1((theirs,)))?.cast_into_exact::<Context>().ok()
}
