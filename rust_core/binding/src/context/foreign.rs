//! Contexts of another tracing library, which has a context variable of its own. The innermost of the two contexts is
//! current: this library's, if it was made while the foreign variable had the value it has now.

use std::sync::Arc;

use pyo3::prelude::*;

use super::Context;
use super::current::{ALONE, VARIABLE, check_variable, value_of};
use crate::interpreter::ending;
use crate::interpreter::gil::Gil;
use crate::interpreter::interrupt;
use crate::recorder;

/// Choices that are remembered.
const MOST_CACHED: usize = 16;

static FOREIGN: Gil<Option<Foreign>> = Gil::new(None);

struct Foreign {
    variable: Py<PyAny>,
    /// Makes a `Context` of the variable's value, or returns None if the value has no trace.
    convert: Py<PyAny>,
    choices: Vec<CachedChoice>,
    next: usize,
}

/// The current context for this pair of contexts.
struct CachedChoice {
    foreign_value: Py<PyAny>,
    own: Option<Py<Context>>,
    current: Option<Py<Context>>,
}

/// Sets the context variable of another tracing library, and the function that makes a `Context` of its value. None
/// leaves contexts to this library alone.
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
        choices: Vec::new(),
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

/// The current value of the other library's variable.
pub fn current(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    // SAFETY: looked at and counted only.
    let variable = unsafe { &*FOREIGN.get(py) }.as_ref()?.variable.bind(py).clone();
    // SAFETY: `set_foreign_context` checks that it is a context variable.
    unsafe { value_of(py, variable.as_ptr()) }
}

/// Which context is current: this library's, the foreign one, or both merged.
pub fn decide<'py>(py: Python<'py>, own: Option<Bound<'py, Context>>) -> Option<Bound<'py, Context>> {
    let Some(foreign_value) = current(py) else { return own };
    if own.as_ref().is_some_and(|own| own.get().foreign_value.as_ref().is_some_and(|noted| noted.is(&foreign_value))) {
        return own;
    }
    let is_this = |choice: &CachedChoice| {
        choice.foreign_value.is(&foreign_value)
            && match (&choice.own, &own) {
                (Some(asked), Some(own)) => asked.is(own),
                (None, None) => true,
                _ => false,
            }
    };
    // SAFETY: looked at and counted only.
    if let Some(choice) = unsafe { &*FOREIGN.get(py) }.as_ref()?.choices.iter().find(|choice| is_this(choice)) {
        return choice.current.as_ref().map(|current| current.bind(py).clone());
    }
    let current = merge(py, own.as_ref(), &foreign_value);
    if let Some(recording) = current.as_ref().and_then(|current| current.get().recording()) {
        let of_own = own.as_ref().and_then(|own| own.get().recording());
        if !of_own.is_some_and(|own| Arc::ptr_eq(own, recording)) {
            recorder::hold(py, recording);
        }
    }
    let choice = CachedChoice {
        foreign_value: foreign_value.unbind(),
        own: own.map(Bound::unbind),
        current: current.clone().map(Bound::unbind),
    };
    // SAFETY: changed at once; the evicted choice is dropped after.
    let evicted = unsafe {
        match &mut *FOREIGN.get(py) {
            Some(foreign) if foreign.choices.len() < MOST_CACHED => {
                foreign.choices.push(choice);
                None
            }
            Some(foreign) => {
                foreign.next = (foreign.next + 1) % MOST_CACHED;
                Some(std::mem::replace(&mut foreign.choices[foreign.next], choice))
            }
            None => Some(choice),
        }
    };
    drop(evicted);
    current
}

/// The foreign ids with this library's fields. If `own` began with these ids, something other than the trace has
/// changed, and `own` stays as it is.
fn merge<'py>(
    py: Python<'py>,
    own: Option<&Bound<'py, Context>>,
    foreign_value: &Bound<'py, PyAny>,
) -> Option<Bound<'py, Context>> {
    let Some(ids) = convert(foreign_value) else { return own.cloned() };
    let Some(own) = own else { return Some(ids) };
    let began = own.get().foreign_value.as_ref().and_then(|noted| convert(noted.bind(py)));
    if began.is_some_and(|began| began.get().ids(py) == ids.get().ids(py)) {
        return Some(own.clone());
    }
    let fields = interrupt::ok(py, own.get().fields.and(&ids.get().fields, py))?;
    let merged = interrupt::ok(py, Context::of(Some(ids.get()), fields, Some(&foreign_value.clone().unbind()), py))?;
    interrupt::ok(py, Bound::new(py, Context { least: own.get().least.clone(), ..merged }))
}

fn convert<'py>(foreign_value: &Bound<'py, PyAny>) -> Option<Bound<'py, Context>> {
    let py = foreign_value.py();
    let _inside = ending::Inside::enter();
    // SAFETY: looked at and counted only.
    let convert = unsafe { &*FOREIGN.get(py) }.as_ref()?.convert.bind(py).clone();
    interrupt::ok(py, convert.call1((foreign_value,)))?.cast_into_exact::<Context>().ok()
}
