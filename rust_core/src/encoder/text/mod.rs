//! Records for people: a line each, and what has no room there in marked lines below it. Nothing of a record acts on a terminal.

mod fields;
mod parts;
mod screen;
mod style;
mod template;
mod time;
mod traceback;
mod value;
mod width;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::exception::{self, SourceCache};
use crate::fault_injection::{self, Fault};
use crate::names::Names;
use crate::record::{Header, INLINE, InlineSite, Record, Site};
use crate::table::View;
use crate::value::{Put, Reader, Value};

use super::{Encoder, Process, UNKNOWN, Whose};
use fields::Fields;
use screen::{MARK, Screen};
use template::{Below, Part, Piece, Template};
use time::TimeWriter;
use width::Width;

pub use screen::columns as text_columns;
pub use template::{NAMED, PARTS, Wrong};

/// Bytes of memory that are kept from one record to the next.
const KEPT: usize = 64 << 10;

/// How text looks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Text {
    pub color: bool,
    /// A template, or the name of one. Empty for that of the name `text`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub template: String,
    /// Whether people read the lines as they come: with local times and short ids.
    #[serde(skip_serializing_if = "is_false")]
    pub is_live: bool,
    /// The width of the lines, where parts then stand below each other. 0 for that of the terminal, as it is at each moment; `None` where lines may be of any length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<u16>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde wants it")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Text {
    /// As it is where nothing was asked for.
    pub const PLAIN: Self = Self { color: false, template: String::new(), is_live: false, columns: None };

    /// Without what only a terminal has: for a stream that may lead anywhere.
    #[must_use]
    pub fn for_stream(&self) -> Self {
        Self { color: false, columns: None, ..self.clone() }
    }
}

/// Checks a template.
///
/// # Errors
/// When it is none: with the character at which it is wrong.
pub fn check_template(text: &str) -> Result<(), Wrong> {
    Template::parse(text).map(drop)
}

#[derive(Debug)]
pub struct TextEncoder {
    template: Arc<Template>,
    color: bool,
    is_live: bool,
    /// Whether parts of one kind stand below each other: on a terminal. What goes elsewhere depends on no records before it.
    is_aligned: bool,
    width: Width,
    /// One for each part that is a time, in their order.
    times: Vec<TimeWriter>,
    names: Arc<Names>,
    process: u32,
    loggers: View<String, ()>,
    sites: View<Site, ()>,
    threads: View<String, ()>,
    sources: SourceCache,
    /// Columns that the longest name of a logger took so far, within bounds.
    logger_columns: usize,
    /// Memory for the lines, and for one of their parts.
    text: String,
    scratch: String,
}

/// The time of a record that has none.
pub const NO_TIME: i64 = i64::MIN;

/// A record that was read from a line: all that it says is in it, and its exception is a text already.
#[derive(Clone, Debug)]
pub struct Shown<'a> {
    /// `None` for one that has none.
    pub time: Option<i64>,
    pub level: i32,
    pub level_name: &'a str,
    pub logger: &'a str,
    pub message: &'a str,
    pub trace_id: Option<&'a str>,
    pub span_id: Option<&'a str>,
    pub fields: Vec<(&'a str, Value<'a>)>,
    /// Texts, with a line for each of theirs below the record.
    pub exception: Option<&'a str>,
    pub stack: Option<&'a str>,
}

/// What one record is made of.
#[derive(Clone, Copy)]
struct Given<'a> {
    record: &'a Record<'a>,
    site: Option<&'a Site>,
    message: &'a str,
    fields: &'a Fields<'a>,
    template: &'a Template,
    /// Exception and stack, where they are texts.
    below: [Option<&'a str>; 2],
}

impl Encoder for TextEncoder {
    fn encode(&mut self, record: &Record<'_>, _: Whose, out: &mut Vec<u8>) {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        self.put_record(record, &mut text);
        out.put(text.as_bytes());
        if text.capacity() <= KEPT {
            self.text = text;
        }
        fault_injection::pass(Fault::EncodeText);
    }

    /// Compares the first line and the last, which are the same whenever it is encoded, and counts those between: of a traceback, lines of source
    /// may have changed since.
    #[cold]
    fn find(&mut self, record: &Record<'_>, text: &[u8], line: &mut Vec<u8>) -> Option<usize> {
        self.encode(record, Whose::Application, line);
        let lines = |text| <[u8]>::split_inclusive(text, |byte: &u8| *byte == b'\n');
        let count = lines(line).count();
        let mut found = lines(text).take(count);
        let first = found.next().filter(|first| lines(line).next() == Some(first))?;
        let (mut bytes, mut read, mut last) = (first.len(), 1, first);
        for below in found.take_while(|line| line.starts_with(MARK.as_bytes())) {
            (bytes, read, last) = (bytes + below.len(), read + 1, below);
        }
        (read == count && lines(line).next_back() == Some(last)).then_some(bytes)
    }
}

impl TextEncoder {
    /// A template that is none, which no options allow, counts as the one of the name `text`: a black box may be planted.
    #[must_use]
    pub fn new(of: &Process, text: &Text) -> Self {
        let named = if text.template.is_empty() { "text" } else { &text.template };
        let template = Template::parse(named).or_else(|_| Template::parse("text")).unwrap_or_default();
        let times = template.pieces.iter().filter_map(|piece| match piece {
            Piece::Part(Part::Time(time), _) => Some(TimeWriter::new(time, text.is_live)),
            _ => None,
        });
        Self {
            times: times.collect(),
            color: text.color,
            is_live: text.is_live,
            is_aligned: text.is_live && text.columns.is_some(),
            width: Width::new(text.columns),
            template: Arc::new(template),
            names: Arc::clone(&of.names),
            process: of.id,
            loggers: View::new(),
            sites: View::new(),
            threads: View::new(),
            sources: SourceCache::default(),
            logger_columns: 0,
            text: String::new(),
            scratch: String::new(),
        }
    }

    fn put_record(&mut self, record: &Record<'_>, text: &mut String) {
        let template = Arc::clone(&self.template);
        let site = self.sites.get(&self.names.sites, record.header.site, |_| ()).map(|(site, ())| Arc::clone(site));
        let of_site = site.as_ref().and_then(|site| site.message.as_deref());
        let message = record.message.or(of_site).unwrap_or(UNKNOWN);
        let fields = Fields::read(record, site.as_deref());
        let site = site.as_deref();
        self.put_given(&Given { record, site, message, fields: &fields, template: &template, below: [None; 2] }, text);
    }

    /// Puts a record that was read from a line.
    pub fn put_shown(&mut self, shown: Shown<'_>, text: &mut String) {
        let template = Arc::clone(&self.template);
        let header = Header {
            time: shown.time.unwrap_or(NO_TIME),
            sequence: 0,
            level: shown.level,
            site: INLINE,
            logger: INLINE,
            thread: INLINE,
            flags: 0,
            extra: 0,
        };
        let record = Record {
            header,
            process: 0,
            level_name: Some(shown.level_name),
            site: Some(InlineSite::UNKNOWN),
            logger: Some(shown.logger),
            thread: Some(UNKNOWN),
            message: Some(shown.message),
            context: None,
            exception: None,
            stack: None,
            fields: Reader::checked(&[]),
        };
        let fields = Fields::of(shown.trace_id, shown.span_id, shown.fields);
        let below = [shown.exception, shown.stack];
        let (record, fields, template) = (&record, &fields, &*template);
        self.put_given(&Given { record, site: None, message: shown.message, fields, template, below }, text);
    }

    /// Lets the day of the first record be shown, if it is another one than today.
    pub fn begin_today(&mut self) {
        self.times.iter_mut().for_each(TimeWriter::begin_today);
    }

    fn put_given(&mut self, given: &Given<'_>, text: &mut String) {
        let template = given.template;
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut screen = Screen::new(text, self.color, self.width.now());
        self.put_line(&mut screen, &mut scratch, given, self.is_aligned);
        if screen.lines() > template.lines() && self.is_aligned {
            // Rather a line that is not aligned than another one.
            let aligned = screen.lines();
            screen.start_over();
            self.put_line(&mut screen, &mut scratch, given, false);
            if screen.lines() >= aligned {
                screen.start_over();
                self.put_line(&mut screen, &mut scratch, given, true);
            }
        }
        self.put_below(&mut screen, &mut scratch, given);
        screen.end();
        if scratch.capacity() <= KEPT {
            self.scratch = scratch;
        }
    }

    /// Puts what has lines of its own.
    fn put_below(&mut self, screen: &mut Screen<'_>, scratch: &mut String, given: &Given<'_>) {
        let Given { record, message, fields, template, below, .. } = *given;
        if memchr::memchr(b'\n', message.as_bytes()).is_some() && template.has(&Part::Message) {
            for line in value::lines(message).skip(1) {
                screen.new_line();
                scratch.clear();
                value::put_line(scratch, line);
                screen.put(style::of_message(record.header.level), scratch);
            }
        }
        if template.has(&Part::Fields) {
            for (name, text) in fields.with_lines(template) {
                value::put_lines(screen, scratch, name, text);
            }
        }
        if let Some(blob) = record.exception.filter(|_| template.exception == Below::Whole) {
            traceback::put(screen, scratch, &exception::marked_text(blob, &mut self.sources));
        }
        if let Some(blob) = record.stack.filter(|_| template.stack == Below::Whole) {
            traceback::put(screen, scratch, &exception::stack_text(blob, &mut self.sources));
        }
        let wanted = [template.exception, template.stack];
        for text in below.into_iter().zip(wanted).filter_map(|(text, wanted)| text.filter(|_| wanted == Below::Whole)) {
            traceback::put(screen, scratch, text);
        }
    }
}

#[cfg(test)]
mod tests;
