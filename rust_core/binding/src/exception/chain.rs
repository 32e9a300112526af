//! The exceptions that belong to an exception: its cause or context, the members of a group, and those of each of them.

use pyo3::exceptions::PyBaseException;
use pyo3::ffi;
use pyo3::prelude::*;
#[cfg(Py_3_11)]
use pyo3::types::{PyList, PyTuple};
use unified_logger_core::exception::DEPTH;
use unified_logger_core::memory;

use crate::interpreter::gil::intern;
use crate::interpreter::interrupt;
use crate::interpreter::stack;

/// Exceptions captured with one exception.
const EXCEPTIONS: usize = 500;
/// Members captured of one group: as many as `traceback` shows.
#[cfg(Py_3_11)]
const MEMBERS: usize = 15;
/// Bytes of stack that each step away from the first exception may take, here and where the text is made on the same
/// thread.
const LEVEL: usize = 4 << 10;

pub struct Node<'py> {
    pub error: Bound<'py, PyBaseException>,
    pub cause: Other,
    pub context: Other,
    pub members: Option<Members>,
    depth: usize,
}

/// The exception that is a cause or context.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Other {
    None,
    /// The node of this index.
    Follows(usize),
    /// There is an exception, but it is too far away.
    LeftOut,
}

pub struct Members {
    pub followed: Vec<usize>,
    pub count: usize,
}

/// All exceptions, the given one first. The order is that of `traceback.TracebackException`, which expands the last
/// found one first. An exception met before is not shown as a cause or context again, so the order decides where it is
/// shown.
pub fn follow<'py>(error: &Bound<'py, PyBaseException>) -> Vec<Node<'py>> {
    let depth = stack::levels(DEPTH, LEVEL);
    let mut search = Search { nodes: Vec::with_capacity(4), seen: Vec::with_capacity(4), depth };
    search.add(error.clone(), 0);
    let mut open = vec![0];
    while let Some(index) = open.pop() {
        let before = search.nodes.len();
        search.expand(index);
        (before..search.nodes.len()).for_each(|index| memory::push(&mut open, index));
    }
    search.nodes
}

struct Search<'py> {
    nodes: Vec<Node<'py>>,
    /// Addresses of exceptions met; the nodes keep them alive.
    seen: Vec<*mut ffi::PyObject>,
    /// The number of steps that an exception may be away from the first.
    depth: usize,
}

impl<'py> Search<'py> {
    fn add(&mut self, error: Bound<'py, PyBaseException>, depth: usize) -> usize {
        memory::check();
        memory::push(&mut self.seen, error.as_ptr());
        let node = Node { error, cause: Other::None, context: Other::None, members: None, depth };
        memory::push(&mut self.nodes, node);
        self.nodes.len() - 1
    }

    fn expand(&mut self, index: usize) {
        let Node { error, depth, .. } = &self.nodes[index];
        let (error, depth) = (error.clone(), depth + 1);
        let cause = self.other(linked(&error, ffi::PyException_GetCause), depth);
        let context =
            linked(&error, ffi::PyException_GetContext).filter(|_| cause == Other::None && !suppresses_context(&error));
        let context = self.other(context, depth);
        let members = members(&error).map(|(members, count)| self.members(members, count, depth));
        let node = &mut self.nodes[index];
        (node.cause, node.context, node.members) = (cause, context, members);
    }

    fn other(&mut self, found: Option<Bound<'py, PyBaseException>>, depth: usize) -> Other {
        match found {
            None => Other::None,
            Some(found) if self.seen.contains(&found.as_ptr()) => Other::None,
            Some(_) if self.is_full(depth) => Other::LeftOut,
            Some(found) => Other::Follows(self.add(found, depth)),
        }
    }

    fn members(&mut self, members: Vec<Bound<'py, PyBaseException>>, count: usize, depth: usize) -> Members {
        let mut followed = Vec::with_capacity(members.len());
        for member in members {
            if self.is_full(depth) {
                break;
            }
            followed.push(self.add(member, depth));
        }
        Members { followed, count }
    }

    fn is_full(&self, depth: usize) -> bool {
        depth > self.depth || self.nodes.len() >= EXCEPTIONS
    }
}

type Getter = unsafe extern "C" fn(*mut ffi::PyObject) -> *mut ffi::PyObject;

fn linked<'py>(error: &Bound<'py, PyBaseException>, get: Getter) -> Option<Bound<'py, PyBaseException>> {
    // SAFETY: a live exception; a new reference or null.
    unsafe { Bound::from_owned_ptr_or_opt(error.py(), get(error.as_ptr())) }?.cast_into().ok()
}

fn suppresses_context(error: &Bound<'_, PyBaseException>) -> bool {
    let suppressed = error.getattr(intern!(error.py(), "__suppress_context__"));
    interrupt::ok(error.py(), suppressed.and_then(|suppressed| suppressed.is_truthy())).unwrap_or(false)
}

/// The first members of a group, and how many members it has.
///
/// A class may name other members than the group holds, and `traceback` shows those. Only a real list or tuple has a
/// known length. If the class names anything else, the members that the group holds are used.
#[cfg(Py_3_11)]
fn members<'py>(error: &Bound<'py, PyBaseException>) -> Option<(Vec<Bound<'py, PyBaseException>>, usize)> {
    use pyo3::exceptions::PyBaseExceptionGroup;

    if !error.is_instance_of::<PyBaseExceptionGroup>() {
        return None;
    }
    let (py, name) = (error.py(), intern!(error.py(), "exceptions"));
    let named = interrupt::ok(py, error.getattr(name));
    let held = || py.get_type::<PyBaseExceptionGroup>().getattr(name)?.call_method1("__get__", (error,));
    Some(named.and_then(first_of).or_else(|| interrupt::ok(py, held()).and_then(first_of)).unwrap_or_default())
}

#[cfg(not(Py_3_11))]
fn members<'py>(_error: &Bound<'py, PyBaseException>) -> Option<(Vec<Bound<'py, PyBaseException>>, usize)> {
    None
}

/// The exceptions among the first items of a list or tuple, and how many items it has. The class of the list is not
/// asked.
#[cfg(Py_3_11)]
fn first_of(named: Bound<'_, PyAny>) -> Option<(Vec<Bound<'_, PyBaseException>>, usize)> {
    let (first, count): (Vec<_>, _) = if let Ok(tuple) = named.cast::<PyTuple>() {
        (tuple.iter().take(MEMBERS).collect(), tuple.len())
    } else {
        let list = named.cast::<PyList>().ok()?;
        (list.iter().take(MEMBERS).collect(), list.len())
    };
    Some((first.into_iter().filter_map(|member| member.cast_into().ok()).collect(), count))
}
