//! Containers and converted values as JSON, within limits. A marker shows where a part was left out.

use std::collections::HashSet;

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use unified_logger_core::memory;
use unified_logger_core::value::{Put, Value, put_quoted};

use crate::interpreter::gil::let_go_of_dropped;
use crate::interpreter::stack;
use crate::value::shown::describe;

use super::convert::convert;
use super::{Outcome, scalar, text};

/// Containers inside containers.
const DEPTH: usize = 32;
/// Items of one container.
const ITEMS: usize = 10_000;
/// Bytes of one value.
const BYTES: usize = 256 * 1024;

/// Writes one value.
pub struct Writer<'a> {
    /// Called before Python code may run, which may do anything, a fork included.
    before: &'a mut dyn FnMut(),
    out: Vec<u8>,
    /// A buffer for texts, reused.
    text: Vec<u8>,
    /// The containers being written, outermost first.
    open: Vec<*mut ffi::PyObject>,
    /// The lowest address of the stack that may be used.
    lowest: usize,
    outcome: Outcome,
}

impl<'a> Writer<'a> {
    pub fn new(before: &'a mut dyn FnMut()) -> Self {
        Self {
            before,
            out: Vec::with_capacity(256),
            text: Vec::new(),
            open: Vec::new(),
            lowest: stack::lowest(),
            outcome: Outcome::Whole,
        }
    }

    pub fn finish(self) -> (String, Outcome) {
        // SAFETY: everything put is UTF-8: literals, escaped texts and what serde writes.
        (unsafe { String::from_utf8_unchecked(self.out) }, self.outcome)
    }

    /// Writes a value of any kind.
    ///
    /// # Safety
    /// `object` is alive, and the interpreter is attached.
    pub unsafe fn write(&mut self, object: *mut ffi::PyObject) {
        // SAFETY: promised by the caller.
        unsafe {
            if ffi::PyUnicode_CheckExact(object) != 0 {
                self.write_text(object);
            } else if let Some(value) = scalar(object) {
                self.write_scalar(value);
            } else if ffi::PyDict_CheckExact(object) != 0 {
                self.enter(object, Self::write_dict);
            } else if ffi::PyList_CheckExact(object) != 0 {
                self.enter(object, Self::write_list);
            } else if ffi::PyTuple_CheckExact(object) != 0 {
                self.enter(object, Self::write_tuple);
            } else if ffi::PyLong_CheckExact(object) != 0 {
                self.write_long(object);
            } else {
                self.enter(object, Self::write_converted);
            }
        }
    }

    unsafe fn write_text(&mut self, object: *mut ffi::PyObject) {
        self.text.clear();
        // SAFETY: a live string; `capture_text` writes a length of four bytes, then UTF-8.
        let text = unsafe {
            text::capture_text(&mut self.text, object);
            str::from_utf8_unchecked(&self.text[4..])
        };
        put_quoted(text, &mut self.out);
    }

    fn write_scalar(&mut self, value: Value<'_>) {
        // Enough for any number.
        self.out.room(64);
        // Writing these values into memory cannot fail.
        let _ = match value {
            Value::Null => serde_json::to_writer(&mut self.out, &()),
            Value::Bool(value) => serde_json::to_writer(&mut self.out, &value),
            Value::Integer(value) => serde_json::to_writer(&mut self.out, &value),
            Value::Float(value) => serde_json::to_writer(&mut self.out, &value),
            Value::Text(value) | Value::Json(value) => {
                put_quoted(value, &mut self.out);
                Ok(())
            }
        };
    }

    /// An integer beyond 64 bits: its digits, or hexadecimal if the interpreter refuses to convert that many.
    unsafe fn write_long(&mut self, object: *mut ffi::PyObject) {
        // SAFETY: a live int.
        let number = unsafe { Bound::from_borrowed_ptr(Python::assume_attached(), object) };
        match number.repr() {
            Ok(digits) => self.out.put(digits.to_string_lossy().as_bytes()),
            Err(error) => {
                let refused = error.is_instance_of::<PyValueError>(number.py());
                // SAFETY: a live int; a new reference or null.
                let hex = unsafe { Bound::from_owned_ptr_or_err(number.py(), ffi::PyNumber_ToBase(object, 16)) };
                match hex.ok().filter(|_| refused).and_then(|hex| hex.cast_into::<PyString>().ok()) {
                    Some(hex) => put_quoted(&hex.to_string_lossy(), &mut self.out),
                    None => self.fail(&describe(number.py(), &error)),
                }
                drop(error);
                let_go_of_dropped();
            }
        }
    }

    /// Writes a container inside another one, unless it is inside itself, nested too deeply, or the JSON is too long
    /// already.
    unsafe fn enter(&mut self, object: *mut ffi::PyObject, write: unsafe fn(&mut Self, *mut ffi::PyObject)) {
        if self.open.contains(&object) {
            // SAFETY: a live object.
            let kind = unsafe { type_name(object) };
            return self.mark("$cycle", &kind);
        }
        memory::check();
        if self.open.len() >= DEPTH || stack::is_below(self.lowest) {
            return self.mark("$truncated", "depth");
        }
        if self.is_full() {
            return self.mark("$truncated", "size");
        }
        self.open.push(object);
        // SAFETY: promised by the caller of `write`, who holds the object.
        unsafe { write(self, object) };
        self.open.pop();
    }

    fn is_full(&self) -> bool {
        self.out.len() >= BYTES
    }

    unsafe fn write_list(&mut self, object: *mut ffi::PyObject) {
        // SAFETY: a live list. Its size is asked each time: Python code that runs for an item may change it.
        unsafe {
            self.write_items(ffi::PyList_GET_SIZE(object).unsigned_abs(), |index| {
                let index = ffi::Py_ssize_t::try_from(index).unwrap_or(ffi::Py_ssize_t::MAX);
                (index < ffi::PyList_GET_SIZE(object)).then(|| ffi::PyList_GET_ITEM(object, index))
            });
        }
    }

    unsafe fn write_tuple(&mut self, object: *mut ffi::PyObject) {
        // SAFETY: a live tuple; tuples do not change.
        unsafe {
            self.write_items(ffi::PyTuple_GET_SIZE(object).unsigned_abs(), |index| {
                Some(ffi::PyTuple_GET_ITEM(object, ffi::Py_ssize_t::try_from(index).unwrap_or(0)))
            });
        }
    }

    unsafe fn write_items(&mut self, count: usize, at: impl Fn(usize) -> Option<*mut ffi::PyObject>) {
        self.out.put_u8(b'[');
        for index in 0..count {
            if index > 0 {
                self.out.put_u8(b',');
            }
            if index >= ITEMS || self.is_full() {
                put_quoted(&format!("… {} more", count - index), &mut self.out);
                break;
            }
            let Some(item) = at(index) else {
                put_quoted("… changed while it was logged", &mut self.out);
                self.outcome = Outcome::Malformed;
                break;
            };
            // SAFETY: the container holds the item now; a reference of this function holds it while it is written.
            unsafe {
                ffi::Py_INCREF(item);
                self.write(item);
                ffi::Py_DECREF(item);
            }
        }
        self.out.put_u8(b']');
    }

    unsafe fn write_dict(&mut self, object: *mut ffi::PyObject) {
        // SAFETY: a live dict. `PyDict_Next` is safe on a dict that changes, and a marker reports the change.
        unsafe {
            let count = ffi::PyDict_Size(object).unsigned_abs();
            let mut keys = Keys::of(object);
            self.out.put_u8(b'{');
            let (mut position, mut key, mut item) = (0, std::ptr::null_mut(), std::ptr::null_mut());
            let mut index = 0;
            while ffi::PyDict_Next(object, &raw mut position, &raw mut key, &raw mut item) != 0 {
                if index > 0 {
                    self.out.put_u8(b',');
                }
                if index >= ITEMS || self.is_full() {
                    self.put_marker("$truncated", &format!("{} more", count.saturating_sub(index)));
                    break;
                }
                ffi::Py_INCREF(key);
                ffi::Py_INCREF(item);
                self.write_key(key, &mut keys);
                self.out.put_u8(b':');
                self.write(item);
                ffi::Py_DECREF(key);
                ffi::Py_DECREF(item);
                index += 1;
                if ffi::PyDict_Size(object).unsigned_abs() != count {
                    self.out.put_u8(b',');
                    self.put_marker("$changed", "while it was logged");
                    self.outcome = Outcome::Malformed;
                    break;
                }
            }
            self.out.put_u8(b'}');
        }
    }

    /// Writes a key: a text as it is, any other object as its text. A name that is taken gets a number.
    unsafe fn write_key(&mut self, key: *mut ffi::PyObject, keys: &mut Keys) {
        // SAFETY: a live key, held by the caller.
        unsafe {
            if ffi::PyUnicode_CheckExact(key) != 0 && keys.are_texts {
                return self.write_text(key);
            }
            let name = self.key_text(key);
            let name = keys.free(name);
            put_quoted(&name, &mut self.out);
        }
    }

    unsafe fn key_text(&mut self, key: *mut ffi::PyObject) -> String {
        let start = self.out.len();
        // SAFETY: a live key.
        unsafe { self.write(key) };
        let json = memory::joined(&[&String::from_utf8_lossy(&self.out[start..])]);
        self.out.truncate(start);
        memory::expect(json.len());
        // The text of a JSON string is its content. Numbers, null and lists are their JSON.
        serde_json::from_str::<String>(&json).unwrap_or(json)
    }

    unsafe fn write_converted(&mut self, object: *mut ffi::PyObject) {
        if stack::is_short() {
            return self.mark("$truncated", "depth");
        }
        (self.before)();
        // SAFETY: a live object, held by the caller; the converted object is held here.
        unsafe {
            match convert(Python::assume_attached(), object) {
                Ok(converted) => {
                    if converted.cast::<PyDict>().is_ok_and(|dict| dict.contains("$error").unwrap_or(false)) {
                        self.outcome = Outcome::Malformed;
                    }
                    self.write(converted.as_ptr());
                }
                Err(error) => self.fail(&error),
            }
        }
        let_go_of_dropped();
    }

    fn fail(&mut self, error: &str) {
        self.outcome = Outcome::Malformed;
        self.mark("$error", error);
    }

    /// An object that names the part that is missing.
    fn mark(&mut self, key: &str, what: &str) {
        self.out.put_u8(b'{');
        self.put_marker(key, what);
        self.out.put_u8(b'}');
    }

    fn put_marker(&mut self, key: &str, what: &str) {
        put_quoted(key, &mut self.out);
        self.out.put_u8(b':');
        put_quoted(what, &mut self.out);
    }
}

/// The keys of one dict. Texts are distinct by nature. If there are other keys, all are compared.
struct Keys {
    are_texts: bool,
    taken: HashSet<String>,
}

impl Keys {
    unsafe fn of(object: *mut ffi::PyObject) -> Self {
        let mut are_texts = true;
        let (mut position, mut key) = (0, std::ptr::null_mut());
        // SAFETY: a live dict; no Python code runs.
        while are_texts
            && unsafe { ffi::PyDict_Next(object, &raw mut position, &raw mut key, std::ptr::null_mut()) } != 0
        {
            // SAFETY: the dict holds its key.
            are_texts = unsafe { ffi::PyUnicode_CheckExact(key) } != 0;
        }
        Self { are_texts, taken: HashSet::new() }
    }

    fn free(&mut self, name: String) -> String {
        let name = if self.taken.contains(&name) {
            (2..).map(|number| format!("{name}.{number}")).find(|name| !self.taken.contains(name)).unwrap_or(name)
        } else {
            name
        };
        if self.taken.try_reserve(1).is_err() {
            memory::give_up();
        }
        self.taken.insert(memory::joined(&[&name]));
        name
    }
}

unsafe fn type_name(object: *mut ffi::PyObject) -> String {
    // SAFETY: a live object.
    let object = unsafe { Bound::from_borrowed_ptr(Python::assume_attached(), object) };
    object.get_type().name().map_or_else(|_| "object".into(), |name| name.to_string_lossy().into_owned())
}
