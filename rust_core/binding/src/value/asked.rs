//! Texts that run the program's code. That code may log, so a call may lead to another one. It must not lead to two, or
//! their number doubles with each level.
//!
//! Therefore a value that is being asked further up on the same stack is not asked endlessly. A field or an exception
//! is asked twice there, a message or its arguments a few times more.

use std::cell::RefCell;
use std::mem::{self, ManuallyDrop};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::iter::{BoundDictIterator, BoundListIterator, BoundTupleIterator};
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyComplex, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::interpreter::ending;
use crate::interpreter::gil::intern;
use crate::interpreter::interrupt;
use crate::value::shown::{named, text_of};

/// How deep the arguments of a message are searched for a value that is being asked, and how many values are searched.
const SEARCH_DEPTH: usize = 3;
const SEARCHED: usize = 64;
/// How often a field or an exception is asked inside itself before it counts as endless.
const MOST_TIMES: usize = 2;
/// The same limit for a message.
const MOST_TIMES_MESSAGE: usize = 5;
/// The same limit for an argument. The searching merge counts too.
const MOST_TIMES_ARGUMENT: usize = MOST_TIMES_MESSAGE + 1;

thread_local! {
    /// The values that are being asked for their texts on this thread. No Python code may run while the list is
    /// borrowed: such code may log.
    ///
    /// An empty list holds no memory, so that nothing has to be dropped when the thread ends. For a value that has to be, the C library
    /// asks for memory, and ends the process where there is none.
    static ASKED: RefCell<ManuallyDrop<Vec<Asked>>> = const { RefCell::new(ManuallyDrop::new(Vec::new())) };
}

/// A value that is being asked. An `Asking` holds the value as long as it is in the list.
#[derive(Clone, Copy, PartialEq)]
struct Asked {
    address: usize,
    /// Whether a message is merged with it.
    merges: bool,
    stack: Stack,
}

/// One of Python's stacks: a thread may run several green threads, each suspended on a stack of its own.
///
/// The number is the address of the green thread, which lives while it is suspended. 0 if it is not known.
#[derive(Clone, Copy, PartialEq)]
struct Stack(usize);

impl Stack {
    /// The running stack. May run Python code.
    fn current(py: Python<'_>) -> Self {
        if ending::is_here(py) {
            return Self(0); // The modules may be gone: then asking for them ends the process.
        }
        // SAFETY: the dictionary of modules, which is there until the interpreter ends.
        let modules = unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PyImport_GetModuleDict()) };
        let modules = modules.and_then(|modules| modules.cast_into_exact::<PyDict>().ok());
        // Without this module there are no green threads.
        let module = modules.and_then(|modules| interrupt::ok(py, modules.get_item(intern!(py, "greenlet"))).flatten());
        let Some(module) = module else { return Self(0) };
        let _inside = ending::Inside::enter();
        let current = interrupt::ok(py, module.call_method0(intern!(py, "getcurrent")));
        Self(current.map_or(0, |current| current.as_ptr() as usize))
    }

    /// Whether two stacks may be the same one.
    fn may_be(self, other: Self) -> bool {
        self == other || self.0 == 0 || other.0 == 0
    }
}

/// The value is being asked while this lives.
pub struct Asking<'a, 'py>(&'a Bound<'py, PyAny>, Asked);

impl<'a, 'py> Asking<'a, 'py> {
    /// Asks a message, a field or an exception.
    #[inline]
    pub fn one(value: &'a Bound<'py, PyAny>) -> Self {
        Self::note(value, false)
    }

    /// Asks the arguments of a message.
    #[inline]
    pub fn arguments(value: &'a Bound<'py, PyAny>) -> Self {
        Self::note(value, true)
    }

    pub fn value(&self) -> &'a Bound<'py, PyAny> {
        self.0
    }

    #[inline]
    fn note(value: &'a Bound<'py, PyAny>, merges: bool) -> Self {
        let own = Asked { address: value.as_ptr() as usize, merges, stack: Stack::current(value.py()) };
        ASKED.with_borrow_mut(|asked| asked.push(own));
        Self(value, own)
    }
}

impl Drop for Asking<'_, '_> {
    #[inline]
    fn drop(&mut self) {
        ASKED.with_borrow_mut(|asked| {
            let last = asked.pop();
            // Green threads may end in another order than they began.
            if let Some(last) = last.filter(|last| *last != self.1)
                && let Some(index) = asked.iter().rposition(|other| *other == self.1)
            {
                asked[index] = last;
            }
            if asked.is_empty() {
                drop(mem::take(&mut **asked));
            }
        });
    }
}

/// Whether a field or an exception is being asked as often as allowed.
pub fn is_asked_twice(value: &Bound<'_, PyAny>) -> bool {
    is_any_asked(value.py(), &[value.as_ptr() as usize], MOST_TIMES)
}

/// Whether one of these values is being asked `often` times further up.
fn is_any_asked(py: Python<'_>, values: &[usize], often: usize) -> bool {
    if ASKED.with_borrow(|asked| asked.len()) < often {
        return false;
    }
    let stack = Stack::current(py);
    // How often each value was seen, and in which entry last: one entry may contain a value several times.
    let mut seen = [(0, usize::MAX); SEARCHED];
    ASKED.with_borrow(|asked| {
        asked.iter().enumerate().filter(|(_, one)| one.stack.may_be(stack)).any(|(index, one)| {
            let mut see = |value: &Bound<'_, PyAny>| {
                let known = values.iter().zip(&mut seen).find(|(address, _)| **address == value.as_ptr() as usize);
                known.is_some_and(|(_, (times, last))| {
                    *times += usize::from(*last != index);
                    *last = index;
                    *times == often
                })
            };
            // SAFETY: held by the `Asking` that noted it.
            let value = unsafe { Bound::from_borrowed_ptr(py, one.address as *mut ffi::PyObject) };
            any_inside(&value, if one.merges { SEARCH_DEPTH } else { 0 }, &mut { SEARCHED }, &mut see)
        })
    })
}

/// Whether `see` is true for a value or for one of the first values inside it. Runs no Python code except that of
/// `see`: it makes no objects, which could start the collector, and drops no last reference.
fn any_inside(
    value: &Bound<'_, PyAny>,
    depth: usize,
    left: &mut usize,
    see: &mut dyn FnMut(&Bound<'_, PyAny>) -> bool,
) -> bool {
    if see(value) {
        return true;
    }
    let inside = if depth == 0 { None } else { children(value) };
    inside.into_iter().flatten().take(SEARCHED).any(|item| {
        *left > 0 && {
            *left -= 1;
            any_inside(&item, depth - 1, left, see)
        }
    })
}

/// The items of a tuple or list, or the values of a dictionary. `None` for any other value.
pub fn children<'py>(value: &Bound<'py, PyAny>) -> Option<Children<'py>> {
    if let Ok(items) = value.cast_exact::<PyTuple>() {
        Some(Children::Tuple(items.iter()))
    } else if let Ok(items) = value.cast_exact::<PyList>() {
        Some(Children::List(items.iter()))
    } else {
        value.cast_exact::<PyDict>().ok().map(|pairs| Children::Dict(pairs.iter()))
    }
}

pub enum Children<'py> {
    Tuple(BoundTupleIterator<'py>),
    List(BoundListIterator<'py>),
    /// Must be walked to its end before Python code runs, which could change the dictionary.
    Dict(BoundDictIterator<'py>),
}

impl<'py> Iterator for Children<'py> {
    type Item = Bound<'py, PyAny>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Tuple(items) => items.next(),
            Self::List(items) => items.next(),
            Self::Dict(pairs) => pairs.next().map(|(_, value)| value),
        }
    }
}

/// The text of a message of any type.
pub fn text_of_message(message: &Bound<'_, PyAny>) -> String {
    if message.is_exact_instance_of::<PyString>() {
        return text_of(message);
    }
    if is_any_asked(message.py(), &[message.as_ptr() as usize], MOST_TIMES_MESSAGE) {
        return named(message);
    }
    let _asking = Asking::one(message);
    text_of(message)
}

/// Whether one of the arguments is being asked as often as allowed.
pub fn is_any_inside_asked(arguments: &Bound<'_, PyAny>) -> bool {
    let mut found = Vec::with_capacity(SEARCHED);
    any_inside(arguments, SEARCH_DEPTH, &mut { SEARCHED }, &mut |value| {
        if !is_scalar(value) && children(value).is_none() && found.len() < SEARCHED {
            found.push(value.as_ptr() as usize);
        }
        false
    });
    is_any_asked(arguments.py(), &found, MOST_TIMES_ARGUMENT)
}

/// Whether more than `own` messages are being merged with arguments on this stack.
pub fn are_merged(py: Python<'_>, own: usize) -> bool {
    let count = |is_counted: &dyn Fn(&Asked) -> bool| {
        ASKED.with_borrow(|asked| asked.iter().filter(|one| one.merges && is_counted(one)).count())
    };
    // The running stack is asked for only if it matters.
    count(&|_| true) > own && {
        let stack = Stack::current(py);
        count(&|one| one.stack.may_be(stack)) > own
    }
}

/// Whether the text of a value needs no other values.
pub fn is_scalar(value: &Bound<'_, PyAny>) -> bool {
    value.is_none()
        || value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyFloat>()
        || value.is_exact_instance_of::<PyBool>()
        || value.is_exact_instance_of::<PyBytes>()
        || value.is_exact_instance_of::<PyByteArray>()
        || value.is_exact_instance_of::<PyComplex>()
}
