//! Python exceptions and stacks in their compact form: what only the caller can see. Their text is put together behind the
//! queue; Python is asked for parts of it only where nobody else knows them.

use std::collections::HashMap;

use pyo3::exceptions::{PyAttributeError, PyBaseException, PyImportError, PyNameError, PySyntaxError};
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};
use unified_logger_core::exception::{self, SourceCache};
use unified_logger_core::value::Put;

use crate::capture::text_of;
use crate::gil::Gil;
use crate::value::capture_text;

/// Exceptions inside exceptions.
const DEPTH: usize = 32;
/// Different frames of one exception: the first half and the last half of them.
const FRAMES: usize = 200;
/// Members of one group.
const MEMBERS: usize = 100;
/// Places in code whose frames are kept encoded.
const KNOWN: usize = 4_096;

/// A frame as it goes into every exception that passes it.
struct Known {
    /// Keeps the address in the key its meaning.
    _code: Py<PyAny>,
    encoded: Box<[u8]>,
}

static FRAMES_KNOWN: Gil<Option<HashMap<(usize, i32), Known>>> = Gil::new(None);

/// The exception being handled, as `sys.exc_info()` tells it.
pub fn current(py: Python<'_>) -> Option<Bound<'_, PyBaseException>> {
    #[cfg(Py_3_11)]
    // SAFETY: attached; a new reference or null.
    let found = unsafe { Bound::from_owned_ptr_or_opt(py, ffi::PyErr_GetHandledException()) };
    #[cfg(not(Py_3_11))]
    // SAFETY: attached; new references or null.
    let found = unsafe {
        let (mut kind, mut error, mut traceback) = (std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut());
        ffi::PyErr_GetExcInfo(&raw mut kind, &raw mut error, &raw mut traceback);
        drop(Bound::from_owned_ptr_or_opt(py, kind));
        drop(Bound::from_owned_ptr_or_opt(py, traceback));
        Bound::from_owned_ptr_or_opt(py, error)
    };
    found?.cast_into().ok()
}

/// Captures an exception with all that led to it. Never fails: what cannot be asked is left out.
pub fn capture(py: Python<'_>, error: &Bound<'_, PyBaseException>, out: &mut impl Put) {
    let mut blob = Vec::with_capacity(1_024);
    Capture { py, seen: Vec::new(), out: &mut blob }.exception(error, 0);
    out.put(&blob);
}

/// The stack above a frame, as `logging` prints it.
pub fn stack_text(py: Python<'_>, frame: &Bound<'_, PyAny>) -> String {
    ask(py, intern!(py, "stack"), (frame,)).unwrap_or_default()
}

/// Asks a function of `unified_logger._traceback`.
fn ask<'py>(
    py: Python<'py>,
    function: &Bound<'py, PyString>,
    arguments: impl pyo3::call::PyCallArgs<'py>,
) -> Option<String> {
    let module = py.import(intern!(py, "unified_logger._traceback")).ok()?;
    module.call_method1(function, arguments).ok().map(|text| text_of(&text))
}

struct Capture<'py, 'out> {
    py: Python<'py>,
    /// Exceptions met: a chain may lead back to itself.
    seen: Vec<*mut ffi::PyObject>,
    out: &'out mut Vec<u8>,
}

impl<'py> Capture<'py, '_> {
    fn exception(&mut self, error: &Bound<'py, PyBaseException>, depth: usize) {
        let py = self.py;
        self.seen.push(error.as_ptr());
        let kind = error.get_type();
        self.text(kind.getattr(intern!(py, "__qualname__")).ok());
        self.text(kind.getattr(intern!(py, "__module__")).ok());
        self.message(error);
        self.last_lines(error);
        self.notes(error);
        self.frames(error);
        self.others(error, depth);
    }

    fn text(&mut self, text: Option<Bound<'py, PyAny>>) {
        match text.as_ref().map(|text| text.cast::<PyString>()) {
            // SAFETY: a live text.
            Some(Ok(text)) => unsafe { capture_text(self.out, text.as_ptr()) },
            _ => self.out.put_text("<unknown>"),
        }
    }

    fn message(&mut self, error: &Bound<'py, PyBaseException>) {
        match error.str() {
            // SAFETY: a live text.
            Ok(text) => unsafe { capture_text(self.out, text.as_ptr()) },
            Err(_) if cfg!(Py_3_11) => self.out.put_text("<exception str() failed>"),
            Err(_) => {
                let name = error.get_type().name().map_or_else(|_| "object".into(), |name| name.to_string());
                self.out.put_text(&format!("<unprintable {name} object>"));
            }
        }
    }

    /// Syntax errors show their code, errors of names what was meant, and notes may be anything: `traceback` knows how.
    fn last_lines(&mut self, error: &Bound<'py, PyBaseException>) {
        let py = self.py;
        let odd_notes = cfg!(Py_3_11)
            && error.getattr(intern!(py, "__notes__")).is_ok_and(|notes| {
                !notes.is_none() && !notes.is_instance_of::<PyList>() && !notes.is_instance_of::<PyTuple>()
            });
        let special = odd_notes
            || error.is_instance_of::<PySyntaxError>()
            || cfg!(Py_3_12)
                && (error.is_instance_of::<PyNameError>()
                    || error.is_instance_of::<PyAttributeError>()
                    || error.is_instance_of::<PyImportError>());
        let lines = if special { ask(py, intern!(py, "last_lines"), (error,)) } else { None };
        self.out.put_u8(u8::from(lines.is_some()));
        if let Some(lines) = lines {
            self.out.put_text(&lines);
        }
    }

    fn notes(&mut self, error: &Bound<'py, PyBaseException>) {
        self.out.put_u8(u8::from(cfg!(Py_3_11)));
        let notes = error.getattr(intern!(self.py, "__notes__")).ok();
        let texts: Vec<String> = match notes.as_ref().filter(|notes| !notes.is_none()) {
            None => Vec::new(),
            Some(notes) => match notes.cast::<PyList>() {
                Ok(list) => list.iter().map(|note| note_text(&note)).collect(),
                Err(_) => match notes.cast::<PyTuple>() {
                    Ok(tuple) => tuple.iter().map(|note| note_text(&note)).collect(),
                    Err(_) => {
                        vec![notes.repr().map_or_else(|_| "<__notes__ repr() failed>".into(), |text| text.to_string())]
                    }
                },
            },
        };
        self.number(texts.len());
        for text in &texts {
            self.out.put_text(text);
        }
    }

    /// The frames of the traceback; equal ones that follow each other once, with their count.
    fn frames(&mut self, error: &Bound<'py, PyBaseException>) {
        let places = self.places(error);
        let left_out = places.len().saturating_sub(FRAMES);
        let missing: usize = places.iter().skip(FRAMES / 2).take(left_out).map(|(_, _, repeated)| repeated).sum();
        self.number(missing);
        self.number(places.len() - left_out);
        for (index, (frame, instruction, repeated)) in places.iter().enumerate() {
            if left_out == 0 || index < FRAMES / 2 || index >= FRAMES / 2 + left_out {
                self.frame(frame, *instruction);
                self.number(*repeated);
            }
        }
    }

    fn places(&self, error: &Bound<'py, PyBaseException>) -> Vec<(Bound<'py, PyAny>, i32, usize)> {
        let mut places: Vec<(Bound<'py, PyAny>, i32, usize)> = Vec::new();
        let mut last = (std::ptr::null_mut(), 0);
        // SAFETY: a live exception; its traceback, and every `tb_next`, is null or a live traceback, and no Python code
        // runs in between that could take one away.
        unsafe {
            let first = ffi::PyException_GetTraceback(error.as_ptr());
            let held = Bound::from_owned_ptr_or_opt(self.py, first);
            let mut traceback = first.cast::<ffi::PyTracebackObject>();
            while !traceback.is_null() {
                let frame = (*traceback).tb_frame;
                let instruction = (*traceback).tb_lasti;
                let code = ffi::PyFrame_GetCode(frame);
                ffi::Py_DECREF(code.cast());
                match places.last_mut() {
                    Some((_, _, repeated)) if last == (code, instruction) => *repeated += 1,
                    _ => places.push((Bound::from_borrowed_ptr(self.py, frame.cast()), instruction, 1)),
                }
                last = (code, instruction);
                traceback = (*traceback).tb_next;
            }
            drop(held);
        }
        places
    }

    fn frame(&mut self, frame: &Bound<'py, PyAny>, instruction: i32) {
        // SAFETY: a live frame, which holds its code.
        let code = unsafe {
            let code = ffi::PyFrame_GetCode(frame.as_ptr().cast());
            Bound::from_owned_ptr(self.py, code.cast())
        };
        let key = (code.as_ptr() as usize, instruction);
        // SAFETY: looked at and copied, without Python code.
        let known = unsafe { &*FRAMES_KNOWN.get(self.py) }.as_ref().and_then(|known| known.get(&key));
        if let Some(known) = known {
            self.out.put(&known.encoded);
            return;
        }
        let encoded = encode_frame(self.py, frame, &code, instruction);
        self.out.put(&encoded);
        let entry = Known { _code: code.unbind(), encoded: encoded.into() };
        // SAFETY: no Python code runs while the reference lives; what is replaced is dropped after.
        let old = unsafe {
            let known = (*FRAMES_KNOWN.get(self.py)).get_or_insert_default();
            let full = if known.len() >= KNOWN { std::mem::take(known) } else { HashMap::new() };
            (full, known.insert(key, entry))
        };
        drop(old);
    }

    fn others(&mut self, error: &Bound<'py, PyBaseException>, depth: usize) {
        let py = self.py;
        let other =
            |found: Option<Bound<'py, PyAny>>| found.and_then(|found| found.cast_into::<PyBaseException>().ok());
        // SAFETY: a live exception; new references or null.
        let (cause, context) = unsafe {
            (
                other(Bound::from_owned_ptr_or_opt(py, ffi::PyException_GetCause(error.as_ptr()))),
                other(Bound::from_owned_ptr_or_opt(py, ffi::PyException_GetContext(error.as_ptr()))),
            )
        };
        let cause = cause.filter(|cause| self.follows(cause, depth));
        let suppressed = error
            .getattr(intern!(py, "__suppress_context__"))
            .and_then(|suppressed| suppressed.is_truthy())
            .unwrap_or(false);
        self.optional(cause.as_ref(), depth);
        let context = context.filter(|context| cause.is_none() && !suppressed && self.follows(context, depth));
        self.optional(context.as_ref(), depth);
        let members = group_members(error);
        self.out.put_u8(u8::from(members.is_some()));
        if let Some(members) = members {
            let followed: Vec<_> = members.into_iter().filter(|_| depth < DEPTH).take(MEMBERS).collect();
            self.number(followed.len());
            for member in followed {
                self.exception(&member, depth + 1);
            }
        }
    }

    fn follows(&self, other: &Bound<'py, PyBaseException>, depth: usize) -> bool {
        depth < DEPTH && !self.seen.contains(&other.as_ptr())
    }

    fn optional(&mut self, other: Option<&Bound<'py, PyBaseException>>, depth: usize) {
        self.out.put_u8(u8::from(other.is_some()));
        if let Some(other) = other {
            self.exception(other, depth + 1);
        }
    }

    fn number(&mut self, number: usize) {
        self.out.put(&u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
    }
}

fn note_text(note: &Bound<'_, PyAny>) -> String {
    match note.str() {
        Ok(text) => text_of(text.as_any()),
        Err(_) => "<note str() failed>".into(),
    }
}

#[cfg(Py_3_11)]
fn group_members<'py>(error: &Bound<'py, PyBaseException>) -> Option<Vec<Bound<'py, PyBaseException>>> {
    let py = error.py();
    let class = py.import(intern!(py, "builtins")).ok()?.getattr(intern!(py, "BaseExceptionGroup")).ok()?;
    if !error.is_instance(&class).ok()? {
        return None;
    }
    let members = error.getattr(intern!(py, "exceptions")).ok()?.cast_into::<PyTuple>().ok()?;
    Some(members.iter().filter_map(|member| member.cast_into::<PyBaseException>().ok()).collect())
}

#[cfg(not(Py_3_11))]
fn group_members<'py>(_error: &Bound<'py, PyBaseException>) -> Option<Vec<Bound<'py, PyBaseException>>> {
    None
}

fn encode_frame(py: Python<'_>, frame: &Bound<'_, PyAny>, code: &Bound<'_, PyAny>, instruction: i32) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    let text =
        |name: &Bound<'_, PyString>| code.getattr(name).map_or_else(|_| "<unknown>".into(), |text| text_of(&text));
    let file = text(intern!(py, "co_filename"));
    // SAFETY: a live code object.
    let line = unsafe { ffi::PyCode_Addr2Line(code.as_ptr().cast(), instruction) };
    out.put_text(&file);
    out.put_text(&text(intern!(py, "co_name")));
    out.put(&u32::try_from(line).unwrap_or(0).to_le_bytes());
    let source = if has_several_lines(code, instruction) {
        ask(py, intern!(py, "statement"), (frame, instruction))
    } else if has_no_file(&file) {
        ask(py, intern!(py, "line"), (frame, line))
    } else {
        None
    };
    out.put_u8(u8::from(source.is_some()));
    if let Some(source) = source {
        out.put_text(&source);
    }
    out
}

/// Code whose source is not in a file of its own: notebooks, `exec`, archives; a relative path means whatever
/// `linecache` finds for it.
fn has_no_file(file: &str) -> bool {
    !file.starts_with('/') && !cfg!(windows)
        || [".zip/", ".egg/", ".pyz/", ".whl/"].iter().any(|end| file.contains(end))
}

/// From 3.13 on, all lines of a statement are shown.
#[cfg(Py_3_13)]
fn has_several_lines(code: &Bound<'_, PyAny>, instruction: i32) -> bool {
    unsafe extern "C" {
        fn PyCode_Addr2Location(
            code: *mut ffi::PyCodeObject,
            instruction: std::ffi::c_int,
            line: *mut std::ffi::c_int,
            column: *mut std::ffi::c_int,
            end_line: *mut std::ffi::c_int,
            end_column: *mut std::ffi::c_int,
        ) -> std::ffi::c_int;
    }
    let (mut line, mut column, mut end_line, mut end_column) = (0, 0, 0, 0);
    // SAFETY: a live code object; all four places are written.
    unsafe {
        PyCode_Addr2Location(
            code.as_ptr().cast(),
            instruction,
            &raw mut line,
            &raw mut column,
            &raw mut end_line,
            &raw mut end_column,
        );
    }
    end_line > line
}

#[cfg(not(Py_3_13))]
fn has_several_lines(_code: &Bound<'_, PyAny>, _instruction: i32) -> bool {
    false
}

/// The traceback text an exception has in a record.
#[pyfunction]
pub fn format_exception(exception: &Bound<'_, PyBaseException>) -> String {
    let mut blob = Vec::new();
    capture(exception.py(), exception, &mut blob);
    exception::text(&blob, &mut SourceCache::default())
}

/// The JSON an exception has in a record.
#[pyfunction]
pub fn exception_json(exception: &Bound<'_, PyBaseException>) -> String {
    let (mut blob, mut out) = (Vec::new(), Vec::new());
    capture(exception.py(), exception, &mut blob);
    exception::write_json(&blob, &mut SourceCache::default(), &mut out);
    String::from_utf8_lossy(&out).into_owned()
}
