//! A record as it stands in a file.

use std::borrow::Cow;
use std::sync::Arc;

use super::matcher::{Line, Span};
use super::position::Position;
use super::seen::Seen;

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

    /// What is known of it.
    #[must_use]
    pub fn seen(&self) -> Seen<'_> {
        Seen {
            line: &self.raw,
            time: self.time,
            level: self.level.as_ref(),
            logger: self.logger.as_ref(),
            trace: self.trace.as_ref(),
        }
    }

    /// The name of its level, as the line has it.
    #[must_use]
    pub fn level(&self) -> Option<String> {
        self.seen().level().map(Cow::into_owned)
    }

    #[must_use]
    pub fn logger(&self) -> Option<String> {
        self.seen().logger().map(Cow::into_owned)
    }

    #[must_use]
    pub fn trace(&self) -> Option<String> {
        self.seen().trace().map(Cow::into_owned)
    }
}
