//! Call sites of `logging`, found by the objects that name them.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::attribute::{self, Attribute, Attributes, Field};
use super::call_site::{InternedCallSite, RecordSite};
use crate::interpreter::cache::Cache;
use crate::interpreter::gil::Gil;

/// A call site with the objects that name it: file and function of the code that logs, and the logger's name.
struct CachedCallSite {
    path: Py<PyString>,
    function: Py<PyString>,
    name: Py<PyString>,
    module: Py<PyString>,
    line: u32,
    interned: InternedCallSite,
    logger: u32,
}

static CALL_SITES: Gil<Cache<CachedCallSite, 1_024>> = Gil::new(Cache::new());

/// The objects that name a call site. `logging` takes them from the code and the logger, so they are the same objects
/// each time. Only the module's name is a new object each time. Records of other processes have new objects for all
/// names.
pub struct CallSiteKey<'py> {
    path: Bound<'py, PyString>,
    function: Bound<'py, PyString>,
    name: Bound<'py, PyString>,
    module: Bound<'py, PyString>,
    line: u32,
}

impl<'py> CallSiteKey<'py> {
    pub fn of(attributes: &Attributes<'py>, line: u32) -> Option<Self> {
        let text = |attribute| attributes.get(attribute)?.cast_exact::<PyString>().ok().cloned();
        // The name in the code is interned, an unpickled name is not.
        let function = text(Attribute::FuncName).filter(|function| attribute::is_interned(function.as_any()))?;
        Some(Self {
            path: text(Attribute::PathName)?,
            function,
            name: text(Attribute::Name)?,
            module: text(Attribute::Module)?,
            line,
        })
    }

    fn key(&self) -> u64 {
        let [path, function, name] = [&self.path, &self.function, &self.name].map(|text| text.as_ptr() as u64);
        path ^ function.rotate_left(16) ^ name.rotate_left(32) ^ u64::from(self.line).rotate_left(24)
    }

    fn is(&self, cached: &CachedCallSite) -> bool {
        cached.path.is(&self.path)
            && cached.function.is(&self.function)
            && cached.name.is(&self.name)
            && cached.line == self.line
            // SAFETY: both are live texts; comparing them runs no Python code.
            && unsafe { ffi::PyUnicode_Compare(cached.module.as_ptr(), self.module.as_ptr()) } == 0
    }

    pub fn find(&self, py: Python<'py>, fields: &[Field<'py>]) -> Option<(RecordSite, u32)> {
        // SAFETY: looked at only.
        let cached = unsafe { &*CALL_SITES.get(py) }.find(self.key(), |cached| self.is(cached))?;
        Some((cached.interned.find(fields), cached.logger))
    }

    pub fn remember(self, py: Python<'py>, interned: InternedCallSite, logger: u32) {
        let cached = CachedCallSite {
            path: self.path.clone().unbind(),
            function: self.function.clone().unbind(),
            name: self.name.clone().unbind(),
            module: self.module.clone().unbind(),
            line: self.line,
            interned,
            logger,
        };
        // SAFETY: no Python code runs while the reference lives.
        let evicted = unsafe { &mut *CALL_SITES.get(py) }.insert(self.key(), cached, |cached| self.is(cached));
        drop(evicted);
    }
}
