//! Captures the usual calls of a logger whose messages are merged as by `str.format`: texts from known call sites, with
//! fields and arguments. It makes the same records as `Call::capture`.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use unified_logger_core::record::layout::{self, Inline};
use unified_logger_core::record::{Header, INLINE, flag};
use unified_logger_core::slab::Buffer;
use unified_logger_core::value::{Put, Value};

use super::braces::{Merged, Template, has_braces};
use super::fast::{capture_fast, capture_fast_named};
use super::site::{self, FastSite};
use super::{CallLevel, LoggerIdentity, clock, count, thread};
use crate::interpreter::arguments::Arguments;
use crate::interpreter::fork;
use crate::interpreter::frame::CallSite;
use crate::interpreter::interrupt;
use crate::interpreter::made::{self, OrGiveUp};
use crate::value;

/// Captures a call. Returns `None` for a call that is not as most are, before any of its values is asked.
pub fn capture_braced(
    py: Python<'_>,
    level: &CallLevel,
    identity: &LoggerIdentity<'_>,
    arguments: Arguments,
) -> Option<Buffer> {
    if arguments.positional == 0 || identity.number == INLINE || level.unread.is_some() {
        return None;
    }
    // SAFETY: there is one positional argument, alive while the method runs.
    let message = unsafe { arguments.get(0) };
    // SAFETY: as above; a text where its characters are read.
    if unsafe { ffi::PyUnicode_CheckExact(message) == 0 } {
        return None;
    }
    let context = identity.context(py);
    // SAFETY: a live text.
    if unsafe { !has_braces(py, message) } {
        return match &level.name {
            None => capture_fast(py, level.number, identity, context, arguments),
            Some(name) => capture_fast_named(py, level.number, name, identity, context, arguments),
        };
    }
    let time = clock::now(py);
    let thread = thread::number(py)?;
    let FastSite { number: site, mut flags } = site::find(py, CallSite::current(py)?, message, arguments.names)?;
    let Merged { text, notes } = template(py, identity, arguments)?.merge();
    if let Some(context) = &context {
        flags |= flag::CONTEXT | if context.get().is_ai() { flag::AI } else { 0 };
    }
    flags |= if level.name.is_some() { flag::LEVEL_NAME } else { 0 };
    if text.is_some() {
        flags &= !flag::SITE_MESSAGE;
    }
    fork::notice(py);
    let mut out = Buffer::alloc();
    let extra = u16::try_from(notes.len()).unwrap_or(0);
    let header = Header { time, sequence: 0, level: level.number, site, logger: identity.number, thread, flags, extra };
    let record =
        layout::begin(&mut out, &header).inline(&Inline { level_name: level.name.as_deref(), ..Inline::default() });
    let record = if flags & flag::SITE_MESSAGE != 0 {
        record.of_site()
    } else {
        let message = text.as_ref().map_or(message, Bound::as_ptr);
        // SAFETY: a live text.
        record.message_by(|out| unsafe { value::capture_text(out, message) })
    };
    let record = record.sections(context.as_ref().map(|context| context.get().captured(level.number)));
    let mut record = record.values(|out| {
        for index in 0..arguments.names(py).map_or(0, |names| names.len()) {
            // SAFETY: a live object, held by the caller of the method.
            count(unsafe { value::capture(out, arguments.keyword(py, index).as_ptr()) });
        }
    });
    for (name, text) in &notes {
        record.field(name, |out| out.put_value(Value::Text(text)));
    }
    Some(out)
}

/// The message of a call whose keywords are all fields.
fn template<'a, 'py>(
    py: Python<'py>,
    identity: &'a LoggerIdentity<'_>,
    arguments: Arguments,
) -> Option<Template<'a, 'py>> {
    let positional = (1..arguments.positional).map(|index| arguments.positional(py, index));
    let named = made::dict(py).or_give_up();
    for (index, name) in arguments.names(py).iter().flatten().enumerate() {
        interrupt::ok(py, named.set_item(name, arguments.keyword(py, index)))?;
    }
    Some(Template {
        text: arguments.positional(py, 0).cast_into_exact().ok()?,
        arguments: interrupt::ok(py, PyTuple::new(py, positional.collect::<Vec<_>>()))?,
        named,
        bound: identity.bound.map(|bound| bound.fields.named(py)),
    })
}
