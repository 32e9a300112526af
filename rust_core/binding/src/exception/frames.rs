//! The frames of a traceback or a stack: which there are, and what is written for each.

use std::collections::VecDeque;
use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::PyBaseException;
use pyo3::ffi;
use pyo3::prelude::*;
use unified_logger_core::memory;
use unified_logger_core::value::{Put, length};

use super::code::{self, CodePosition};
use super::put_number;
use super::variables::{Variable, Variables};
use crate::interpreter::frame::Frame;
use crate::interpreter::gil::intern;

/// Different frames of one exception: half of them from the start, half from the end.
const FRAMES: usize = 200;

/// Writes the frames of an exception's traceback. Equal frames in a row are written once, with their count.
pub fn put(py: Python<'_>, error: &Bound<'_, PyBaseException>, variables: Option<&mut Variables>, out: &mut Vec<u8>) {
    let walked = walk(py, error);
    let Some(variables) = variables else { return put_walked(&walked, &[], out) };
    // The frame that raised tells most, so it is asked first.
    let steps = walked.last.iter().rev().chain(walked.first.iter().rev());
    let mut taken: Vec<_> = steps.map(|step| variables.of(&step.frame, step.position)).collect();
    taken.reverse();
    put_walked(&walked, &taken, out);
}

/// Writes the frames of the stack that ends with this frame.
pub fn put_stack(py: Python<'_>, frame: &Frame<'_>, out: &mut Vec<u8>) {
    let limit = limit(py);
    let mut stack = Vec::new();
    for outer in std::iter::successors(frame.back(), Frame::back).take(limit.saturating_sub(1)) {
        memory::push(&mut stack, outer);
    }
    let mut walked = Walked::default();
    for frame in stack.iter().rev().chain((limit > 0).then_some(frame)) {
        // As in `traceback`, only the lines of a stack matter, not the instructions.
        let position = CodePosition { code: frame.call_site().code, instruction: -1, line: frame.line().cast_signed() };
        walked.add(py, frame.as_any().as_ptr().cast(), position);
    }
    put_walked(&walked, &[], out);
}

/// `variables` are those of each frame, if they are wanted.
fn put_walked(walked: &Walked<'_>, variables: &[Vec<Variable>], out: &mut Vec<u8>) {
    put_number(walked.left_out, out);
    put_number(walked.first.len() + walked.last.len(), out);
    for (index, Step { frame, position, repeated }) in walked.first.iter().chain(&walked.last).enumerate() {
        code::put(frame, *position, out);
        let variables = variables.get(index).map_or(&[][..], Vec::as_slice);
        let mut numbers = [0; 8];
        numbers[..4].copy_from_slice(&length(*repeated).to_le_bytes());
        numbers[4..].copy_from_slice(&length(variables.len()).to_le_bytes());
        out.put(&numbers);
        for (name, text) in variables {
            out.put_text(name);
            out.put_text(text);
        }
    }
}

struct Step<'py> {
    frame: Bound<'py, PyAny>,
    position: CodePosition,
    repeated: usize,
}

#[derive(Default)]
struct Walked<'py> {
    first: Vec<Step<'py>>,
    last: VecDeque<Step<'py>>,
    /// Frames left out between the two halves.
    left_out: usize,
}

impl<'py> Walked<'py> {
    fn add(&mut self, py: Python<'py>, frame: *mut ffi::PyFrameObject, position: CodePosition) {
        let previous = match self.last.back_mut() {
            Some(step) => Some(step),
            None => self.first.last_mut(),
        };
        if let Some(step) = previous.filter(|step| step.position == position) {
            step.repeated += 1;
            return;
        }
        // SAFETY: a live frame of the traceback.
        let frame = unsafe { Bound::from_borrowed_ptr(py, frame.cast()) };
        let step = Step { frame, position, repeated: 1 };
        if self.first.len() < FRAMES / 2 {
            return self.first.push(step);
        }
        if self.last.len() == FRAMES / 2 {
            self.left_out += self.last.pop_front().map_or(0, |step| step.repeated);
        }
        self.last.push_back(step);
    }
}

fn walk<'py>(py: Python<'py>, error: &Bound<'py, PyBaseException>) -> Walked<'py> {
    let mut walked = Walked { first: Vec::with_capacity(32), ..Walked::default() };
    let mut left = limit(py);
    // SAFETY: a live exception; its traceback, and every `tb_next`, is null or a live traceback, and no Python code
    // runs in between that could take one away.
    unsafe {
        let first = ffi::PyException_GetTraceback(error.as_ptr());
        let held = Bound::from_owned_ptr_or_opt(py, first);
        let mut traceback = first;
        while !traceback.is_null() && left > 0 {
            let Link { frame, instruction, line, next } = link(py, traceback);
            if frame.is_null() {
                break;
            }
            let code = ffi::PyFrame_GetCode(frame);
            // The frame keeps it alive.
            ffi::Py_DECREF(code.cast());
            walked.add(py, frame, position_of(&Borrowed::from_ptr(py, code.cast()), instruction, line));
            traceback = next;
            left -= 1;
        }
        drop(held);
    }
    walked
}

/// The position that a traceback names. A traceback made by hand may have any instruction and line. An instruction
/// outside the code is dropped, because the interpreter looks it up in tables as long as the code.
fn position_of(code: &Bound<'_, PyAny>, instruction: c_int, line: c_int) -> CodePosition {
    // Before 3.11 the line alone gives the position.
    let is_told = cfg!(not(Py_3_11)) && line > 0;
    let is_inside = is_told || usize::try_from(instruction).is_ok_and(|instruction| instruction < bytes_of(code));
    let instruction = if is_inside { instruction } else { -1 };
    let line = if cfg!(Py_3_11) && is_inside { 0 } else { line };
    CodePosition { code: code.as_ptr().cast(), instruction, line }
}

/// Bytes of a code's instructions. Since 3.11 the code object contains them and has their number, of two bytes each.
fn bytes_of(code: &Bound<'_, PyAny>) -> usize {
    if cfg!(Py_3_11) && AS_KNOWN.load(Ordering::Relaxed) {
        // SAFETY: live code, which is an object of variable size.
        return unsafe { ffi::Py_SIZE(code.as_ptr()) }.unsigned_abs() * 2;
    }
    code.getattr(intern!(code.py(), "co_code")).and_then(|bytes| bytes.len()).unwrap_or(0)
}

/// The entry of a traceback for one frame. The traceback keeps all of it alive.
#[derive(PartialEq, Eq)]
struct Link {
    frame: *mut ffi::PyFrameObject,
    instruction: c_int,
    line: c_int,
    next: *mut ffi::PyObject,
}

/// Whether tracebacks and code have the known layout. That is not promised, so a probe checks it at the import. With
/// another layout, their attributes are asked.
static AS_KNOWN: AtomicBool = AtomicBool::new(false);

/// Probes the layout of tracebacks.
pub fn probe(py: Python<'_>) -> PyResult<bool> {
    let Some(frame) = Frame::current(py) else { return Ok(false) };
    let class = py.import(intern!(py, "types"))?.getattr(intern!(py, "TracebackType"))?;
    let inner = class.call1((py.None(), frame.as_any(), 6, 345))?;
    let outer = class.call1((&inner, frame.as_any(), 4, 12))?;
    // SAFETY: live tracebacks.
    let as_known = [&inner, &outer].iter().all(|made| unsafe { read_link(made.as_ptr()) == ask_link(made) });
    let codes = std::iter::successors(Some(frame), Frame::back).take(8).map(|frame| frame.as_any().getattr("f_code"));
    let codes = codes.collect::<PyResult<Vec<_>>>()?;
    let asked: Vec<usize> = codes.iter().map(bytes_of).collect();
    AS_KNOWN.store(as_known, Ordering::Relaxed);
    let as_known = as_known && codes.iter().map(bytes_of).eq(asked);
    AS_KNOWN.store(as_known, Ordering::Relaxed);
    Ok(as_known)
}

unsafe fn link(py: Python<'_>, traceback: *mut ffi::PyObject) -> Link {
    // SAFETY: a live traceback, by the caller's word.
    unsafe {
        if AS_KNOWN.load(Ordering::Relaxed) {
            read_link(traceback)
        } else {
            ask_link(&Borrowed::from_ptr(py, traceback))
        }
    }
}

unsafe fn read_link(traceback: *mut ffi::PyObject) -> Link {
    // SAFETY: a live traceback, by the caller's word.
    unsafe {
        let known = traceback.cast::<ffi::PyTracebackObject>();
        Link {
            frame: (*known).tb_frame,
            instruction: (*known).tb_lasti,
            line: (*known).tb_lineno,
            next: (*known).tb_next.cast(),
        }
    }
}

/// Asking a traceback runs no Python code: its class cannot be changed.
#[cold]
fn ask_link(traceback: &Bound<'_, PyAny>) -> Link {
    let py = traceback.py();
    let object = |name| traceback.getattr(name).ok().filter(|found| !found.is_none());
    let number = |name| traceback.getattr(name).and_then(|found| found.extract()).unwrap_or(-1);
    let pointer = |found: Option<Bound<'_, PyAny>>| found.map_or(std::ptr::null_mut(), |found| found.as_ptr());
    Link {
        frame: pointer(object(intern!(py, "tb_frame"))).cast(),
        instruction: number(intern!(py, "tb_lasti")),
        line: number(intern!(py, "tb_lineno")),
        next: pointer(object(intern!(py, "tb_next"))),
    }
}

/// The number of frames that `sys.tracebacklimit` allows.
fn limit(py: Python<'_>) -> usize {
    // SAFETY: attached; a borrowed reference or null, without an error.
    let limit = unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PySys_GetObject(c"tracebacklimit".as_ptr())) };
    let limit = limit.and_then(|limit| limit.extract::<isize>().ok());
    limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(0))
}
