//! Functions of the program that see each call before it becomes a record, and may change or drop it.

mod shown;

use std::cell::Cell;
use std::thread::LocalKey;

use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyString, PyTuple};

use crate::context::Context;
use crate::filter::{self, guard};
use crate::handover;
use crate::interpreter::counts::{FILTERED, PROCESSOR_ERRORS};
use crate::interpreter::ending;
use crate::interpreter::gil::{Gil, let_go_of_dropped};
use crate::interpreter::interrupt;
use crate::interpreter::made;
use crate::value::shown::{as_mapping, describe, type_name};
use shown::Shown;

/// The functions, in the order of calls.
static PROCESSORS: Gil<Option<Py<PyTuple>>> = Gil::new(None);

type Flag = LocalKey<Cell<bool>>;

thread_local! {
    /// Whether this thread is in a processor, whose own calls come to none.
    static IN_PROCESSOR: Cell<bool> = const { Cell::new(false) };
    /// Whether this thread is handing a call of `get_logger` to `logging` that processors have seen.
    static HANDS_OVER: Cell<bool> = const { Cell::new(false) };
}

/// A flag of this thread is set while the value lives.
pub struct Set(&'static Flag, bool);

impl Set {
    fn begin(flag: &'static Flag) -> Self {
        Self(flag, flag.replace(true))
    }

    /// A call of `get_logger` that processors have seen is handed to `logging`.
    pub fn handing_over() -> Self {
        Self::begin(&HANDS_OVER)
    }
}

impl Drop for Set {
    fn drop(&mut self) {
        self.0.set(self.1);
    }
}

/// Whether a record of `get_logger` that arrives on this thread was shown to processors.
pub fn have_seen() -> bool {
    HANDS_OVER.get()
}

/// Sets the functions; none turns them off.
#[pyfunction]
pub fn set_processors(processors: Bound<'_, PyTuple>) {
    let py = processors.py();
    filter::show_to_processors(py, !processors.is_empty());
    guard::ask_again(py);
    drop(PROCESSORS.replace(py, Some(processors.unbind())));
    let_go_of_dropped();
}

/// A call as processors see it.
pub struct Original<'a, 'py> {
    pub level: i32,
    pub level_name: Option<&'a str>,
    pub logger: &'a str,
    /// With its arguments.
    pub message: &'a Bound<'py, PyAny>,
    pub exception: Option<&'a Bound<'py, PyBaseException>>,
    /// Where the record takes ids and further fields from.
    pub context: Option<&'a Bound<'py, Context>>,
    pub fields: &'a [(Bound<'py, PyAny>, Bound<'py, PyAny>)],
}

/// What processors have made of a call.
pub enum Processed<'py> {
    AsItWas,
    Dropped,
    Changed(Changed<'py>),
}

/// All of a changed call: its fields and those of the context are no longer apart.
pub struct Changed<'py> {
    /// `None` if it is as it was.
    pub level: Option<i32>,
    pub logger: Option<String>,
    pub message: Bound<'py, PyAny>,
    pub exception: Option<Bound<'py, PyBaseException>>,
    /// The ids of the trace and the span.
    pub ids: [Option<Bound<'py, PyString>>; 2],
    pub fields: Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>,
}

/// Whether a call of this thread is shown to any processor.
pub fn see_calls(py: Python<'_>) -> bool {
    // SAFETY: looked at only.
    let are_there = unsafe { &*PROCESSORS.get(py) }.as_ref().is_some_and(|all| !all.bind(py).is_empty());
    are_there && !IN_PROCESSOR.get() && !ending::is_here(py)
}

/// Shows a call to all processors.
pub fn process<'py>(py: Python<'py>, original: &Original<'_, 'py>) -> Processed<'py> {
    if !see_calls(py) {
        return Processed::AsItWas;
    }
    let Some(processors) = PROCESSORS.held(py).filter(|processors| !processors.is_empty()) else {
        return Processed::AsItWas;
    };
    let Some(shown) = interrupt::ok(py, Shown::new(py, original)) else { return Processed::AsItWas };
    let in_processor = Set::begin(&IN_PROCESSOR);
    let mut mapping = shown.mapping.clone();
    for processor in &processors {
        match call(&processor, &mapping) {
            Answer::Same => {}
            Answer::Other(other) => mapping = other,
            Answer::Drop => {
                FILTERED.add(1);
                return Processed::Dropped;
            }
        }
    }
    drop(in_processor);
    if shown.is_unchanged(&mapping) {
        return Processed::AsItWas;
    }
    // Its values are asked with the interpreter's own methods only.
    match interrupt::ok(py, shown.read(&mapping)) {
        Some((changed, faults)) => {
            for fault in faults {
                complain(py, "use what a processor returned", &fault);
            }
            Processed::Changed(changed)
        }
        None => Processed::AsItWas,
    }
}

enum Answer<'py> {
    Same,
    Other(Bound<'py, PyDict>),
    Drop,
}

/// What a processor raises costs no record: the call goes on as the function has left it.
fn call<'py>(processor: &Bound<'py, PyAny>, mapping: &Bound<'py, PyDict>) -> Answer<'py> {
    let py = processor.py();
    let returned = match processor.call1((mapping,)) {
        Ok(returned) => returned,
        Err(error) if is_drop_event(py, &error) => return Answer::Drop,
        Err(error) => {
            interrupt::hold(py, &error);
            complain(py, "call a processor", &describe(py, &error));
            return Answer::Same;
        }
    };
    if returned.is(mapping) || returned.is_none() {
        return Answer::Same;
    }
    if let Ok(is_kept) = returned.cast::<PyBool>() {
        return if is_kept.is_true() { Answer::Same } else { Answer::Drop };
    }
    if let Ok(other) = returned.cast::<PyDict>() {
        return Answer::Other(other.clone());
    }
    let copied = as_mapping(&returned).and_then(|other| {
        let copy = interrupt::ok(py, made::dict(py))?;
        interrupt::ok(py, copy.update(other)).map(|()| copy)
    });
    copied.map_or_else(
        || {
            complain(py, "use what a processor returned", &format!("it is of type {}", type_name(&returned)));
            Answer::Same
        },
        Answer::Other,
    )
}

/// Whether a processor has dropped the record as those of structlog do, from where it may come.
fn is_drop_event(py: Python<'_>, error: &PyErr) -> bool {
    let kind = error.get_type(py);
    kind.name().is_ok_and(|name| name == "DropEvent")
        && kind.module().is_ok_and(|module| module.to_string_lossy().starts_with("structlog"))
}

#[cold]
fn complain(py: Python<'_>, action: &'static str, reason: &str) {
    PROCESSOR_ERRORS.add(1);
    handover::report(py, action, reason);
}
