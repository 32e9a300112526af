//! The parts of a record of `logging`, and the captured record made of them.

use std::borrow::Cow;
use std::sync::Arc;

use crate::capture::clock;
use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use unified_logger_core::record::{Header, INLINE, Site, flag, layout};
use unified_logger_core::redaction::Rules;
use unified_logger_core::slab::Buffer;

use super::attribute::Field;
use super::call_site::RecordSite;
use crate::capture::merging::Merging;
use crate::capture::site::FastSite;
use crate::capture::thread;
use crate::capture::{LoggerIdentity, RecordBuilder, count, exception_or_name};
use crate::context;
use crate::interpreter::ending;
use crate::interpreter::fork;
use crate::interpreter::gil::let_go_of_dropped;
use crate::interpreter::made;
use crate::interpreter::stack;
use crate::redaction;
use crate::value;
use crate::value::asked::text_of_message;
use crate::value::shown::text_of;

pub struct LogRecordParts<'py> {
    pub level: i32,
    /// The level's name, if the record has another name for the level than the process.
    pub level_name: Option<String>,
    /// The logger's number, and its name if it has no number.
    pub logger: u32,
    pub name: String,
    /// Nanoseconds since the epoch. `None` stands for now.
    pub time: Option<i64>,
    /// `None` stands for the calling thread.
    pub thread: Option<thread::Name>,
    pub message: Option<Bound<'py, PyAny>>,
    /// For `%`: a tuple or a mapping.
    pub arguments: Option<Bound<'py, PyAny>>,
    pub site: RecordSite,
    /// Written into the record if the table is full.
    pub inline_site: Option<Box<Site>>,
    pub fields: Vec<Field<'py>>,
    pub exception: Option<Bound<'py, PyBaseException>>,
    pub exception_text: Option<String>,
    pub stack: Option<Vec<u8>>,
    pub ai: bool,
}

/// A merged message, and the notes about it.
struct Merged<'py> {
    text: Text<'py>,
    notes: Vec<(&'static str, String)>,
}

enum Text<'py> {
    /// Exactly a `str`.
    Python(Bound<'py, PyString>),
    Owned(String),
}

impl<'py> LogRecordParts<'py> {
    /// Builds the record. The rules are asked for only if the message takes its arguments by name.
    pub fn build(self, py: Python<'py>, rules: impl FnOnce() -> Option<Arc<Rules>>) -> Buffer {
        let Merged { text, notes } = merge(py, self.message.as_ref(), self.arguments.as_ref(), rules);
        let nothing_else = self.level_name.is_none()
            && self.exception.is_none()
            && self.exception_text.is_none()
            && self.stack.is_none()
            && !self.ai
            && notes.is_empty()
            && self.logger != INLINE;
        if nothing_else
            && let (Text::Python(message), Some(site)) = (&text, self.site.fast)
            && let Some(thread) = self.thread_number(py)
        {
            return self.build_fast(py, message, site, thread);
        }
        let identity = LoggerIdentity { number: self.logger, name: &self.name, bound: None };
        let mut builder = RecordBuilder::new(py, self.level, &identity);
        builder.ai = self.ai;
        builder.level_name = self.level_name;
        builder.notes = notes;
        if let Some(time) = self.time {
            builder.time = time;
        }
        if let Some(thread) = self.thread {
            builder.set_thread(thread);
        }
        builder.message = match text {
            Text::Python(message) => text_of(message.as_any()),
            Text::Owned(message) => message,
        };
        builder.site = self.site.bare;
        builder.inline_site = self.inline_site;
        if ending::is_here(py) {
            // Near the end neither the exception nor the text that `logging` made of it can be asked.
        } else if let Some(error) = &self.exception {
            builder.exception = exception_or_name(py, error, &mut builder.notes);
        } else if let Some(text) = self.exception_text {
            builder.notes.push(("exc_text", text));
        }
        builder.stack = self.stack;
        builder.build(py, &self.fields)
    }
    fn thread_number(&self, py: Python<'_>) -> Option<u32> {
        match &self.thread {
            Some(thread::Name::Number(number)) => Some(*number),
            Some(thread::Name::Text(_)) => None,
            None => thread::number(py).or_else(|| match thread::name(py) {
                thread::Name::Number(number) => Some(number),
                thread::Name::Text(_) => None,
            }),
        }
    }

    /// Builds the record of most calls: a text and fields, from a known call site.
    fn build_fast(&self, py: Python<'py>, message: &Bound<'py, PyString>, site: FastSite, thread: u32) -> Buffer {
        let context = context::current(py);
        let mut flags = site.flags;
        if let Some(context) = &context {
            flags |= flag::CONTEXT | if context.get().is_ai() { flag::AI } else { 0 };
        }
        fork::notice(py);
        let mut out = Buffer::alloc();
        let header = Header {
            time: self.time.unwrap_or_else(|| clock::now(py)),
            sequence: 0,
            level: self.level,
            site: site.number,
            logger: self.logger,
            thread,
            flags,
            extra: 0,
        };
        layout::begin(&mut out, &header)
            .in_tables()
            // SAFETY: a live text.
            .message_by(|out| unsafe { value::capture_text(out, message.as_ptr()) })
            .sections(context.as_ref().map(|context| context.get().captured(self.level)))
            .values(|out| {
                for (_, field) in &self.fields {
                    // SAFETY: a live object, held.
                    count(unsafe { value::capture(out, field.as_ptr()) });
                }
            });
        out
    }
}

/// Merges a message with its arguments. If they do not fit, the message stays as it is.
fn merge<'py>(
    py: Python<'py>,
    message: Option<&Bound<'py, PyAny>>,
    arguments: Option<&Bound<'py, PyAny>>,
    rules: impl FnOnce() -> Option<Arc<Rules>>,
) -> Merged<'py> {
    let Some(message) = message else { return Merged::whole(Text::Owned("None".to_owned())) };
    let raw = match message.cast_exact::<PyString>() {
        Ok(message) => Text::Python(message.clone()),
        Err(_) => Text::Owned(text_of_message(message)),
    };
    let Some(given) = arguments else { return Merged::whole(raw) };
    if ending::is_here(py) {
        return Merged { text: raw, notes: vec![("$args", "the interpreter is ending".into())] };
    }
    let merging = Merging::begin(given);
    let modulo = || {
        merging.expect_an_end()?;
        let new = if given.is_exact_instance_of::<PyTuple>() { None } else { raw.without_named(given, rules) };
        new.as_ref().unwrap_or(&raw).modulo(py, given)
    };
    match modulo() {
        Ok(text) => Merged::whole(text),
        Err(error) => {
            let notes = merging.failed(py, error, given);
            let_go_of_dropped();
            Merged { text: raw, notes }
        }
    }
}

/// The merged message as a text, and the notes about it.
pub fn merged(
    py: Python<'_>,
    message: Option<&Bound<'_, PyAny>>,
    arguments: Option<&Bound<'_, PyAny>>,
    rules: impl FnOnce() -> Option<Arc<Rules>>,
) -> (String, Vec<(&'static str, String)>) {
    let Merged { text, notes } = merge(py, message, arguments, rules);
    match text {
        Text::Python(message) => (text_of(message.as_any()), notes),
        Text::Owned(message) => (message, notes),
    }
}

impl Merged<'_> {
    fn whole(text: Text<'_>) -> Merged<'_> {
        Merged { text, notes: Vec::new() }
    }
}

impl<'py> Text<'py> {
    /// The message without the secrets that it would take by name from these arguments.
    fn without_named(&self, given: &Bound<'py, PyAny>, rules: impl FnOnce() -> Option<Arc<Rules>>) -> Option<Self> {
        let rules = rules()?;
        let message = match self {
            Self::Python(text) => Cow::Owned(text_of(text.as_any())),
            Self::Owned(text) => Cow::Borrowed(text.as_str()),
        };
        redaction::without_named(&message, given, || Some(rules)).map(Self::Owned)
    }

    fn modulo(&self, py: Python<'py>, given: &Bound<'py, PyAny>) -> PyResult<Self> {
        stack::expect_python()?;
        let merged = match self {
            Self::Python(text) => text.as_any().rem(given)?,
            Self::Owned(text) => made::text(py, text)?.rem(given)?,
        };
        Ok(match merged.cast_into_exact::<PyString>() {
            Ok(text) => Self::Python(text),
            Err(other) => Self::Owned(text_of(&other.into_inner())),
        })
    }
}
