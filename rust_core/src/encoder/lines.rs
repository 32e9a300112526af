//! The lines of a record: it is redacted once, and encoded once for each format. Every line of a record is made here.

use std::sync::Arc;

use super::{Encoder, Format, Process, Whose};
use crate::fault_injection::{self, Fault};
use crate::record::Record;
use crate::redaction::{Redactor, Rules};
use crate::value::Put;

#[derive(Debug)]
pub struct Lines {
    redactor: Option<Redactor>,
    encoders: Vec<EncodedLine>,
}

#[derive(Debug)]
struct EncodedLine {
    format: Format,
    encoder: Box<dyn Encoder>,
    line: Vec<u8>,
}

impl Lines {
    /// Lines of the records of one process, in these formats. Without rules every record stays as it is.
    #[must_use]
    pub fn new(process: &Process, redaction: Option<Arc<Rules>>, formats: &[&Format]) -> Self {
        let mut redactor = redaction.map(|rules| Redactor::new(rules, Arc::clone(&process.names)));
        let redacted =
            redactor.as_mut().map(|redactor| process.clone().with_fields(&process.fields.redacted(redactor)));
        let process = redacted.as_ref().unwrap_or(process);
        let mut lines = Self { redactor, encoders: Vec::new() };
        for format in formats {
            if lines.encoders.iter().all(|one| one.format != **format) {
                let encoder = format.encoder(process);
                lines.encoders.push(EncodedLine { format: (*format).clone(), encoder, line: Vec::new() });
            }
        }
        lines
    }

    /// The number of a format. 0 for a format that was not asked for, which is also the number of an only format.
    #[must_use]
    pub fn number(&self, format: &Format) -> usize {
        self.encoders.iter().position(|one| one.format == *format).unwrap_or(0)
    }

    /// Whether they were made of these.
    #[must_use]
    pub fn are_of(&self, redaction: Option<&Arc<Rules>>, format: &Format) -> bool {
        self.redactor.as_ref().map(|redactor| Arc::as_ptr(redactor.rules())) == redaction.map(Arc::as_ptr)
            && self.encoders.iter().all(|one| one.format == *format)
    }

    /// Encodes a record in the wanted formats, each into memory of its own: if one fails, nothing of the record has gone anywhere.
    /// `wanted` has a bit for each format, by its number; `expected` is how many bytes a line may well have.
    #[inline]
    pub fn encode(&mut self, record: &Record<'_>, whose: Whose, wanted: u64, expected: usize) {
        self.redacted(record, whose, |record, encoders| {
            for (number, EncodedLine { encoder, line, .. }) in encoders.iter_mut().enumerate() {
                if wanted & 1 << number != 0 {
                    line.clear();
                    fault_injection::pass(Fault::Encode);
                    line.room(expected);
                    encoder.encode(record, whose, line);
                }
            }
        });
    }

    /// The lines of the record that was encoded last in the format of this number.
    #[inline]
    #[must_use]
    pub fn of(&self, number: usize) -> &[u8] {
        &self.encoders[number].line
    }

    /// How many bytes the record has at the beginning of `text`, where it stands there in the format of this number.
    pub fn find(&mut self, record: &Record<'_>, number: usize, text: &[u8]) -> Option<usize> {
        let mut found = None;
        self.redacted(record, Whose::Application, |record, encoders| {
            let EncodedLine { encoder, line, .. } = &mut encoders[number];
            line.clear();
            found = encoder.find(record, text, line);
        });
        found
    }

    /// Has a record encoded without what must not be in it.
    #[inline]
    fn redacted(&mut self, record: &Record<'_>, whose: Whose, encode: impl FnOnce(&Record<'_>, &mut [EncodedLine])) {
        let Self { redactor, encoders } = self;
        let Some(redactor) = redactor else { return encode(record, encoders) };
        fault_injection::pass(Fault::Redact);
        let record = match whose {
            Whose::Application => redactor.redact(record),
            Whose::Library => redactor.redact_own(record),
        };
        encode(&record, encoders);
    }

    /// How many values and texts were replaced since this was last asked.
    pub fn take_redacted(&mut self) -> u64 {
        self.redactor.as_mut().map_or(0, Redactor::take_count)
    }
}
