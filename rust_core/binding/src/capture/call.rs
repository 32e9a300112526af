//! A logging call in any form, with its arguments sorted.

use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use unified_logger_core::memory;
use unified_logger_core::slab::Buffer;

use super::braces::{Merged, Template};
use super::builder::{RecordBuilder, exception_or_name};
use super::merging::{Merging, merge};
use super::site::{self, Parameter};
use super::{LoggerIdentity, exception_of};
use crate::exception;
use crate::interpreter::arguments::Arguments;
use crate::interpreter::counts::MALFORMED;
use crate::interpreter::gil::intern;
use crate::interpreter::interrupt;
use crate::interpreter::made::{self, OrGiveUp};
use crate::value::asked::text_of_message;
use crate::value::shown::{as_mapping, is_true, text_of, type_name};

/// Captures a call of any form near the interpreter's end, without running Python code. A value that would need Python
/// code is named by its type.
pub fn capture_bare(
    py: Python<'_>,
    level: CallLevel,
    identity: &LoggerIdentity<'_>,
    arguments: Arguments,
    with_exception: bool,
) -> Buffer {
    let frame = site::caller(py, 1);
    let resolved = site::resolve(frame.as_ref(), None, None).ok();
    let mut builder = RecordBuilder::new(py, level.number, identity);
    builder.level_name = level.name;
    builder.notes.extend(level.unread.map(|given| ("$level", given)));
    if arguments.positional > 0 {
        builder.message = text_of(&arguments.positional(py, 0));
    }
    if arguments.positional > 1 {
        builder.notes.push(("$args", "the interpreter is ending".into()));
    }
    if let Some(resolved) = resolved {
        builder.site = resolved.number;
        builder.inline_site = resolved.site;
    }
    let mut raised = if with_exception { exception::current(py) } else { None };
    let mut fields = Vec::new();
    for (index, name) in arguments.names(py).iter().flatten().enumerate() {
        let given = arguments.keyword(py, index);
        match name.cast::<PyString>().ok().and_then(site::parameter) {
            None if arguments.positional == 0 && is_message(&name) => builder.message = text_of(&given),
            Some(Parameter::ExcInfo) => {
                raised = given.cast_into::<PyBaseException>().ok().or_else(|| exception::current(py))
            }
            Some(_) => {}
            None => fields.push((name, given)),
        }
    }
    if let Some(error) = raised {
        MALFORMED.add(1);
        builder.notes.push(("$exception", type_name(error.as_any())));
    }
    builder.build(py, &fields)
}

/// Whether a keyword is the message. `logging` has a parameter of this name, so a message may come as a keyword.
fn is_message(name: &Bound<'_, PyAny>) -> bool {
    name.cast::<PyString>().is_ok_and(|name| name.to_str().is_ok_and(|name| name == "msg"))
}

/// The level of a call.
#[derive(Default)]
pub struct CallLevel {
    pub number: i32,
    /// Its name, if the record has to carry it.
    pub name: Option<String>,
    /// What was given instead of a level.
    pub unread: Option<String>,
}

impl CallLevel {
    pub fn of(number: i32) -> Self {
        Self { number, ..Self::default() }
    }
}

/// A call in all its forms, with its arguments sorted.
pub struct Call<'py> {
    pub level: CallLevel,
    pub message: Bound<'py, PyAny>,
    /// The merged message, if it was merged before.
    pub merged_text: Option<Bound<'py, PyString>>,
    /// Fields that the library adds after those of the call.
    pub notes: Vec<(&'static str, String)>,
    /// Positional arguments after the message, for `%`.
    pub arguments: Vec<Bound<'py, PyAny>>,
    pub fields: Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>,
    pub exception: Option<Bound<'py, PyBaseException>>,
    pub stack: bool,
    pub stack_level: usize,
    pub ai: bool,
}

impl<'py> Call<'py> {
    /// Sorts the arguments of a logging method. Any arguments make a call.
    pub fn new(py: Python<'py>, level: CallLevel, arguments: Arguments, with_exception: bool) -> Self {
        memory::expect(arguments.positional * size_of::<Bound<'_, PyAny>>());
        let unread = level.unread.clone().map(|given| ("$level", given));
        let mut call = Self {
            level,
            merged_text: None,
            notes: unread.into_iter().collect(),
            message: match arguments.positional {
                0 => made::text(py, "").or_give_up().into_any(),
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

    /// Merges a mapping as fields. Anything else becomes a field itself.
    fn extra(&mut self, given: Bound<'py, PyAny>) {
        if given.is_none() {
            return;
        }
        // A dictionary cannot change under a copy of its items. Items of other mappings may have no end.
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

    /// The same call with its arguments in its message. If they do not fit, fields keep them.
    pub fn merged(mut self, py: Python<'py>) -> Self {
        let mut notes = std::mem::take(&mut self.notes);
        if let Some(text) = self.merged_text.take() {
            self.message = text.into_any();
        } else if !self.arguments.is_empty() {
            let text = self.text(&mut notes);
            self.message = made::text(py, &text).or_give_up().into_any();
            self.arguments = Vec::new();
        }
        for (name, note) in notes {
            self.fields.push((
                made::interned(py, name).or_give_up().into_any(),
                made::text(py, &note).or_give_up().into_any(),
            ));
        }
        self
    }

    /// Merges the message as `str.format` does. Then it has no arguments any more.
    pub fn merge_braces(&mut self, identity: &LoggerIdentity<'_>) {
        let py = self.message.py();
        let is_text = self.message.is_instance_of::<PyString>();
        // Another object is its text, and that is no template unless there are arguments for it.
        if !is_text && self.arguments.is_empty() {
            return;
        }
        let text = match self.message.cast_exact::<PyString>() {
            Ok(text) => Some(text.clone()),
            Err(_) => {
                let text = made::text(py, &text_of_message(&self.message));
                interrupt::ok(py, text)
            }
        };
        let named = made::dict(py).or_give_up();
        for (name, field) in self.fields.iter().filter(|(name, _)| name.is_instance_of::<PyString>()) {
            interrupt::ok(py, named.set_item(name, field));
        }
        let arguments = interrupt::ok(py, PyTuple::new(py, &self.arguments));
        let (Some(text), Some(arguments)) = (text, arguments) else { return };
        let bound = identity.bound.map(|bound| bound.fields.named(py));
        // An object is not asked for its text a second time.
        let known = (!is_text).then(|| text.clone());
        let Merged { text, notes } = Template { text, arguments, named, bound }.merge();
        self.merged_text = text.or(known);
        self.notes.extend(notes);
        // Those that are not in the message are in the notes.
        self.arguments.clear();
    }

    /// The record of this call. The record names `frame` as its call site.
    pub fn capture(
        &self,
        py: Python<'py>,
        identity: &LoggerIdentity<'_>,
        names: Option<&Bound<'_, PyTuple>>,
    ) -> PyResult<Buffer> {
        let frame = site::caller(py, self.stack_level);
        let resolved = site::resolve(frame.as_ref(), Some(&self.message), names)?;
        let mut builder = RecordBuilder::new(py, self.level.number, identity);
        builder.level_name.clone_from(&self.level.name);
        builder.notes.clone_from(&self.notes);
        builder.message = match &self.merged_text {
            Some(merged) => text_of(merged.as_any()),
            None => self.text(&mut builder.notes),
        };
        builder.ai |= self.ai;
        if let Some(error) = &self.exception {
            builder.exception = exception_or_name(py, error, &mut builder.notes);
        }
        if self.stack
            && let Some(frame) = &frame
        {
            builder.stack = Some(exception::capture_stack(py, frame));
        }
        builder.site = resolved.number;
        builder.inline_site = resolved.site;
        Ok(builder.build(py, &self.fields))
    }

    /// The message with its arguments, as `logging` merges them. If they cannot be merged, the message stays as it is
    /// and notes keep the arguments.
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
