//! The call site of a native call, found as `Logger.findCaller` finds it.

use pyo3::prelude::*;
use pyo3::types::PyString;

use super::attribute::{self, Field};
use super::call_site::{InternedCallSite, RecordSite};
use super::stock;
use crate::capture::site;
use crate::filter::guard;
use crate::interpreter::cache::Cache;
use crate::interpreter::frame::{self, Frame};
use crate::interpreter::gil::intern;
use crate::interpreter::gil::{Gil, let_go_of_dropped};

/// The file of the code of `logging`. Its frames are left out.
pub struct LoggingFile(Py<PyAny>);

impl LoggingFile {
    /// `None` if a program has chosen other frames to leave out, or none.
    pub fn of(logging: &Bound<'_, PyModule>) -> PyResult<Option<Self>> {
        let py = logging.py();
        let function = logging.getattr(intern!(py, "addLevelName"))?;
        if !guard::is_of_logging(&function, logging) {
            return Ok(None);
        }
        #[cfg(Py_3_11)]
        if !guard::is_of_logging(&logging.getattr(intern!(py, "_is_internal_frame"))?, logging) {
            return Ok(None);
        }
        let file = function.getattr(intern!(py, "__code__"))?.getattr(intern!(py, "co_filename"))?;
        let path = py.import(intern!(py, "os"))?.getattr(intern!(py, "path"))?;
        let normal = path.call_method1(intern!(py, "normcase"), (&file,))?;
        let stock = logging.getattr(intern!(py, "_srcfile"))?.eq(normal)?;
        Ok(stock.then(|| Self(file.unbind())))
    }

    pub fn clone(&self, py: Python<'_>) -> Self {
        Self(self.0.clone_ref(py))
    }

    fn has(&self, frame: &Frame<'_>) -> PyResult<bool> {
        let py = frame.as_any().py();
        let code = frame.as_any().getattr(intern!(py, "f_code"))?;
        let file = code.getattr(intern!(py, "co_filename"))?;
        Ok(file.is(&self.0) || file.eq(&self.0)? || is_importlib(&file))
    }
}

/// Frames of `importlib` are also left out.
#[cfg(Py_3_11)]
fn is_importlib(file: &Bound<'_, PyAny>) -> bool {
    let text = file.cast::<PyString>().ok().and_then(|file| file.to_str().ok());
    text.is_some_and(|file| file.contains("importlib") && file.contains("_bootstrap"))
}

#[cfg(not(Py_3_11))]
fn is_importlib(_: &Bound<'_, PyAny>) -> bool {
    false
}

struct CachedCallSite {
    code: Py<PyAny>,
    instruction: i32,
    interned: InternedCallSite,
}

/// Call sites of native calls. None is in the code of `logging`.
static CALL_SITES: Gil<Cache<CachedCallSite, 1_024>> = Gil::new(Cache::new());

/// The site of a call with these fields. `None` for a call that `logging` itself has to handle.
#[inline]
pub fn find<'py>(py: Python<'py>, level: usize, fields: &[Field<'py>]) -> PyResult<Option<RecordSite>> {
    if level == 1
        && let Some(call_site) = frame::CallSite::current(py)
        && let Some(found) = cached(py, call_site, fields)
        && found.fast.is_some()
    {
        return Ok(Some(found));
    }
    let Some(frame) = Frame::current(py) else { return Ok(None) };
    search(py, frame, level, fields)
}

#[inline]
fn cached<'py>(py: Python<'py>, call_site: frame::CallSite, fields: &[Field<'py>]) -> Option<RecordSite> {
    // SAFETY: looked at only.
    let entry = unsafe { &*CALL_SITES.get(py) }.find(key(call_site), |entry| is(entry, call_site))?;
    Some(entry.interned.find(fields))
}

fn key(call_site: frame::CallSite) -> u64 {
    call_site.code as u64 ^ (call_site.instruction as u64) << 17
}

fn is(entry: &CachedCallSite, call_site: frame::CallSite) -> bool {
    entry.instruction == call_site.instruction && entry.code.as_ptr() == call_site.code.cast()
}

fn search<'py>(
    py: Python<'py>,
    frame: Frame<'py>,
    level: usize,
    fields: &[Field<'py>],
) -> PyResult<Option<RecordSite>> {
    // `logging` refuses fields with the names of standard attributes, and handles names that are no texts.
    if !fields.iter().all(|(name, _)| name.is_exact_instance_of::<PyString>() && !attribute::is_standard(py, name)) {
        return Ok(None);
    }
    // The handler of this library leaves that field out.
    if fields.iter().any(|(name, _)| attribute::is_message_in_colours(name)) {
        return Ok(None);
    }
    let Some(logging_file) = stock::logging_file(py) else { return Ok(None) };
    let Some(frame) = caller(frame, level, &logging_file)? else { return Ok(None) };
    if let Some(found) = cached(py, frame.call_site(), fields) {
        return Ok(Some(found));
    }
    let Some(interned) = InternedCallSite::new(site::describe(&frame)?, fields) else { return Ok(None) };
    let found = interned.find(fields);
    // SAFETY: the frame holds its code.
    let code: Bound<'py, PyAny> = unsafe { Bound::from_borrowed_ptr(py, frame.call_site().code.cast()) };
    let entry = CachedCallSite { code: code.unbind(), instruction: frame.call_site().instruction, interned };
    // SAFETY: no Python code runs while the reference lives.
    let evicted =
        unsafe { &mut *CALL_SITES.get(py) }.insert(key(frame.call_site()), entry, |entry| is(entry, frame.call_site()));
    drop(evicted);
    let_go_of_dropped();
    Ok(Some(found))
}

/// The frame that the record names: `level` frames out, without those of `logging`. `None` if there is none.
#[cfg(Py_3_11)]
fn caller<'py>(mut frame: Frame<'py>, mut level: usize, logging_file: &LoggingFile) -> PyResult<Option<Frame<'py>>> {
    loop {
        if !logging_file.has(&frame)? {
            level -= 1;
            if level == 0 {
                return Ok(Some(frame));
            }
        }
        let Some(back) = frame.back() else { return Ok(None) };
        frame = back;
    }
}

/// In the manner of 3.10: frames of `logging` are counted, then left out.
#[cfg(not(Py_3_11))]
fn caller<'py>(mut frame: Frame<'py>, level: usize, logging_file: &LoggingFile) -> PyResult<Option<Frame<'py>>> {
    for _ in 1..level {
        let Some(back) = frame.back() else { return Ok(None) };
        frame = back;
    }
    while logging_file.has(&frame)? {
        let Some(back) = frame.back() else { return Ok(None) };
        frame = back;
    }
    Ok(Some(frame))
}
