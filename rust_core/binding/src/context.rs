//! The fields that follow a request, captured once when they are set and copied into each record.

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use unified_logger_core::record::put_context;
use unified_logger_core::router::is_ai_field;
use unified_logger_core::value::Put;

use crate::capture::text_of;
use crate::gil::Gil;
use crate::value;

/// The context variable that holds the current `Context`.
static VARIABLE: Gil<*mut ffi::PyObject> = Gil::new(std::ptr::null_mut());

/// Ids and fields, as records get them. Immutable: setting another field makes another context.
#[pyclass(frozen, module = "unified_logger._core")]
pub struct Context {
    #[pyo3(get)]
    trace_id: Option<Py<PyString>>,
    #[pyo3(get)]
    span_id: Option<Py<PyString>>,
    fields: Py<PyDict>,
    captured: Box<[u8]>,
    ai: bool,
}

#[pymethods]
impl Context {
    #[new]
    fn new(
        trace_id: Option<Bound<'_, PyString>>,
        span_id: Option<Bound<'_, PyString>>,
        fields: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let mut captured = Vec::new();
        let text = |id: &Option<Bound<'_, PyString>>| id.as_ref().map(|id| text_of(id.as_any()));
        put_context(&mut captured, text(&trace_id).as_deref(), text(&span_id).as_deref());
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
        Ok(Self {
            trace_id: trace_id.map(Bound::unbind),
            span_id: span_id.map(Bound::unbind),
            fields: fields.unbind(),
            captured: captured.into(),
            ai,
        })
    }

    /// A copy of the fields, without the ids.
    #[getter]
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.fields.bind(py).copy()
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
        self.ai
    }
}

/// Tells which context variable holds the current context.
#[pyfunction]
pub fn set_context_variable(variable: &Bound<'_, PyAny>) -> PyResult<()> {
    // SAFETY: a live object.
    if unsafe { ffi::PyContextVar_CheckExact(variable.as_ptr()) } == 0 {
        return Err(PyTypeError::new_err("variable must be a contextvars.ContextVar"));
    }
    // SAFETY: the variable is kept for the life of the process.
    unsafe { *VARIABLE.get(variable.py()) = variable.clone().into_ptr() };
    Ok(())
}

/// The context of the calling thread or task.
#[inline]
pub fn current(py: Python<'_>) -> Option<Bound<'_, Context>> {
    // SAFETY: set once, to a variable that is never freed.
    let variable = unsafe { *VARIABLE.get(py) };
    if variable.is_null() {
        return None;
    }
    let mut value = std::ptr::null_mut();
    // SAFETY: `variable` is a context variable; a found value is a new reference.
    let found = unsafe { ffi::PyContextVar_Get(variable, std::ptr::null_mut(), &raw mut value) };
    if found < 0 {
        drop(PyErr::take(py));
        return None;
    }
    // SAFETY: as above.
    let value = unsafe { Bound::from_owned_ptr_or_opt(py, value) }?;
    value.cast_into_exact::<Context>().ok()
}
