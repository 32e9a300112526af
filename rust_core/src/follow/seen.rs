//! What is known of a line, for those who ask more of it.

use std::borrow::Cow;

use super::matcher::Span;
use crate::archive::Value;

/// A line, and where its values are.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'l> {
    /// Without its newline.
    pub line: &'l [u8],
    /// In nanoseconds since 1970 UTC; None where none can be read.
    pub time: Option<i64>,
    pub(super) level: Option<&'l Span>,
    pub(super) logger: Option<&'l Span>,
    pub(super) trace: Option<&'l Span>,
}

impl<'l> Seen<'l> {
    fn text(&self, span: Option<&Span>) -> Option<Cow<'l, str>> {
        let span = span?;
        let bytes = self.line.get(span.range.clone())?;
        if !span.has_escapes {
            return Some(String::from_utf8_lossy(bytes));
        }
        let mut room = Vec::new();
        let bytes = Value::Escaped(bytes).bytes(&mut room)?;
        Some(Cow::Owned(String::from_utf8_lossy(bytes).into_owned()))
    }

    /// The name of its level, as the line has it.
    #[must_use]
    pub fn level(&self) -> Option<Cow<'l, str>> {
        self.text(self.level)
    }

    #[must_use]
    pub fn logger(&self) -> Option<Cow<'l, str>> {
        self.text(self.logger)
    }

    #[must_use]
    pub fn trace(&self) -> Option<Cow<'l, str>> {
        self.text(self.trace)
    }
}
