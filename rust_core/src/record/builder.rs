//! Records that the engine makes itself.

use super::layout::{Inline, begin};
use super::{Header, INLINE, InlineSite};
use crate::value::{Put, Value};

/// Builds records inside the engine: what it says itself goes the way of every record.
#[derive(Debug)]
pub struct Builder<'a> {
    pub time: i64,
    pub level: i32,
    pub logger: &'a str,
    pub function: &'a str,
    pub message: &'a str,
}

impl Builder<'_> {
    pub fn put(&self, out: &mut impl Put, fields: &[(&str, Value<'_>)]) {
        // All of it inside the record: the writer must never wait for the lock of a table.
        let header = Header {
            time: self.time,
            sequence: 0,
            level: self.level,
            site: INLINE,
            logger: INLINE,
            thread: INLINE,
            flags: 0,
            extra: u16::try_from(fields.len()).unwrap_or(0),
        };
        let inline = Inline {
            level_name: None,
            site: Some(InlineSite { module: "unified_logger", function: self.function, line: 0 }),
            logger: Some(self.logger),
            // Whichever thread found out: one of the program's has no name here.
            thread: Some("unified_logger"),
        };
        let mut named = begin(out, &header).inline(&inline).message(self.message).sections([]).no_values();
        for (name, value) in fields {
            named.field(name, |out| out.put_value(*value));
        }
    }
}
