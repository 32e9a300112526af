//! The fields that follow a request, captured once when they are set and copied into each record.

mod foreign;
pub mod ids;
mod least;
mod within;

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use unified_logger_core::record::put_context;
use unified_logger_core::router::is_ai_field;
use unified_logger_core::value::{Put, Reader};

pub use foreign::set_foreign_context;
pub use ids::{new_span_id, new_trace_id};
pub use least::{are_worth_a_look, end_the_beginning, set_follow};
pub use within::{clear_within, context_again, context_below, context_with};

use crate::interpreter::ending;
use crate::interpreter::gil::Gil;
use crate::interpreter::interrupt;
use crate::value;
use crate::value::shown::text_of;
use least::Least;
use within::Within;

/// The context variable that holds the current `Context`.
static VARIABLE: Gil<*mut ffi::PyObject> = Gil::new(std::ptr::null_mut());
/// The same as long as no other library has a say in what is current; null then, so that nobody pays for the question.
static ALONE: Gil<*mut ffi::PyObject> = Gil::new(std::ptr::null_mut());

/// Ids and fields, as records get them. Immutable: setting another field makes another context, which may take this one's place.
#[pyclass(frozen, module = "unified_logger._core")]
pub struct Context {
    #[pyo3(get)]
    trace_id: Option<Py<PyString>>,
    #[pyo3(get)]
    span_id: Option<Py<PyString>>,
    #[pyo3(get)]
    parent_span_id: Option<Py<PyString>>,
    /// What goes on to other services, and not into records.
    #[pyo3(get)]
    carried: Option<Py<PyAny>>,
    fields: Fields,
    captured: Box<[u8]>,
    /// What another library had as current when this was made.
    beside: Option<Py<PyAny>>,
    least: Least,
    within: Within,
}

#[pymethods]
impl Context {
    #[new]
    #[pyo3(signature = (trace_id, span_id, fields, parent_span_id=None, carried=None, level=None))]
    fn new(
        trace_id: Option<Bound<'_, PyString>>,
        span_id: Option<Bound<'_, PyString>>,
        fields: &Bound<'_, PyDict>,
        parent_span_id: Option<Bound<'_, PyString>>,
        carried: Option<Bound<'_, PyAny>>,
        level: Option<i32>,
    ) -> PyResult<Self> {
        let py = fields.py();
        let _inside = ending::Inside::enter_or_stay(py);
        if level.is_some() {
            least::follow(py)?;
        }
        let fields = Fields::new(fields)?;
        Ok(Self {
            captured: captured(trace_id.as_ref(), span_id.as_ref(), &fields.captured),
            trace_id: trace_id.map(Bound::unbind),
            span_id: span_id.map(Bound::unbind),
            parent_span_id: parent_span_id.map(Bound::unbind),
            carried: carried.map(Bound::unbind),
            fields,
            beside: foreign::current(py).map(Bound::unbind),
            least: Least::new(level),
            within: Within::new(None),
        })
    }

    /// The same with what was set within its request since it was made.
    #[getter]
    fn now<'py>(slf: Bound<'py, Self>, py: Python<'py>) -> PyResult<Bound<'py, Self>> {
        let now = now(slf);
        interrupt::raise(py, Ok(now))
    }

    /// The least level of records made in this context, whatever the levels of their loggers; None leaves it to those.
    #[getter]
    fn level(&self) -> Option<i32> {
        self.least.get()
    }

    /// A copy of the fields, without the ids.
    #[getter]
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.fields.named.bind(py).copy()
    }

    /// What can lead back here: a field's value that holds what has this context.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.carried)?;
        visit.call(&self.beside)?;
        // SAFETY: called by the collector.
        if let Some(part) = unsafe { self.within.traversed() } {
            part.traverse(&visit)?;
        }
        visit.call(&self.fields.named)
    }
}

impl Context {
    /// The context's section of a record, with its length.
    #[inline]
    pub fn put(&self, out: &mut impl Put) {
        let length = u32::try_from(self.captured.len()).unwrap_or(0);
        out.put(&length.to_le_bytes());
        out.put(&self.captured);
    }

    #[inline]
    pub fn is_ai(&self) -> bool {
        self.fields.ai
    }

    /// Keeps a record out that its logger would make.
    #[inline]
    pub fn refuses(&self, level: i32) -> bool {
        self.least.refuses(level)
    }

    /// Trace and span id.
    fn ids(&self, py: Python<'_>) -> [Option<String>; 2] {
        [&self.trace_id, &self.span_id].map(|id| id.as_ref().map(|id| text_of(id.bind(py).as_any())))
    }

    /// The same with more fields, which win over those of the same name, and with the ids that are given.
    fn with(
        &self,
        [trace_id, span_id]: [Option<&Bound<'_, PyString>>; 2],
        more: &Fields,
        beside: Option<&Py<PyAny>>,
        py: Python<'_>,
    ) -> PyResult<Self> {
        let made = Self::of(Some(self), self.fields.and(more, py)?, beside, py)?;
        let made = Self { least: self.least.clone(), ..made };
        if trace_id.is_none() && span_id.is_none() {
            return Ok(made);
        }
        let id = |given: Option<&Bound<'_, PyString>>, kept| given.map_or(kept, |given| Some(given.clone().unbind()));
        // What belongs to the trace ends with it.
        let goes_on = trace_id.is_none_or(|given| self.is_of_trace(given));
        let (trace_id, span_id) = (id(trace_id, made.trace_id), id(span_id, made.span_id));
        Ok(Self {
            captured: captured(
                trace_id.as_ref().map(|id| id.bind(py)),
                span_id.as_ref().map(|id| id.bind(py)),
                &made.fields.captured,
            ),
            trace_id,
            span_id,
            parent_span_id: made.parent_span_id.filter(|_| goes_on),
            carried: made.carried.filter(|_| goes_on),
            ..made
        })
    }

    /// Without ids and fields, to be built on: its own section is not captured.
    fn empty(py: Python<'_>) -> Self {
        Self {
            trace_id: None,
            span_id: None,
            parent_span_id: None,
            carried: None,
            fields: Fields { named: PyDict::new(py).unbind(), captured: Box::default(), ai: false },
            captured: Box::default(),
            beside: None,
            least: Least::new(None),
            within: Within::new(None),
        }
    }

    fn is_of_trace(&self, id: &Bound<'_, PyString>) -> bool {
        self.trace_id.as_ref().is_some_and(|own| text_of(own.bind(id.py()).as_any()) == text_of(id.as_any()))
    }

    /// The ids of one context with the given fields.
    fn of(ids: Option<&Self>, fields: Fields, beside: Option<&Py<PyAny>>, py: Python<'_>) -> PyResult<Self> {
        let text = |id: Option<&Py<PyString>>| id.map(|id| id.clone_ref(py));
        let (trace_id, span_id) =
            (text(ids.and_then(|ids| ids.trace_id.as_ref())), text(ids.and_then(|ids| ids.span_id.as_ref())));
        Ok(Self {
            captured: captured(
                trace_id.as_ref().map(|id| id.bind(py)),
                span_id.as_ref().map(|id| id.bind(py)),
                &fields.captured,
            ),
            trace_id,
            span_id,
            parent_span_id: text(ids.and_then(|ids| ids.parent_span_id.as_ref())),
            carried: ids.and_then(|ids| ids.carried.as_ref()).map(|carried| carried.clone_ref(py)),
            fields,
            beside: beside.map(|beside| beside.clone_ref(py)),
            least: Least::new(None),
            within: Within::new(None),
        })
    }
}

/// What a context is now: one of a request may have become another.
#[inline]
fn now(context: Bound<'_, Context>) -> Bound<'_, Context> {
    // SAFETY: looked at only.
    if unsafe { &*context.get().within.get(context.py()) }.is_none() { context } else { within::now(context) }
}

/// Ids and fields in the form that a record's section has.
fn captured(trace_id: Option<&Bound<'_, PyString>>, span_id: Option<&Bound<'_, PyString>>, fields: &[u8]) -> Box<[u8]> {
    let text = |id: Option<&Bound<'_, PyString>>| id.map(|id| text_of(id.as_any()));
    let mut out = Vec::new();
    put_context(&mut out, text(trace_id).as_deref(), text(span_id).as_deref());
    out.extend_from_slice(fields);
    out.into()
}

/// Named values, captured.
pub struct Fields {
    named: Py<PyDict>,
    captured: Box<[u8]>,
    ai: bool,
}

impl Fields {
    /// Captures each value as it is now. What that held back is raised here, where they were given.
    pub fn new(fields: &Bound<'_, PyDict>) -> PyResult<Self> {
        value::or_memory_error(fields.py(), || Self::capture(fields))
    }

    fn capture(fields: &Bound<'_, PyDict>) -> PyResult<Self> {
        let mut captured = Vec::new();
        let fields = fields.copy()?;
        let mut ai = false;
        for (name, field) in &fields {
            let name = name.cast::<PyString>()?;
            ai |= is_ai_field(&name.to_string_lossy());
            // SAFETY: both are live objects, and the interpreter is attached.
            unsafe {
                value::capture_text(&mut captured, name.as_ptr());
                value::capture(&mut captured, field.as_ptr());
            }
        }
        Ok(Self { named: fields.unbind(), captured: captured.into(), ai })
    }

    /// The fields by name.
    pub fn named<'py>(&self, py: Python<'py>) -> &Bound<'py, PyDict> {
        self.named.bind(py)
    }

    /// These and more, which win over those of the same name.
    fn and(&self, more: &Self, py: Python<'_>) -> PyResult<Self> {
        let named = self.named(py).copy()?;
        named.update(more.named(py).as_mapping())?;
        let mut captured = Vec::with_capacity(self.captured.len() + more.captured.len());
        let replaced: Vec<&str> = names(&more.captured).map(|(name, _)| name).collect();
        for (name, field) in names(&self.captured) {
            if !replaced.contains(&name) {
                captured.extend_from_slice(field);
            }
        }
        captured.extend_from_slice(&more.captured);
        Ok(Self { named: named.unbind(), captured: captured.into(), ai: self.ai || more.ai })
    }

    /// Those whose names are kept.
    fn only(&self, keep: impl Fn(&str) -> bool, py: Python<'_>) -> PyResult<Self> {
        let named = PyDict::new(py);
        for (name, field) in self.named(py) {
            if keep(&text_of(&name)) {
                named.set_item(name, field)?;
            }
        }
        let kept = || names(&self.captured).filter(|(name, _)| keep(name));
        let captured = kept().flat_map(|(_, field)| field).copied().collect();
        Ok(Self { named: named.unbind(), captured, ai: kept().any(|(name, _)| is_ai_field(name)) })
    }

    fn clone(&self, py: Python<'_>) -> Self {
        Self { named: self.named.clone_ref(py), captured: self.captured.clone(), ai: self.ai }
    }
}

/// Each field's name and its bytes, name included.
fn names(captured: &[u8]) -> impl Iterator<Item = (&str, &[u8])> {
    let mut reader = Reader::checked(captured);
    std::iter::from_fn(move || {
        let start = captured.len() - reader.rest().len();
        let name = reader.text()?;
        reader.value()?;
        Some((name, &captured[start..captured.len() - reader.rest().len()]))
    })
}

type Made = (Option<Py<Context>>, Py<Context>);

/// Fields of a logger of their own, and the contexts they made last.
pub struct BoundFields {
    pub fields: Fields,
    /// A context that was current, and the same with these fields.
    last: Gil<Option<Made>>,
}

impl BoundFields {
    pub fn new(fields: Fields) -> Self {
        Self { fields, last: Gil::new(None) }
    }

    /// The current context with these fields.
    #[inline]
    pub fn current<'py>(&self, py: Python<'py>) -> Option<Bound<'py, Context>> {
        let current = current(py);
        let pointer = |context: Option<&Py<Context>>| context.map_or(std::ptr::null_mut(), |context| context.as_ptr());
        // SAFETY: looked at and counted only.
        if let Some((before, with)) = unsafe { &*self.last.get(py) }
            && pointer(before.as_ref()) == current.as_ref().map_or(std::ptr::null_mut(), |context| context.as_ptr())
        {
            return Some(with.bind(py).clone());
        }
        self.make(py, current)
    }

    /// As `__traverse__` of those who have one.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.fields.named)?;
        // SAFETY: called by the collector.
        match unsafe { self.last.traversed() } {
            Some((before, with)) => visit.call(before).and_then(|()| visit.call(with)),
            None => Ok(()),
        }
    }

    #[cold]
    fn make<'py>(&self, py: Python<'py>, current: Option<Bound<'py, Context>>) -> Option<Bound<'py, Context>> {
        let made = match &current {
            Some(current) => current.get().with([None, None], &self.fields, current.get().beside.as_ref(), py),
            None => Context::of(None, self.fields.clone(py), None, py),
        };
        let made = made.and_then(|made| Bound::new(py, made));
        let Some(made) = interrupt::ok(py, made) else { return current };
        if ending::is_here(py) {
            // What was made before stays where it is: to let go of it may run Python code.
            return Some(made);
        }
        let _inside = ending::Inside::enter();
        // SAFETY: replaced at once; the old one is dropped after, and may run Python code then.
        let old = unsafe { (*self.last.get(py)).replace((current.map(Bound::unbind), made.clone().unbind())) };
        drop(old);
        Some(made)
    }
}

/// Tells which context variable holds the current context.
#[pyfunction]
pub fn set_context_variable(variable: &Bound<'_, PyAny>) -> PyResult<()> {
    check_variable(variable)?;
    let py = variable.py();
    // SAFETY: the variable is kept for the life of the process.
    unsafe {
        *VARIABLE.get(py) = variable.clone().into_ptr();
        *ALONE.get(py) = variable.as_ptr();
    }
    Ok(())
}

fn check_variable(variable: &Bound<'_, PyAny>) -> PyResult<()> {
    // SAFETY: a live object.
    if unsafe { ffi::PyContextVar_CheckExact(variable.as_ptr()) } == 0 {
        return Err(PyTypeError::new_err("variable must be a contextvars.ContextVar"));
    }
    Ok(())
}

/// The context of the calling thread or task.
#[inline]
pub fn current(py: Python<'_>) -> Option<Bound<'_, Context>> {
    // SAFETY: set once, to a variable that is never freed.
    let variable = unsafe { *ALONE.get(py) };
    if variable.is_null() {
        return among_others(py);
    }
    // SAFETY: as above.
    unsafe { of_variable(py, variable) }
}

/// The least level of records in the current context, if it has one. For those that are in no hurry.
#[cold]
#[inline(never)]
pub fn least(py: Python<'_>) -> Option<i32> {
    current(py)?.get().least.get()
}

#[cold]
fn among_others(py: Python<'_>) -> Option<Bound<'_, Context>> {
    // SAFETY: as above.
    let variable = unsafe { *VARIABLE.get(py) };
    if variable.is_null() {
        return None;
    }
    // SAFETY: as above.
    let own = unsafe { of_variable(py, variable) };
    if ending::is_here(py) { own } else { foreign::decide(py, own) }
}

/// What the variable holds, if it is a context.
#[inline]
unsafe fn of_variable(py: Python<'_>, variable: *mut ffi::PyObject) -> Option<Bound<'_, Context>> {
    // SAFETY: the caller has a context variable.
    unsafe { value_of(py, variable) }?.cast_into_exact::<Context>().ok().map(now)
}

#[inline]
unsafe fn value_of(py: Python<'_>, variable: *mut ffi::PyObject) -> Option<Bound<'_, PyAny>> {
    let mut value = std::ptr::null_mut();
    // SAFETY: `variable` is a context variable; a found value is a new reference.
    let found = unsafe { ffi::PyContextVar_Get(variable, std::ptr::null_mut(), &raw mut value) };
    if found < 0 {
        drop(PyErr::take(py));
        return None;
    }
    // SAFETY: as above.
    unsafe { Bound::from_owned_ptr_or_opt(py, value) }
}

/// A context of a new trace, without fields: most requests begin with one.
#[pyfunction]
pub fn new_trace(py: Python<'_>) -> PyResult<Bound<'_, Context>> {
    // Any object that is made may start the collector, which may run Python code.
    let _inside = ending::Inside::enter_or_stay(py);
    let (trace_id, span_id) = (ids::new_trace_id(py)?, ids::new_span_id(py)?);
    let context = Context {
        captured: captured(Some(&trace_id), Some(&span_id), &[]),
        trace_id: Some(trace_id.unbind()),
        span_id: Some(span_id.unbind()),
        beside: foreign::current(py).map(Bound::unbind),
        ..Context::empty(py)
    };
    Bound::new(py, context)
}

/// The current context, whoever has the say.
#[pyfunction]
pub fn current_context(py: Python<'_>) -> PyResult<Option<Bound<'_, Context>>> {
    let current = current(py);
    interrupt::raise(py, Ok(current))
}
