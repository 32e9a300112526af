//! Where a record of `logging` comes from, found by the objects that name it.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::attribute::{self, Attributes, Field, Own};
use super::call_site::{Found, InternedCallSite};
use crate::interpreter::cache::Cache;
use crate::interpreter::gil::Gil;

/// Places by the objects that name them: file and function of the code that logs, and the logger's name.
struct Known {
    path: Py<PyString>,
    function: Py<PyString>,
    name: Py<PyString>,
    module: Py<PyString>,
    line: u32,
    interned: InternedCallSite,
    logger: u32,
}

static CALL_SITES: Gil<Cache<Known, 1_024>> = Gil::new(Cache::new());

/// A place by the objects that name it: `logging` takes them from the code and the logger, so that they are the same ones
/// each time. The module's name it makes anew. Records of other processes have names of their own, each time others.
pub struct CallSiteKey<'py> {
    path: Bound<'py, PyString>,
    function: Bound<'py, PyString>,
    name: Bound<'py, PyString>,
    module: Bound<'py, PyString>,
    line: u32,
}

impl<'py> CallSiteKey<'py> {
    pub fn of(attributes: &Attributes<'py>, line: u32) -> Option<Self> {
        let text = |own| attributes.get(own)?.cast_exact::<PyString>().ok().cloned();
        // Code's own name is interned, and one that was unpickled is not.
        let function = text(Own::FuncName).filter(|function| attribute::is_interned(function.as_any()))?;
        Some(Self { path: text(Own::PathName)?, function, name: text(Own::Name)?, module: text(Own::Module)?, line })
    }

    fn key(&self) -> u64 {
        let [path, function, name] = [&self.path, &self.function, &self.name].map(|text| text.as_ptr() as u64);
        path ^ function.rotate_left(16) ^ name.rotate_left(32) ^ u64::from(self.line).rotate_left(24)
    }

    fn is(&self, known: &Known) -> bool {
        known.path.is(&self.path)
            && known.function.is(&self.function)
            && known.name.is(&self.name)
            && known.line == self.line
            // SAFETY: both are live texts; comparing them runs no Python code.
            && unsafe { ffi::PyUnicode_Compare(known.module.as_ptr(), self.module.as_ptr()) } == 0
    }

    pub fn find(&self, py: Python<'py>, fields: &[Field<'py>]) -> Option<(Found, u32)> {
        // SAFETY: looked at only.
        let known = unsafe { &*CALL_SITES.get(py) }.find(self.key(), |known| self.is(known))?;
        Some((known.interned.find(fields), known.logger))
    }

    pub fn remember(self, py: Python<'py>, interned: InternedCallSite, logger: u32) {
        let known = Known {
            path: self.path.clone().unbind(),
            function: self.function.clone().unbind(),
            name: self.name.clone().unbind(),
            module: self.module.clone().unbind(),
            line: self.line,
            interned,
            logger,
        };
        // SAFETY: no Python code runs while the reference lives.
        let evicted = unsafe { &mut *CALL_SITES.get(py) }.insert(self.key(), known, |known| self.is(known));
        drop(evicted);
    }
}
