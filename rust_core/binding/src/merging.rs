//! Texts that run the program's code, which may log itself, so that each call leads to another one. It must not lead to two: then their number
//! doubles with each level.
//!
//! So code that has just failed is not asked again. What is told beside a message whose arguments could not be merged into it, `$error` and
//! `$args`, comes from values of the built-in types, and of others there is the name of the class. Nor is a value asked, for a field or an
//! exception, that is being asked twice already further up.

use std::cell::{Cell, RefCell};

use pyo3::exceptions::{PyKeyError, PyRecursionError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyComplex, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString, PyTuple,
};

use crate::capture::{error_name, text_of, text_of_repr, type_name};
use crate::interrupt;
use crate::runtime::MALFORMED;

/// Of values inside values, and of the items of one, no more than these are looked at.
const DEPTH: usize = 8;
const ITEMS: usize = 1_000;
/// Arguments, and values in them, that are known to be asked.
const LOOKED_AT: usize = 64;
/// How often an argument is asked, inside of itself, before it is taken for one that never comes to an end.
const MOST_TIMES: usize = 5;

thread_local! {
    /// What is being asked for its texts on this thread: its address, and whether it is what a message is merged with.
    static ASKED: RefCell<Vec<(usize, bool)>> = const { RefCell::new(Vec::new()) };
    /// How many messages are being merged on this thread: arguments may log while they are asked for their texts.
    static MERGES: Cell<u32> = const { Cell::new(0) };
}

/// A value is being asked while it lives.
pub struct Asking<'a, 'py>(&'a Bound<'py, PyAny>, bool);

impl<'a, 'py> Asking<'a, 'py> {
    #[inline]
    pub fn one(value: &'a Bound<'py, PyAny>) -> Self {
        Self::note(value, false)
    }

    #[inline]
    fn note(value: &'a Bound<'py, PyAny>, merges: bool) -> Self {
        ASKED.with_borrow_mut(|asked| asked.push((value.as_ptr() as usize, merges)));
        Self(value, merges)
    }
}

impl Drop for Asking<'_, '_> {
    #[inline]
    fn drop(&mut self) {
        let own = (self.0.as_ptr() as usize, self.1);
        ASKED.with_borrow_mut(|asked| match asked.pop() {
            Some(last) if last != own => {
                // Green threads do not end in the order in which they began.
                if let Some(index) = asked.iter().rposition(|other| *other == own) {
                    asked[index] = last;
                }
            }
            _ => {}
        });
    }
}

/// Whether a value is being asked again and again: its code logs the value itself.
pub fn is_asked_twice(value: &Bound<'_, PyAny>) -> bool {
    times_asked(value, 2) == 2
}

/// How often a value is being asked further up, counted up to `most`.
fn times_asked(value: &Bound<'_, PyAny>, most: usize) -> usize {
    ASKED.with_borrow(|asked| {
        let is_it = |(address, merges): &&(usize, bool)| {
            if !*merges {
                return *address == value.as_ptr() as usize;
            }
            // SAFETY: whoever noted it holds it until it is noted no more.
            let arguments = unsafe { Bound::from_borrowed_ptr(value.py(), *address as *mut ffi::PyObject) };
            holds(&arguments, value, 3, &mut { LOOKED_AT })
        };
        asked.iter().filter(is_it).take(most).count()
    })
}

/// Whether a value is one of the first in a tuple, a list or a dictionary, or it itself. Runs no Python code.
fn holds(place: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>, depth: usize, left: &mut usize) -> bool {
    if place.is(value) {
        return true;
    }
    if depth == 0 || *left == 0 {
        return false;
    }
    let mut is_inside = |items: &mut dyn Iterator<Item = Bound<'_, PyAny>>| {
        items.take(LOOKED_AT).any(|item| {
            *left = left.saturating_sub(1);
            holds(&item, value, depth - 1, left)
        })
    };
    if let Ok(items) = place.cast_exact::<PyTuple>() {
        is_inside(&mut items.iter())
    } else if let Ok(items) = place.cast_exact::<PyList>() {
        is_inside(&mut items.iter())
    } else if let Ok(pairs) = place.cast_exact::<PyDict>() {
        pairs.len() <= LOOKED_AT && is_inside(&mut pairs.values().iter())
    } else {
        false
    }
}

/// The text of a message of any type.
pub fn text_of_message(message: &Bound<'_, PyAny>) -> String {
    if message.is_exact_instance_of::<PyString>() {
        return text_of(message);
    }
    if times_asked(message, MOST_TIMES) == MOST_TIMES {
        return named(message);
    }
    let _asking = Asking::one(message);
    text_of(message)
}

/// What stands for a value that is not asked.
pub fn named(value: &Bound<'_, PyAny>) -> String {
    format!("<{} object>", type_name(value))
}

/// A message is being merged with its arguments while it lives. `None` where no argument runs code of the program's.
pub struct Merging<'a, 'py>(Option<Asking<'a, 'py>>);

impl<'a, 'py> Merging<'a, 'py> {
    #[inline]
    pub fn begin(arguments: &'a Bound<'py, PyAny>) -> Self {
        if are_usual(arguments) {
            return Self(None);
        }
        MERGES.set(MERGES.get() + 1);
        Self(Some(Asking::note(arguments, true)))
    }

    /// Whether it is merged for a call that an argument of another one makes.
    fn is_inner(&self) -> bool {
        MERGES.get() > u32::from(self.0.is_some())
    }

    /// # Errors
    /// Where an argument is being asked again and again, also by handlers and tests that see each record.
    #[inline]
    pub fn expect_an_end(&self) -> PyResult<()> {
        if let Some(asking) = &self.0
            && self.is_inner()
            && is_any_asked(asking.0, 3)
        {
            return Err(PyRecursionError::new_err("the text of an argument logs the argument again and again"));
        }
        Ok(())
    }

    /// What is told of a merge that failed.
    #[cold]
    pub fn failed(&self, py: Python<'_>, error: PyErr, arguments: &Bound<'_, PyAny>) -> Vec<(&'static str, String)> {
        interrupt::hold(py, &error);
        MALFORMED.add(1);
        let value = error.value(py).as_any();
        let reason = if !self.is_inner() || is_plain_error(value) { text_of(value) } else { error_name(py, &error) };
        // Where the message does not fit its arguments, none of them is at fault. But one that logs would do so again.
        let mut shown = String::new();
        if !self.is_inner() && is_of_message(py, &error) {
            shown = text_of_repr(arguments);
        } else {
            show(arguments, DEPTH, &mut shown);
        }
        vec![("$error", reason), ("$args", shown)]
    }
}

impl Drop for Merging<'_, '_> {
    #[inline]
    fn drop(&mut self) {
        if self.0.is_some() {
            MERGES.set(MERGES.get() - 1);
        }
    }
}

/// Whether the arguments are those of most calls: texts and numbers.
#[inline]
fn are_usual(arguments: &Bound<'_, PyAny>) -> bool {
    let tuple = arguments.as_ptr();
    // SAFETY: a live object, and a tuple where its items are looked at, which nothing changes.
    unsafe {
        ffi::PyTuple_CheckExact(tuple) != 0
            && (0..ffi::PyTuple_GET_SIZE(tuple)).all(|index| {
                let value = ffi::PyTuple_GET_ITEM(tuple, index);
                ffi::PyUnicode_CheckExact(value) != 0
                    || ffi::PyLong_CheckExact(value) != 0
                    || ffi::PyFloat_CheckExact(value) != 0
            })
    }
}

/// Whether one of some arguments is being asked as often as any may be.
fn is_any_asked(arguments: &Bound<'_, PyAny>, depth: usize) -> bool {
    let are = |items: &mut dyn Iterator<Item = Bound<'_, PyAny>>| {
        depth > 0 && items.take(LOOKED_AT).any(|item| is_any_asked(&item, depth - 1))
    };
    if is_scalar(arguments) {
        false
    } else if let Ok(items) = arguments.cast_exact::<PyTuple>() {
        are(&mut items.iter())
    } else if let Ok(items) = arguments.cast_exact::<PyList>() {
        are(&mut items.iter())
    } else if let Ok(pairs) = arguments.cast_exact::<PyDict>() {
        pairs.len() <= LOOKED_AT && are(&mut pairs.values().iter())
    } else {
        // One of these times is that of the merge itself.
        times_asked(arguments, MOST_TIMES + 1) > MOST_TIMES
    }
}

/// Whether `%` itself raised the error, and no code of an argument's: that would stand in its traceback.
fn is_of_message(py: Python<'_>, error: &PyErr) -> bool {
    let raised = error.get_type(py);
    let is_usual = raised.is(py.get_type::<PyTypeError>())
        || raised.is(py.get_type::<PyValueError>())
        || raised.is(py.get_type::<PyKeyError>());
    is_usual && error.traceback(py).is_none()
}

/// Whether the text of an exception runs no code of the program's.
fn is_plain_error(error: &Bound<'_, PyAny>) -> bool {
    // SAFETY: a live class; its flags are a number.
    let is_static = unsafe { (*error.get_type_ptr()).tp_flags } & ffi::Py_TPFLAGS_HEAPTYPE == 0;
    let given = interrupt::ok(error.py(), error.getattr("args"));
    is_static
        && given.is_some_and(|given| {
            given.cast_exact::<PyTuple>().is_ok_and(|given| given.iter().all(|argument| is_scalar(&argument)))
        })
}

/// Whether the text of a value is made without looking at others.
fn is_scalar(value: &Bound<'_, PyAny>) -> bool {
    value.is_none()
        || value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyFloat>()
        || value.is_exact_instance_of::<PyBool>()
        || value.is_exact_instance_of::<PyBytes>()
        || value.is_exact_instance_of::<PyByteArray>()
        || value.is_exact_instance_of::<PyComplex>()
}

/// What `repr` gives, with the names of their classes for values that are not of the built-in types.
fn show(value: &Bound<'_, PyAny>, depth: usize, out: &mut String) {
    if is_scalar(value) {
        out.push_str(&text_of_repr(value));
    } else if let Ok(items) = value.cast_exact::<PyTuple>() {
        let end = if items.len() == 1 { ",)" } else { ")" };
        show_items("(", items.iter(), end, depth, out);
    } else if let Ok(items) = value.cast_exact::<PyList>() {
        show_items("[", items.iter(), "]", depth, out);
    } else if value.is_exact_instance_of::<PySet>() {
        show_set("{", value, "}", depth, out);
    } else if value.is_exact_instance_of::<PyFrozenSet>() {
        show_set("frozenset({", value, "})", depth, out);
    } else if let Ok(pairs) = value.cast_exact::<PyDict>() {
        // A copy of the items: nothing can change it meanwhile.
        out.push('{');
        for (index, (key, item)) in pairs.items().iter().filter_map(|pair| pair.extract().ok()).enumerate() {
            let (key, item): (Bound<'_, PyAny>, Bound<'_, PyAny>) = (key, item);
            out.push_str(if index == 0 { "" } else { ", " });
            if index == ITEMS || depth == 0 {
                out.push('…');
                break;
            }
            show(&key, depth - 1, out);
            out.push_str(": ");
            show(&item, depth - 1, out);
        }
        out.push('}');
    } else {
        out.push_str(&named(value));
    }
}

fn show_set(start: &str, set: &Bound<'_, PyAny>, end: &str, depth: usize, out: &mut String) {
    if interrupt::ok(set.py(), set.len()) == Some(0) {
        return out.push_str(&text_of_repr(set));
    }
    let items = interrupt::ok(set.py(), set.try_iter()).into_iter().flatten();
    show_items(start, items.map_while(Result::ok), end, depth, out);
}

fn show_items<'py>(
    start: &str,
    items: impl Iterator<Item = Bound<'py, PyAny>>,
    end: &str,
    depth: usize,
    out: &mut String,
) {
    out.push_str(start);
    for (index, item) in items.enumerate() {
        out.push_str(if index == 0 { "" } else { ", " });
        if index == ITEMS || depth == 0 {
            out.push('…');
            break;
        }
        show(&item, depth - 1, out);
    }
    out.push_str(end);
}
