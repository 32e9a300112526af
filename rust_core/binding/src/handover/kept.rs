//! Records that are kept for somebody who may ask for the last ones later: breadcrumbs of Sentry's SDK.
//!
//! Each scope of the SDK has a list of its own, which begins with what is kept here as soon as anybody looks at it. See
//! `unified_logger.stdlib.wrappers.breadcrumbs`.

use std::collections::VecDeque;

use pyo3::ffi;
use pyo3::prelude::*;
use unified_logger_core::encoder::{Format, Lines, Process, Whose};
use unified_logger_core::memory;
use unified_logger_core::record::Record;
use unified_logger_core::slab::Buffer;

use crate::context::value_of;
use crate::handover;
use crate::interpreter::ending;
use crate::interpreter::gil::{Gil, intern};
use crate::interpreter::interrupt;
use crate::redaction;
use crate::value;

/// Memory that an entry may keep for the next record, bytes.
const SPARE: usize = 8 << 10;
/// Memory that the records of one scope may keep, bytes. Many scopes may live at once: one for each request.
const MOST_BYTES: usize = 1 << 20;

/// The last records of one scope.
#[pyclass(frozen, module = "unified_logger._core")]
pub struct KeptRecords {
    most: usize,
    entries: Gil<Entries>,
}

/// Records, the oldest first, and the memory that all of them take.
struct Entries {
    records: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl Entries {
    const EMPTY: Self = Self { records: VecDeque::new(), bytes: 0 };

    /// Adds a record, for which the oldest ones go. A record that is larger than all of them may be is left out.
    fn add(&mut self, record: &[u8], most: usize) {
        if most == 0 || record.len() > MOST_BYTES {
            return;
        }
        let mut entry = Vec::new();
        while self.records.len() >= most || self.bytes + record.len() > MOST_BYTES {
            let Some(oldest) = self.records.pop_front() else { break };
            self.bytes -= oldest.capacity();
            entry = oldest;
        }
        if entry.capacity() > SPARE || self.bytes + entry.capacity() > MOST_BYTES {
            entry = Vec::new();
        }
        entry.clear();
        if entry.try_reserve_exact(record.len()).is_ok() && self.records.try_reserve(1).is_ok() {
            entry.extend_from_slice(record);
            self.bytes += entry.capacity();
            self.records.push_back(entry);
        }
    }
}

#[pymethods]
impl KeptRecords {
    #[new]
    fn new(most: usize) -> Self {
        Self { most, entries: Gil::new(Entries::EMPTY) }
    }

    /// Takes the records out, the oldest first: the number of each one's level, and its line of JSON without secrets.
    fn take(&self, py: Python<'_>) -> PyResult<Vec<(i32, String)>> {
        let records = self.entries.replace(py, Entries::EMPTY).records;
        value::or_memory_error(py, || Ok(Self::lines_of(py, &records)))
    }
}

impl KeptRecords {
    fn lines_of(py: Python<'_>, records: &VecDeque<Vec<u8>>) -> Vec<(i32, String)> {
        if records.is_empty() {
            return Vec::new();
        }
        let mut lines = Lines::new(&Process::here(), redaction::current(py), &[&Format::json()]);
        let line_of = |bytes: &Vec<u8>| {
            // SAFETY: captured records hold UTF-8 texts.
            let record = unsafe { Record::read(bytes) }?;
            memory::expect_to_encode(bytes);
            lines.encode(&record, Whose::Application, 1, 0);
            // The writer counts what was redacted.
            lines.take_redacted();
            Some((record.header.level, String::from_utf8_lossy(lines.of(0).trim_ascii_end()).into_owned()))
        };
        records.iter().filter_map(line_of).collect()
    }

    fn keep(&self, py: Python<'_>, record: &[u8]) {
        // SAFETY: no Python code runs while the reference lives.
        unsafe { &mut *self.entries.get(py) }.add(record, self.most);
    }
}

/// Where the records of the current scope are kept.
struct Keeper {
    /// The context variable with the scope.
    scope: Py<PyAny>,
    /// The class of its list that has such records.
    class: Py<PyAny>,
    /// Gives the current scope such a list, and returns the records that it keeps.
    prepare: Py<PyAny>,
    /// The list that was used last, and the records that it keeps.
    last: Option<(Py<PyAny>, Py<KeptRecords>)>,
}

static KEEPER: Gil<Option<Keeper>> = Gil::new(None);

/// Sets where records are kept.
#[pyfunction]
pub fn set_keeper(scope: Bound<'_, PyAny>, class_: Bound<'_, PyAny>, prepare: Bound<'_, PyAny>) {
    let py = scope.py();
    let keeper = Keeper { scope: scope.unbind(), class: class_.unbind(), prepare: prepare.unbind(), last: None };
    drop(KEEPER.replace(py, Some(keeper)));
}

/// Keeps a record for the current scope, and hands it over.
pub fn keep_and_submit(py: Python<'_>, record: Buffer, logger: *mut ffi::PyObject) -> PyResult<()> {
    if !ending::is_here(py) {
        let inside = ending::Inside::enter();
        if let Some(kept) = interrupt::ok(py, current(py)).flatten() {
            kept.get().keep(py, record.as_slice());
        }
        drop(inside);
    }
    handover::submit(py, record, logger)
}

/// What is kept for the current scope. Most calls come from the scope of the one before.
fn current(py: Python<'_>) -> PyResult<Option<Bound<'_, KeptRecords>>> {
    // SAFETY: looked at and counted only.
    let (variable, class, last) = match unsafe { &*KEEPER.get(py) } {
        Some(keeper) => {
            let last = keeper.last.as_ref().map(|(list, kept)| (list.as_ptr(), kept.bind(py).clone()));
            (keeper.scope.as_ptr(), keeper.class.as_ptr(), last)
        }
        None => return Ok(None),
    };
    // SAFETY: a context variable, which the keeper holds.
    if let Some(scope) = unsafe { value_of(py, variable) }
        && !scope.is_none()
    {
        let list = scope.getattr(intern!(py, "_breadcrumbs"))?;
        match last {
            Some((known, kept)) if list.as_ptr() == known => return Ok(Some(kept)),
            _ if list.get_type_ptr().cast() == class => {
                let kept = list.getattr(intern!(py, "kept"))?.cast_into::<KeptRecords>()?;
                remember(py, &list, &kept);
                return Ok(Some(kept));
            }
            _ => {}
        }
    }
    // SAFETY: looked at and counted only.
    let prepare = unsafe { &*KEEPER.get(py) }.as_ref().map(|keeper| keeper.prepare.clone_ref(py));
    let Some(prepare) = prepare else { return Ok(None) };
    Ok(prepare.into_bound(py).call0()?.cast_into().ok())
}

/// Remembers the list that was used last. It lives until another one is used.
fn remember(py: Python<'_>, list: &Bound<'_, PyAny>, kept: &Bound<'_, KeptRecords>) {
    let new = Some((list.clone().unbind(), kept.clone().unbind()));
    // SAFETY: no Python code runs while the reference lives; the old one is dropped after.
    let old = unsafe { &mut *KEEPER.get(py) }.as_mut().map(|keeper| std::mem::replace(&mut keeper.last, new));
    drop(old);
}
