//! Records of the library's own.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::clock;
use crate::error_handler::ErrorHandler;
use crate::record::Builder;
use crate::value::{OutOfMemory, Value};

pub const NO_MEMORY: &str = "there is no memory for it";

pub const DAMAGED: &str = "it is damaged, or this library has a defect";

/// A record of the library's own, for `write_notice`. `None` if there is no memory for it, which is reported.
#[must_use]
pub fn build_notice(
    errors: &ErrorHandler,
    level: i32,
    function: &str,
    message: &str,
    fields: &[(&str, Value<'_>)],
) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let builder = Builder { time: clock::now(), level, logger: "unified_logger", function, message };
    match catch_unwind(AssertUnwindSafe(|| builder.put(&mut bytes, fields))) {
        Ok(()) => Some(bytes),
        Err(payload) if payload.is::<OutOfMemory>() => {
            lost(errors, message, NO_MEMORY);
            None
        }
        Err(payload) => resume_unwind(payload),
    }
}

/// Reports a record of the library's own that is missing in the log.
#[cold]
pub fn lost(errors: &ErrorHandler, message: &str, reason: &str) {
    errors.handle("write a record of its own", &format_args!("{reason}: {message}"));
}
