//! Builds a record step by step.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;
use unified_logger_core::memory;
use unified_logger_core::record::layout::{self, Inline};
use unified_logger_core::record::{Header, INLINE, InlineSite, Site, flag};
use unified_logger_core::router::is_ai_field;
use unified_logger_core::slab::Buffer;
use unified_logger_core::value::{OutOfMemory, Put, Value};

use super::{LoggerIdentity, clock, count, thread};
use crate::context::Context;
use crate::exception;
use crate::interpreter::counts::MALFORMED;
use crate::interpreter::fork;
use crate::value;
use crate::value::shown::{text_of, type_name};

/// Captures an exception. If there is no memory for it, only its name is noted: the record is worth more than the
/// traceback.
pub fn exception_or_name(
    py: Python<'_>,
    error: &Bound<'_, PyBaseException>,
    notes: &mut Vec<(&'static str, String)>,
) -> Option<Vec<u8>> {
    match catch_unwind(AssertUnwindSafe(|| exception::capture(py, error))) {
        Ok(blob) => Some(blob),
        Err(payload) if payload.is::<OutOfMemory>() => {
            MALFORMED.add(1);
            notes.push(("$exception", type_name(error.as_any())));
            None
        }
        Err(payload) => resume_unwind(payload),
    }
}

/// The sections of a record, collected step by step.
pub struct RecordBuilder<'a, 'py> {
    level: i32,
    identity: &'a LoggerIdentity<'a>,
    thread: thread::Name,
    context: Option<Bound<'py, Context>>,
    pub time: i64,
    pub message: String,
    pub site: u32,
    pub inline_site: Option<Box<Site>>,
    pub ai: bool,
    /// The level's name, if the record has another name for the level than the process.
    pub level_name: Option<String>,
    pub exception: Option<Vec<u8>>,
    pub stack: Option<Vec<u8>>,
    /// Fields that the library adds after those of the call.
    pub notes: Vec<(&'static str, String)>,
}

impl<'a, 'py> RecordBuilder<'a, 'py> {
    pub fn new(py: Python<'py>, level: i32, identity: &'a LoggerIdentity<'a>) -> Self {
        Self {
            level,
            identity,
            thread: thread::number(py).map_or_else(|| thread::name(py), thread::Name::Number),
            context: identity.context(py),
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

    /// Names another thread than the calling one.
    pub fn set_thread(&mut self, name: thread::Name) {
        self.thread = name;
    }

    pub fn build(self, py: Python<'py>, fields: &[(Bound<'py, PyAny>, Bound<'py, PyAny>)]) -> Buffer {
        // The header counts fields in 16 bits, so later fields of a call with more are left out.
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
        let mut out = Buffer::alloc();
        let header = Header {
            time: self.time,
            sequence: 0,
            level: self.level,
            site: self.site,
            logger: self.identity.number,
            thread: match self.thread {
                thread::Name::Number(number) => number,
                thread::Name::Text(_) => INLINE,
            },
            flags,
            extra: u16::try_from(fields.len() + self.notes.len()).unwrap_or(0),
        };
        let site = self.inline_site.as_deref().map_or(InlineSite::UNKNOWN, InlineSite::of);
        let inline = Inline {
            level_name: self.level_name.as_deref(),
            site: (self.site == INLINE).then_some(site),
            logger: (self.identity.number == INLINE).then_some(self.identity.name),
            thread: match &self.thread {
                thread::Name::Number(_) => None,
                thread::Name::Text(name) => Some(name),
            },
        };
        let context = self.context.as_ref().map(|context| context.get().captured(self.level));
        let sections = [context, self.exception.as_deref(), self.stack.as_deref()];
        let record = layout::begin(&mut out, &header).inline(&inline).message(&self.message);
        let mut record = record.sections(sections.into_iter().flatten()).no_values();
        for (name, (_, field)) in names.iter().zip(fields) {
            // SAFETY: a live object.
            record.field(name, |out| count(unsafe { value::capture(out, field.as_ptr()) }));
        }
        for (name, text) in &self.notes {
            record.field(name, |out| out.put_value(Value::Text(text)));
        }
        out
    }
}
