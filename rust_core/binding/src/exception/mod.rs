//! Python exceptions and stacks in their compact form. The form holds what only the calling thread can see. The text is
//! made behind the queue, and Python is asked only for the parts that it alone knows.

mod chain;
mod code;
mod frames;
mod settings;
mod texts;
mod variables;

pub use frames::probe;
pub use settings::{prepare, set_exceptions};

use pyo3::exceptions::PyBaseException;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;
use unified_logger_core::exception::{self, SourceCache, TEXT, VERSION, link};
use unified_logger_core::value::{Put, length};

use crate::interpreter::ending::Inside;
use crate::interpreter::frame::Frame;
use crate::interpreter::gil::intern;
use crate::interpreter::interrupt;
use crate::interpreter::stack;
use crate::value::or_memory_error;
use chain::{Node, Other};
use variables::Variables;

/// Bytes of a captured exception. A longer one gets no further exceptions.
const BYTES: usize = 1 << 20;

/// The exception being handled, as `sys.exc_info()` returns it.
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

/// Captures an exception with all exceptions that led to it. Never fails: a part that cannot be asked is represented.
pub fn capture(py: Python<'_>, error: &Bound<'_, PyBaseException>) -> Vec<u8> {
    let nodes = chain::follow(error);
    let mut blob = Vec::with_capacity(4_096);
    blob.put(&[VERSION, settings::form(py).to_byte()]);
    Capture { py, nodes: &nodes, variables: Variables::wanted(py), out: &mut blob }.exception(&nodes[0]);
    blob
}

/// Captures the stack that ends with a frame, for `stack_info`.
pub fn capture_stack(py: Python<'_>, frame: &Frame<'_>) -> Vec<u8> {
    let mut blob = Vec::with_capacity(1_024);
    blob.put_u8(VERSION);
    frames::put_stack(py, frame, &mut blob);
    blob
}

/// A printed stack in the form of a captured one.
pub fn printed_stack(text: &str) -> Vec<u8> {
    [&[TEXT], text.as_bytes()].concat()
}

/// Asks a function of `unified_logger.values.traceback`.
fn ask<'py>(
    py: Python<'py>,
    function: &Bound<'py, PyString>,
    arguments: impl pyo3::call::PyCallArgs<'py>,
) -> Option<String> {
    if stack::is_short() {
        return None;
    }
    let module = interrupt::ok(py, py.import(intern!(py, "unified_logger.values.traceback")))?;
    interrupt::ok(py, module.call_method1(function, arguments)).map(|text| texts::bounded(&text))
}

/// Writes the exceptions, each inside the one that refers to it.
struct Capture<'a, 'py> {
    py: Python<'py>,
    nodes: &'a [Node<'py>],
    variables: Option<Variables>,
    out: &'a mut Vec<u8>,
}

impl<'py> Capture<'_, 'py> {
    fn exception(&mut self, node: &Node<'py>) {
        texts::put(&node.error, self.out);
        frames::put(self.py, &node.error, self.variables.as_mut(), self.out);
        self.other(node.cause);
        self.other(node.context);
        self.out.put_u8(u8::from(node.members.is_some()));
        if let Some(members) = &node.members {
            self.members(&members.followed, members.count);
        }
    }

    fn other(&mut self, other: Other) {
        match other {
            Other::None => self.out.put_u8(link::NONE),
            Other::Follows(index) if self.out.len() < BYTES && !stack::is_nearly_used() => {
                self.out.put_u8(link::FOLLOWS);
                self.exception(&self.nodes[index]);
            }
            Other::Follows(_) | Other::LeftOut => self.out.put_u8(link::LEFT_OUT),
        }
    }

    /// The numbers come first but are known last: the limit of bytes may be reached before all members are written.
    fn members(&mut self, followed: &[usize], count: usize) {
        let at = self.out.len();
        self.out.put(&[0; 8]);
        let mut captured = 0;
        for index in followed {
            if self.out.len() >= BYTES || stack::is_nearly_used() {
                break;
            }
            self.exception(&self.nodes[*index]);
            captured += 1;
        }
        self.out[at..at + 4].copy_from_slice(&length(count - captured).to_le_bytes());
        self.out[at + 4..at + 8].copy_from_slice(&length(captured).to_le_bytes());
    }
}

fn put_number(number: usize, out: &mut Vec<u8>) {
    out.put(&length(number).to_le_bytes());
}

fn put_optional(text: Option<&str>, out: &mut Vec<u8>) {
    out.put_u8(u8::from(text.is_some()));
    if let Some(text) = text {
        out.put_text(text);
    }
}

/// The traceback text of an exception in a record.
#[pyfunction]
pub fn format_exception(exception: &Bound<'_, PyBaseException>) -> PyResult<String> {
    let _inside = Inside::enter_or_stay(exception.py());
    or_memory_error(exception.py(), || {
        let blob = capture(exception.py(), exception);
        Ok(exception::text(&blob, &mut SourceCache::default()))
    })
}

/// The JSON of an exception in a record, without what only the record knows: the call that logged it.
#[pyfunction]
pub fn exception_json(exception: &Bound<'_, PyBaseException>) -> PyResult<String> {
    let _inside = Inside::enter_or_stay(exception.py());
    or_memory_error(exception.py(), || {
        let (blob, mut out) = (capture(exception.py(), exception), Vec::new());
        exception::write_json(&blob, None, &mut SourceCache::default(), &mut out);
        Ok(String::from_utf8_lossy(&out).into_owned())
    })
}
