//! The sites of the records of `logging`, interned once for each call site.

use pyo3::prelude::*;
use pyo3::types::PyString;
use unified_logger_core::names;
use unified_logger_core::record::{INLINE, Site, flag};
use unified_logger_core::router::is_ai_field;

use super::attribute::Field;
use crate::capture::site::FastSite;

/// The interned sites of one call site.
pub struct InternedCallSite {
    /// Names of the fields of the first record from this call site.
    names: Box<[Py<PyAny>]>,
    /// The site with these names, if the table has room for it.
    fast: Option<FastSite>,
    /// The site without fields.
    bare: u32,
}

/// The site of one record.
#[derive(Clone, Copy)]
pub struct RecordSite {
    /// With all its fields, if they are those of the first record from this call site.
    pub fast: Option<FastSite>,
    /// Without fields: they are written with their names.
    pub bare: u32,
}

impl InternedCallSite {
    /// Interns the sites of a call site. `site` has no fields. `None` if the site has to be written into the record.
    pub fn new(site: Site, fields: &[Field<'_>]) -> Option<Self> {
        let texts: Option<Vec<String>> = fields
            .iter()
            .map(|(name, _)| Some(name.cast_exact::<PyString>().ok()?.to_str().ok()?.to_owned()))
            .collect();
        let bare = names::here().site(site.clone()).filter(|bare| *bare != INLINE)?;
        let fast = texts.and_then(|texts| {
            let flags = if texts.iter().any(|name| is_ai_field(name)) { flag::AI } else { 0 };
            names::here().site(Site { fields: texts, ..site }).map(|number| FastSite { number, flags })
        });
        Some(Self { names: fields.iter().map(|(name, _)| name.clone().unbind()).collect(), fast, bare })
    }

    /// The site of another record from this call site.
    #[inline]
    pub fn find(&self, fields: &[Field<'_>]) -> RecordSite {
        let same = self.names.len() == fields.len()
            && self.names.iter().zip(fields).all(|(known, (name, _))| known.as_ptr() == name.as_ptr());
        RecordSite { fast: self.fast.filter(|_| same), bare: self.bare }
    }
}
