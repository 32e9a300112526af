//! A call's objects to a captured record. Everything is copied: no Python object goes further than this.

pub mod clock;
pub mod merging;
pub mod site;
pub mod thread;

pub use clock::set_asked_time;
pub use site::mark_wrapper;

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use pyo3::exceptions::PyBaseException;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTraceback, PyTuple, PyType};
use unified_logger_core::memory;
use unified_logger_core::record::{self, Header, INLINE, Site, flag};
use unified_logger_core::router::is_ai_field;
use unified_logger_core::slab::Buffer;
use unified_logger_core::value::{OutOfMemory, Put, Value};

use crate::context::{self, BoundFields, Context};
use crate::exception;
use crate::interpreter::arguments::Arguments;
use crate::interpreter::counts::MALFORMED;
use crate::interpreter::fork;
use crate::interpreter::frame::Place;
use crate::interpreter::gil::intern;
use crate::interpreter::interrupt;
use crate::interpreter::stack;
use crate::redaction;
use crate::value::asked::text_of_message;
use crate::value::shown::{as_mapping, is_true, python_text, text_of, type_name};
use crate::value::{self, Outcome};
use merging::Merging;
use site::{Parameter, Plain};

/// What a logger puts into each of its records.
pub struct Origin<'a> {
    pub number: u32,
    pub name: &'a str,
    pub bound: Option<&'a BoundFields>,
}

impl Origin<'_> {
    /// The context that its records have.
    fn context<'py>(&self, py: Python<'py>) -> Option<Bound<'py, Context>> {
        self.bound.map_or_else(|| context::current(py), |bound| bound.current(py))
    }
}

/// The call nearly all calls are: a text and fields, from a place seen before, and not below a level that the context has.
/// `None` for any other.
#[inline]
pub fn capture_plain<const BOUND: bool>(
    py: Python<'_>,
    level: i32,
    origin: &Origin<'_>,
    arguments: Arguments,
) -> Option<Buffer> {
    let time = clock::now(py);
    let thread = thread::number(py)?;
    if arguments.positional != 1 || origin.number == INLINE {
        return None;
    }
    // SAFETY: there is one positional argument, alive while the method runs.
    let message = unsafe { arguments.get(0) };
    // SAFETY: as above.
    if unsafe { ffi::PyUnicode_CheckExact(message) } == 0 {
        return None;
    }
    let place = Place::current(py)?;
    let Plain { number: site, mut flags } = site::find(py, place, message, arguments.names)?;
    let context = if BOUND { origin.context(py) } else { context::current(py) };
    if let Some(context) = &context {
        if context.get().refuses(level) {
            return None;
        }
        flags |= flag::CONTEXT | if context.get().is_ai() { flag::AI } else { 0 };
    }
    fork::notice(py);
    let mut out = Buffer::take();
    let header = Header { time, sequence: 0, level, site, logger: origin.number, thread, flags, extra: 0 };
    out.put(&header.to_bytes());
    if flags & flag::SITE_MESSAGE == 0 {
        // SAFETY: a live text.
        unsafe { value::capture_text(&mut out, message) };
    }
    if let Some(context) = &context {
        context.get().put(&mut out);
    }
    if !arguments.names.is_null() {
        // SAFETY: a live tuple; as many values follow the positional ones as it has items. Python code that runs here cannot
        // take the caller's arguments away.
        unsafe {
            let (values, last) = (arguments.values.add(1), ffi::PyTuple_GET_SIZE(arguments.names).unsigned_abs());
            let mut next = value::capture_row(&mut out, values, last);
            while next < last {
                count(value::capture(&mut out, *values.add(next)));
                next += 1;
                next += value::capture_row(&mut out, values.add(next), last - next);
            }
        }
    }
    Some(out)
}

#[inline]
fn count(outcome: Outcome) {
    if outcome == Outcome::Malformed {
        MALFORMED.add(1);
    }
}

/// A call of any form near the interpreter's end, captured without running Python code: what needs it is named by its type.
pub fn capture_bare(
    py: Python<'_>,
    level: i32,
    origin: &Origin<'_>,
    arguments: Arguments,
    with_exception: bool,
) -> Buffer {
    let frame = site::caller(py, 1);
    let resolved = site::resolve(frame.as_ref(), None, None).ok();
    let mut parts = Parts::new(py, level, origin);
    if arguments.positional > 0 {
        parts.message = text_of(&arguments.positional(py, 0));
    }
    if arguments.positional > 1 {
        parts.notes.push(("$args", "the interpreter is ending".into()));
    }
    if let Some(resolved) = resolved {
        parts.site = resolved.number;
        parts.inline_site = resolved.site;
    }
    let mut raised = if with_exception { exception::current(py) } else { None };
    let mut fields = Vec::new();
    for (index, name) in arguments.names(py).iter().flatten().enumerate() {
        let given = arguments.keyword(py, index);
        match name.cast::<PyString>().ok().and_then(site::parameter) {
            None if arguments.positional == 0 && is_message(&name) => parts.message = text_of(&given),
            Some(Parameter::ExcInfo) => {
                raised = given.cast_into::<PyBaseException>().ok().or_else(|| exception::current(py))
            }
            Some(_) => {}
            None => fields.push((name, given)),
        }
    }
    if let Some(error) = raised {
        MALFORMED.add(1);
        parts.notes.push(("$exception", type_name(error.as_any())));
    }
    parts.build(py, &fields)
}

/// Whether a keyword is the message, where that was not given by position: `logging` has a parameter of this name.
fn is_message(name: &Bound<'_, PyAny>) -> bool {
    name.cast::<PyString>().is_ok_and(|name| name.to_str().is_ok_and(|name| name == "msg"))
}

/// A call in all its forms, taken apart.
pub struct Call<'py> {
    pub level: i32,
    pub message: Bound<'py, PyAny>,
    /// Positional arguments after the message, for `%`.
    pub arguments: Vec<Bound<'py, PyAny>>,
    pub fields: Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>,
    pub exception: Option<Bound<'py, PyBaseException>>,
    pub stack: bool,
    pub stack_level: usize,
    pub ai: bool,
}

impl<'py> Call<'py> {
    /// Takes the arguments of a logging method apart. Whatever they are, there is a call.
    pub fn new(py: Python<'py>, level: i32, arguments: Arguments, with_exception: bool) -> Self {
        memory::expect(arguments.positional * size_of::<Bound<'_, PyAny>>());
        let mut call = Self {
            level,
            message: match arguments.positional {
                0 => PyString::intern(py, "").into_any(),
                _ => arguments.positional(py, 0),
            },
            arguments: (1..arguments.positional).map(|index| arguments.positional(py, index)).collect(),
            fields: Vec::new(),
            exception: if with_exception { exception::current(py) } else { None },
            stack: false,
            stack_level: 1,
            ai: false,
        };
        for (index, name) in arguments.names(py).iter().flatten().enumerate() {
            let given = arguments.keyword(py, index);
            if arguments.positional == 0 && is_message(&name) {
                call.message = given;
            } else {
                call.keyword(name, given);
            }
        }
        call
    }

    fn keyword(&mut self, name: Bound<'py, PyAny>, given: Bound<'py, PyAny>) {
        match name.cast::<PyString>().ok().and_then(site::parameter) {
            Some(Parameter::ExcInfo) => self.exception = exception_of(&given),
            Some(Parameter::StackInfo) => self.stack = is_true(&given),
            Some(Parameter::StackLevel) => self.stack_level = interrupt::ok(given.py(), given.extract()).unwrap_or(1),
            Some(Parameter::Extra) => self.extra(given),
            None => memory::push(&mut self.fields, (name, given)),
        }
    }

    /// Merges a mapping as fields; anything else is a field itself.
    fn extra(&mut self, given: Bound<'py, PyAny>) {
        if given.is_none() {
            return;
        }
        // A dictionary cannot change under a copy of its items; what other mappings give may have no end.
        let py = given.py();
        let items = as_mapping(&given).and_then(|mapping| {
            let items = if given.is_exact_instance_of::<PyDict>() {
                mapping.items().map(|items| items.into_any())
            } else {
                mapping.call_method0(intern!(py, "items"))
            };
            interrupt::ok(py, items.and_then(|items| items.try_iter()))
        });
        let Some(items) = items else {
            let name = intern!(py, "extra").clone().into_any();
            return self.fields.push((name, given));
        };
        for item in items.take(usize::from(u16::MAX)).map_while(|item| interrupt::ok(py, item)) {
            if let Some((name, field)) = interrupt::ok(py, item.extract()) {
                memory::push(&mut self.fields, (name, field));
            }
        }
    }

    /// The record of this call. `frame` is what it names as its place.
    pub fn capture(
        &self,
        py: Python<'py>,
        origin: &Origin<'_>,
        names: Option<&Bound<'_, PyTuple>>,
    ) -> PyResult<Buffer> {
        let frame = site::caller(py, self.stack_level);
        let resolved = site::resolve(frame.as_ref(), Some(&self.message), names)?;
        let mut parts = Parts::new(py, self.level, origin);
        parts.message = self.text(&mut parts.notes);
        parts.ai |= self.ai;
        if let Some(error) = &self.exception {
            parts.exception = exception_or_name(py, error, &mut parts.notes);
        }
        if self.stack
            && let Some(frame) = &frame
        {
            let mut blob = Vec::new();
            exception::capture_stack(py, frame, &mut blob);
            parts.stack = Some(blob);
        }
        parts.site = resolved.number;
        parts.inline_site = resolved.site;
        Ok(parts.build(py, &self.fields))
    }

    /// The message with its arguments, as `logging` merges them. What cannot be merged is kept beside it.
    fn text(&self, notes: &mut Vec<(&'static str, String)>) -> String {
        let message = text_of_message(&self.message);
        if self.arguments.is_empty() {
            return message;
        }
        let py = self.message.py();
        let Ok(arguments) = PyTuple::new(py, &self.arguments) else { return message };
        let merging = Merging::begin(arguments.as_any());
        match merging.expect_an_end().and_then(|()| merge(&message, &arguments)) {
            Ok(text) => text,
            Err(error) => {
                notes.extend(merging.failed(py, error, arguments.as_any()));
                message
            }
        }
    }
}

/// An exception, captured; where there is no memory for it, its name is noted: the record is worth more than the traceback.
pub fn exception_or_name(
    py: Python<'_>,
    error: &Bound<'_, PyBaseException>,
    notes: &mut Vec<(&'static str, String)>,
) -> Option<Vec<u8>> {
    let capture = || {
        let mut blob = Vec::new();
        exception::capture(py, error, &mut blob);
        blob
    };
    match catch_unwind(AssertUnwindSafe(capture)) {
        Ok(blob) => Some(blob),
        Err(payload) if payload.is::<OutOfMemory>() => {
            MALFORMED.add(1);
            notes.push(("$exception", type_name(error.as_any())));
            None
        }
        Err(payload) => resume_unwind(payload),
    }
}

/// `message % arguments`; a single mapping is the arguments by name.
fn merge(message: &str, arguments: &Bound<'_, PyTuple>) -> PyResult<String> {
    let py = arguments.py();
    stack::expect_python()?;
    let named = if arguments.len() == 1 { by_name(arguments.get_item(0)?)? } else { None };
    let new = match &named {
        Some(named) => redaction::without_named(message, named, || redaction::current(py)),
        None => None,
    };
    let arguments = named.as_ref().unwrap_or(arguments.as_any());
    Ok(text_of(&python_text(py, new.as_deref().unwrap_or(message))?.rem(arguments)?))
}

/// A single argument, where it is the arguments by name: a mapping that is not empty, as for `logging`.
fn by_name(single: Bound<'_, PyAny>) -> PyResult<Option<Bound<'_, PyAny>>> {
    // What has no items, or is a sequence, is not asked whether it is one: that takes longer than most texts.
    // SAFETY: a live object.
    let has_items = unsafe { ffi::PyMapping_Check(single.as_ptr()) } != 0
        && !single.is_exact_instance_of::<PyString>()
        && !single.is_exact_instance_of::<PyList>()
        && !single.is_exact_instance_of::<PyTuple>();
    let is_mapping = has_items && as_mapping(&single).is_some();
    Ok(if is_mapping && single.is_truthy()? { Some(single) } else { None })
}

/// What `exc_info` means: an exception, `sys.exc_info()`, or true for the one being handled.
pub fn exception_of<'py>(given: &Bound<'py, PyAny>) -> Option<Bound<'py, PyBaseException>> {
    if let Ok(error) = given.cast::<PyBaseException>() {
        return Some(error.clone());
    }
    if let Ok(triple) = given.cast::<PyTuple>() {
        let error = triple.get_item(1).ok()?;
        return if error.is_none() { exception_without_value(triple) } else { error.cast_into().ok() };
    }
    if is_true(given) { exception::current(given.py()) } else { None }
}

/// An exception of a triple that names its class and has no value of it, as where that could not be pickled. Its `__init__` may need
/// arguments that nobody has: it is not called.
#[cold]
fn exception_without_value<'py>(triple: &Bound<'py, PyTuple>) -> Option<Bound<'py, PyBaseException>> {
    let py = triple.py();
    let kind = triple.get_item(0).ok()?.cast_into::<PyType>().ok()?;
    if !interrupt::ok(py, kind.is_subclass_of::<PyBaseException>())? {
        return None;
    }
    let made = interrupt::ok(py, kind.call_method1(intern!(py, "__new__"), (&kind,)))?;
    let error = made.cast_into::<PyBaseException>().ok()?;
    if let Ok(traceback) = triple.get_item(2).and_then(|last| Ok(last.cast_into::<PyTraceback>()?)) {
        // SAFETY: a live exception and a live traceback; anything else would raise.
        unsafe { ffi::PyException_SetTraceback(error.as_ptr(), traceback.as_ptr()) };
    }
    Some(error)
}

/// The sections of a record that is put together step by step.
pub struct Parts<'a, 'py> {
    level: i32,
    origin: &'a Origin<'a>,
    thread: thread::Name,
    context: Option<Bound<'py, Context>>,
    pub time: i64,
    pub message: String,
    pub site: u32,
    pub inline_site: Option<Box<Site>>,
    pub ai: bool,
    /// The level's name where the record has another than the process.
    pub level_name: Option<String>,
    pub exception: Option<Vec<u8>>,
    pub stack: Option<Vec<u8>>,
    /// Fields of the library's own, after the call's.
    pub notes: Vec<(&'static str, String)>,
}

impl<'a, 'py> Parts<'a, 'py> {
    pub fn new(py: Python<'py>, level: i32, origin: &'a Origin<'a>) -> Self {
        Self {
            level,
            origin,
            thread: thread::number(py).map_or_else(|| thread::name(py), thread::Name::Number),
            context: origin.context(py),
            time: clock::now(py),
            message: String::new(),
            site: INLINE,
            inline_site: None,
            ai: false,
            level_name: None,
            exception: None,
            stack: None,
            notes: Vec::new(),
        }
    }

    /// Names the thread otherwise than the calling one.
    pub fn set_thread(&mut self, name: thread::Name) {
        self.thread = name;
    }

    pub fn build(self, py: Python<'py>, fields: &[(Bound<'py, PyAny>, Bound<'py, PyAny>)]) -> Buffer {
        // What fits the header's count is kept; a call with 65,536 fields is none.
        let kept = fields.len().min(usize::from(u16::MAX) - self.notes.len());
        let fields = &fields[..kept];
        memory::expect(kept * size_of::<Cow<'_, str>>());
        let names: Vec<Cow<'_, str>> = fields.iter().map(|(name, _)| Cow::Owned(text_of(name))).collect();
        let ai = self.ai || names.iter().any(|name| is_ai_field(name));
        let mut flags = 0;
        for (set, bit) in [
            (ai || self.context.as_ref().is_some_and(|context| context.get().is_ai()), flag::AI),
            (self.level_name.is_some(), flag::LEVEL_NAME),
            (self.context.is_some(), flag::CONTEXT),
            (self.exception.is_some(), flag::EXCEPTION),
            (self.stack.is_some(), flag::STACK),
        ] {
            flags |= if set { bit } else { 0 };
        }
        fork::notice(py);
        let mut out = Buffer::take();
        let header = Header {
            time: self.time,
            sequence: 0,
            level: self.level,
            site: self.site,
            logger: self.origin.number,
            thread: match self.thread {
                thread::Name::Number(number) => number,
                thread::Name::Text(_) => INLINE,
            },
            flags,
            extra: u16::try_from(fields.len() + self.notes.len()).unwrap_or(0),
        };
        out.put(&header.to_bytes());
        if let Some(name) = &self.level_name {
            out.put_text(name);
        }
        if self.site == INLINE {
            match &self.inline_site {
                Some(site) => record::put_inline_site(&mut out, site),
                None => record::put_inline_site(&mut out, &Site::unknown()),
            }
        }
        if self.origin.number == INLINE {
            out.put_text(self.origin.name);
        }
        if let thread::Name::Text(name) = &self.thread {
            out.put_text(name);
        }
        out.put_text(&self.message);
        if let Some(context) = &self.context {
            context.get().put(&mut out);
        }
        for blob in [&self.exception, &self.stack].into_iter().flatten() {
            out.put(&u32::try_from(blob.len()).unwrap_or(0).to_le_bytes());
            out.put(blob);
        }
        for (name, (_, field)) in names.iter().zip(fields) {
            out.put_text(name);
            // SAFETY: a live object.
            count(unsafe { value::capture(&mut out, field.as_ptr()) });
        }
        for (name, text) in &self.notes {
            out.put_text(name);
            out.put_value(Value::Text(text));
        }
        out
    }
}
