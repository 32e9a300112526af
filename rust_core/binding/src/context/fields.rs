//! Named values, captured once when they are set.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use unified_logger_core::router::is_ai_field;
use unified_logger_core::value::Reader;

use super::Context;
use super::current::current;
use crate::interpreter::ending;
use crate::interpreter::gil::Gil;
use crate::interpreter::interrupt;
use crate::interpreter::made;
use crate::value;
use crate::value::shown::text_of;

/// Named values, captured.
pub struct Fields {
    pub(super) named: Py<PyDict>,
    pub(super) captured: Box<[u8]>,
    pub(super) ai: bool,
}

impl Fields {
    /// Captures each value as it is now. An exception for the program is raised here, where the values were set.
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

    /// These fields and more. A new field replaces one of the same name.
    pub(super) fn and(&self, more: &Self, py: Python<'_>) -> PyResult<Self> {
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

    /// The fields whose names are kept.
    pub(super) fn only(&self, keep: impl Fn(&str) -> bool, py: Python<'_>) -> PyResult<Self> {
        let named = made::dict(py)?;
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
pub fn names(captured: &[u8]) -> impl Iterator<Item = (&str, &[u8])> {
    let mut reader = Reader::checked(captured);
    std::iter::from_fn(move || {
        let start = captured.len() - reader.rest().len();
        let name = reader.text()?;
        reader.value()?;
        Some((name, &captured[start..captured.len() - reader.rest().len()]))
    })
}

type Made = (Option<Py<Context>>, Py<Context>);

/// Fields that a logger adds to all its records, and the contexts made with them last.
pub struct BoundFields {
    pub fields: Fields,
    /// A context that was current, and the same context with these fields.
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

    /// For `__traverse__` of an object that has bound fields.
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
            Some(current) => current.get().with([None, None], &self.fields, current.get().foreign_value.as_ref(), py),
            None => Context::of(None, self.fields.clone(py), None, py),
        };
        let made = made.and_then(|made| Bound::new(py, made));
        let Some(made) = interrupt::ok(py, made) else { return current };
        if ending::is_here(py) {
            // The context that was made before stays where it is: dropping it may run Python code.
            return Some(made);
        }
        let _inside = ending::Inside::enter();
        drop(self.last.replace(py, Some((current.map(Bound::unbind), made.clone().unbind()))));
        Some(made)
    }
}
