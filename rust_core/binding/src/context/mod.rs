//! The fields that follow a request, captured once when they are set and copied into each record.

mod current;
mod fields;
mod foreign;
pub mod ids;
mod least;
mod remembered;
pub mod request_path;
pub mod sampled;
mod within;

use std::sync::Arc;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use unified_logger_core::record::put_context;

pub use current::{
    context_variable, current, current_context, least, new_trace, set_context_variable, value_of, with_ids_alone,
};
pub use fields::{BoundFields, Fields};
pub use foreign::set_foreign_context;
pub use ids::{new_span_id, new_trace_id};
pub use least::{
    end_the_beginning, is_before_start, is_left_to_loggers, may_decide_on_levels, note_recorder, set_follow,
};
pub use remembered::{recall_context, remember_context};
pub use request_path::set_request_path_variable;
pub use within::{clear_within, context_again, context_below, context_with};

use crate::interpreter::ending;
use crate::interpreter::interrupt;
use crate::interpreter::made;
use crate::recorder::{self, Recording};
use crate::value::shown::text_of;
use least::Least;
use sampled::Sampled;
use within::Within;

/// Ids and fields, in the form of a record. Immutable: setting another field makes another context, which may replace
/// this one.
#[pyclass(frozen, module = "unified_logger._core")]
pub struct Context {
    #[pyo3(get)]
    trace_id: Option<Py<PyString>>,
    #[pyo3(get)]
    span_id: Option<Py<PyString>>,
    #[pyo3(get)]
    parent_span_id: Option<Py<PyString>>,
    /// A value for other services, which records do not show.
    #[pyo3(get)]
    carried: Option<Py<PyAny>>,
    fields: Fields,
    captured: Box<[u8]>,
    /// The value of another library's context variable when this context was made.
    foreign_value: Option<Py<PyAny>>,
    least: Least,
    /// `None` while traces are not sampled, and without a trace.
    sampled: Option<Box<Sampled>>,
    /// What is recorded of its trace. `None` while nothing is, and without a trace.
    recording: Option<Arc<Recording>>,
    within: Within,
}

#[pymethods]
impl Context {
    #[new]
    #[pyo3(signature = (trace_id, span_id, fields, parent_span_id=None, carried=None, level=None, sampling=None, is_random=false))]
    #[allow(clippy::too_many_arguments, reason = "all that a context has")]
    fn new(
        trace_id: Option<Bound<'_, PyString>>,
        span_id: Option<Bound<'_, PyString>>,
        fields: &Bound<'_, PyDict>,
        parent_span_id: Option<Bound<'_, PyString>>,
        carried: Option<Bound<'_, PyAny>>,
        level: Option<i32>,
        sampling: Option<sampled::Given>,
        is_random: bool,
    ) -> PyResult<Self> {
        let py = fields.py();
        let _inside = ending::Inside::enter_or_stay(py);
        if level.is_some() {
            least::follow(py)?;
        }
        let fields = Fields::new(fields)?;
        let decision = sampled::decide(py, trace_id.as_ref(), carried.as_ref(), sampling.as_ref(), is_random);
        let captured = captured(trace_id.as_ref(), span_id.as_ref(), &fields.captured);
        let recording = recorder::of_trace(py, trace_id.as_ref());
        Ok(Self {
            sampled: sampled::sampled(decision, &captured, &fields),
            captured,
            recording,
            trace_id: trace_id.map(Bound::unbind),
            span_id: span_id.map(Bound::unbind),
            parent_span_id: parent_span_id.map(Bound::unbind),
            carried: carried.map(Bound::unbind),
            fields,
            foreign_value: foreign::current(py).map(Bound::unbind),
            least: Least::new(level),
            within: Within::new(None),
        })
    }

    /// This context with all that was set within its request since it was made.
    #[getter]
    fn now<'py>(slf: Bound<'py, Self>, py: Python<'py>) -> PyResult<Bound<'py, Self>> {
        let now = now(slf);
        interrupt::raise(py, Ok(now))
    }

    /// The least level of records made in this context, whatever the levels of their loggers. None leaves the decision
    /// to the loggers.
    #[getter]
    fn level(&self) -> Option<i32> {
        self.least.get()
    }

    /// The decision on its trace: trace flags, the threshold as text if one is known, and how many traces it stands for.
    /// None while traces are not sampled.
    #[getter]
    fn sampling(&self) -> Option<sampled::Given> {
        self.sampled.as_ref().map(|sampled| sampled::shown(&sampled.made.decision))
    }

    /// Trace flags and `tracestate` that tell other services of the decision. None while traces are not sampled.
    #[getter]
    fn sent<'py>(slf: &Bound<'py, Self>, py: Python<'py>) -> PyResult<Option<(u8, String)>> {
        let this = slf.get();
        let carried = this.carried.as_ref().map(|carried| carried.bind(py));
        let sent = this.sampled.as_ref().map(|sampled| sampled::sent(&sampled.made.decision, carried));
        interrupt::raise(py, Ok(sent))
    }

    /// A copy of the fields, without the ids.
    #[getter]
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.fields.named.bind(py).copy()
    }

    /// References that may lead back here: a field's value may hold an object that has this context.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.carried)?;
        visit.call(&self.foreign_value)?;
        // SAFETY: called by the collector.
        if let Some(part) = unsafe { self.within.traversed() } {
            part.traverse(&visit)?;
        }
        visit.call(&self.fields.named)
    }
}

impl Context {
    /// The context's section of a record of this level.
    #[inline]
    pub fn captured(&self, level: i32) -> &[u8] {
        match &self.sampled {
            None => &self.captured,
            Some(sampled) => sampled.section(level).unwrap_or(&self.captured),
        }
    }

    /// Whether its trace is not sampled, and a record of this level is left out therefore.
    #[inline]
    pub fn leaves_out(&self, level: i32) -> bool {
        self.sampled.as_ref().is_some_and(|sampled| sampled.leaves_out(level))
    }

    /// What is recorded of its trace.
    #[inline]
    pub fn recording(&self) -> Option<&Arc<Recording>> {
        self.recording.as_ref()
    }

    #[inline]
    pub fn is_ai(&self) -> bool {
        self.fields.ai
    }

    /// Whether a level is below the context's own.
    #[inline]
    pub fn is_above(&self, level: i32) -> bool {
        self.least.is_above(level)
    }

    /// The id of its trace.
    #[allow(dead_code, reason = "for filters; those of levels do without")]
    pub fn trace_id<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        self.trace_id.as_ref().map(|id| id.bind(py).clone())
    }

    /// The ids of the trace and the span, as they were given.
    pub fn id_texts<'py>(&self, py: Python<'py>) -> [Option<Bound<'py, PyString>>; 2] {
        [&self.trace_id, &self.span_id].map(|id| id.as_ref().map(|id| id.bind(py).clone()))
    }

    /// The fields by name.
    pub fn named_fields<'py>(&self, py: Python<'py>) -> &Bound<'py, PyDict> {
        self.fields.named(py)
    }

    /// The ids of the trace and the span.
    fn ids(&self, py: Python<'_>) -> [Option<String>; 2] {
        [&self.trace_id, &self.span_id].map(|id| id.as_ref().map(|id| text_of(id.bind(py).as_any())))
    }

    /// This context with more fields and with the given ids. A new field replaces one of the same name.
    fn with(
        &self,
        [trace_id, span_id]: [Option<&Bound<'_, PyString>>; 2],
        more: &Fields,
        foreign_value: Option<&Py<PyAny>>,
        py: Python<'_>,
    ) -> PyResult<Self> {
        let made = Self::of(Some(self), self.fields.and(more, py)?, foreign_value, py)?;
        let made = Self { least: self.least.clone(), ..made };
        if trace_id.is_none() && span_id.is_none() {
            return Ok(made);
        }
        let id = |given: Option<&Bound<'_, PyString>>, kept| given.map_or(kept, |given| Some(given.clone().unbind()));
        // Values that belong to a trace end with it.
        let goes_on = trace_id.is_none_or(|given| self.is_of_trace(given));
        let decision = if goes_on { self.decision() } else { sampled::decide(py, trace_id, None, None, false) };
        let recording = if goes_on { made.recording } else { self.recording_of(py, trace_id) };
        let (trace_id, span_id) = (id(trace_id, made.trace_id), id(span_id, made.span_id));
        let captured = captured(
            trace_id.as_ref().map(|id| id.bind(py)),
            span_id.as_ref().map(|id| id.bind(py)),
            &made.fields.captured,
        );
        Ok(Self {
            sampled: sampled::sampled(decision, &captured, &made.fields),
            captured,
            trace_id,
            span_id,
            parent_span_id: made.parent_span_id.filter(|_| goes_on),
            carried: made.carried.filter(|_| goes_on),
            recording,
            ..made
        })
    }

    /// A context without ids and fields, to build on. Its section of a record is not captured.
    fn empty(py: Python<'_>) -> PyResult<Self> {
        Ok(Self {
            trace_id: None,
            span_id: None,
            parent_span_id: None,
            carried: None,
            fields: Fields { named: made::dict(py)?.unbind(), captured: Box::default(), ai: false },
            captured: Box::default(),
            foreign_value: None,
            least: Least::new(None),
            sampled: None,
            recording: None,
            within: Within::new(None),
        })
    }

    /// Its fields. Nobody changes them.
    pub fn own_fields<'py>(&self, py: Python<'py>) -> &Bound<'py, PyDict> {
        self.fields.named(py)
    }

    /// How many records one of this level stands for by the decision on its trace.
    pub fn stands_for(&self, level: i32) -> f64 {
        let sampled = self.sampled.as_ref().filter(|sampled| sampled.section(level).is_some());
        sampled.map_or(1.0, |sampled| sampled.made.decision.count)
    }

    /// The decision on its trace, for a context that continues it.
    fn decision(&self) -> Option<sampled::Made> {
        self.sampled.as_ref().map(|sampled| sampled.made)
    }

    /// The recording of another trace, which goes on for the same request: what was asked for counts for it, too.
    fn recording_of(&self, py: Python<'_>, trace_id: Option<&Bound<'_, PyString>>) -> Option<Arc<Recording>> {
        let recording = recorder::of_trace(py, trace_id)?;
        if self.recording.as_ref().is_some_and(|before| before.is_written(py)) {
            recording.write_from_now_on(py);
        }
        Some(recording)
    }

    fn is_of_trace(&self, id: &Bound<'_, PyString>) -> bool {
        self.trace_id.as_ref().is_some_and(|own| text_of(own.bind(id.py()).as_any()) == text_of(id.as_any()))
    }

    /// The ids of one context with the given fields.
    fn of(ids: Option<&Self>, fields: Fields, foreign_value: Option<&Py<PyAny>>, py: Python<'_>) -> PyResult<Self> {
        let text = |id: Option<&Py<PyString>>| id.map(|id| id.clone_ref(py));
        let (trace_id, span_id) =
            (text(ids.and_then(|ids| ids.trace_id.as_ref())), text(ids.and_then(|ids| ids.span_id.as_ref())));
        let captured =
            captured(trace_id.as_ref().map(|id| id.bind(py)), span_id.as_ref().map(|id| id.bind(py)), &fields.captured);
        Ok(Self {
            sampled: sampled::sampled(ids.and_then(Self::decision), &captured, &fields),
            captured,
            trace_id,
            span_id,
            parent_span_id: text(ids.and_then(|ids| ids.parent_span_id.as_ref())),
            carried: ids.and_then(|ids| ids.carried.as_ref()).map(|carried| carried.clone_ref(py)),
            fields,
            foreign_value: foreign_value.map(|foreign_value| foreign_value.clone_ref(py)),
            recording: ids.and_then(Self::recording).cloned(),
            least: Least::new(None),
            within: Within::new(None),
        })
    }
}

/// The latest version of a context: within a request a context may be replaced.
#[inline]
fn now(context: Bound<'_, Context>) -> Bound<'_, Context> {
    // SAFETY: looked at only.
    if unsafe { &*context.get().within.get(context.py()) }.is_none() { context } else { within::now(context) }
}

/// Ids and fields as the section of a record.
fn captured(trace_id: Option<&Bound<'_, PyString>>, span_id: Option<&Bound<'_, PyString>>, fields: &[u8]) -> Box<[u8]> {
    let text = |id: Option<&Bound<'_, PyString>>| id.map(|id| text_of(id.as_any()));
    let mut out = Vec::new();
    put_context(&mut out, text(trace_id).as_deref(), text(span_id).as_deref());
    out.extend_from_slice(fields);
    out.into()
}
