//! The fast capture, which takes nearly all calls. It must make the same record as `RecordBuilder`.

use pyo3::ffi;
use pyo3::prelude::*;
use unified_logger_core::record::layout::{self, Inline};
use unified_logger_core::record::{Header, INLINE, flag};
use unified_logger_core::slab::Buffer;

use super::site::{self, FastSite};
use super::{LoggerIdentity, clock, count, thread};
use crate::context::Context;
use crate::interpreter::arguments::Arguments;
use crate::interpreter::fork;
use crate::interpreter::frame::CallSite;
use crate::value;

/// Captures a call with one text and fields, from a known call site, in a context that was looked up before. Returns
/// `None` for any other call.
///
/// Always inlined: there are few callers, and a function call would cost as much as looking up the context.
#[inline(always)]
pub fn capture_fast(
    py: Python<'_>,
    level: i32,
    identity: &LoggerIdentity<'_>,
    context: Option<Bound<'_, Context>>,
    arguments: Arguments,
) -> Option<Buffer> {
    capture_fast_at::<false>(py, level, "", identity, context, arguments)
}

/// The same for a level whose name is in the record.
#[inline(never)]
pub fn capture_fast_named(
    py: Python<'_>,
    level: i32,
    level_name: &str,
    identity: &LoggerIdentity<'_>,
    context: Option<Bound<'_, Context>>,
    arguments: Arguments,
) -> Option<Buffer> {
    capture_fast_at::<true>(py, level, level_name, identity, context, arguments)
}

#[inline(always)]
fn capture_fast_at<const NAMED: bool>(
    py: Python<'_>,
    level: i32,
    level_name: &str,
    identity: &LoggerIdentity<'_>,
    context: Option<Bound<'_, Context>>,
    arguments: Arguments,
) -> Option<Buffer> {
    let time = clock::now(py);
    let thread = thread::number(py)?;
    if arguments.positional != 1 || identity.number == INLINE {
        return None;
    }
    // SAFETY: there is one positional argument, alive while the method runs.
    let message = unsafe { arguments.get(0) };
    // SAFETY: as above.
    if unsafe { ffi::PyUnicode_CheckExact(message) } == 0 {
        return None;
    }
    let call_site = CallSite::current(py)?;
    let FastSite { number: site, mut flags } = site::find(py, call_site, message, arguments.names)?;
    if let Some(context) = &context {
        flags |= flag::CONTEXT | if context.get().is_ai() { flag::AI } else { 0 };
    }
    if NAMED {
        flags |= flag::LEVEL_NAME;
    }
    fork::notice(py);
    let mut out = Buffer::alloc();
    let header = Header { time, sequence: 0, level, site, logger: identity.number, thread, flags, extra: 0 };
    let record = layout::begin(&mut out, &header);
    let record = if NAMED {
        record.inline(&Inline { level_name: Some(level_name), ..Inline::default() })
    } else {
        record.in_tables()
    };
    let record = if flags & flag::SITE_MESSAGE != 0 {
        record.of_site()
    } else {
        // SAFETY: a live text.
        record.message_by(|out| unsafe { value::capture_text(out, message) })
    };
    let record = record.sections(context.as_ref().map(|context| context.get().captured(level)));
    if !arguments.names.is_null() {
        // SAFETY: a live tuple; as many values follow the positional ones as it has items. Python code that runs here
        // cannot take the caller's arguments away.
        record.values(|out| unsafe {
            let (values, last) = (arguments.values.add(1), ffi::PyTuple_GET_SIZE(arguments.names).unsigned_abs());
            let mut next = value::capture_row(out, values, last);
            while next < last {
                count(value::capture(out, *values.add(next)));
                next += 1;
                next += value::capture_row(out, values.add(next), last - next);
            }
        });
    }
    Some(out)
}
