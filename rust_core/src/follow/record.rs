//! A record as it stands in a file.

use std::sync::Arc;

use super::matcher::{Line, Span};
use super::position::Position;
use crate::archive::Value;

/// A line of a file, and where it stands.
#[derive(Clone, Debug)]
pub struct Record {
    /// Without its newline.
    pub raw: Vec<u8>,
    /// In nanoseconds since 1970 UTC; None where none can be read.
    pub time: Option<i64>,
    /// The name of the file that it was read from, as it was then.
    pub file: Arc<str>,
    /// The place behind it.
    pub position: Position,
    level: Option<Span>,
    logger: Option<Span>,
    trace: Option<Span>,
}

impl Record {
    pub(super) fn of(bytes: &[u8], line: Line, file: &Arc<str>, position: Position) -> Self {
        Self {
            raw: bytes[line.range].to_vec(),
            time: line.time,
            file: Arc::clone(file),
            position,
            level: line.level,
            logger: line.logger,
            trace: line.trace,
        }
    }

    fn text(&self, span: Option<&Span>) -> Option<String> {
        let span = span?;
        let bytes = self.raw.get(span.range.clone())?;
        let value = if span.has_escapes { Value::Escaped(bytes) } else { Value::Plain(bytes) };
        value.bytes(&mut Vec::new()).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// The name of its level, as the line has it.
    #[must_use]
    pub fn level(&self) -> Option<String> {
        self.text(self.level.as_ref())
    }

    #[must_use]
    pub fn logger(&self) -> Option<String> {
        self.text(self.logger.as_ref())
    }

    #[must_use]
    pub fn trace(&self) -> Option<String> {
        self.text(self.trace.as_ref())
    }
}
