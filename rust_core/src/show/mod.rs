//! Lines of log files for people and for tables: as the console shows records, in one short line, as they are, or some of their values.
//!
//! Nothing of a line acts on a terminal, whoever has written it.

mod error;
mod layout;
mod line;
mod moment;
mod table;

use std::borrow::Cow;

use crate::archive::Keys;
use crate::encoder::{Process, Shown, Text, TextEncoder, text_columns};
use crate::escape;
use crate::level;
use crate::value::Value;
use layout::Slot;
use line::{Form, Kind, Line};
use moment::Moments;
use table::Table;

/// What lines become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// As the console shows records.
    #[default]
    Text,
    /// One line for each: time, first letter of the level, logger and message.
    Short,
    /// As they are.
    Json,
    /// Values with commas between them, as RFC 4180 has it.
    Csv,
    /// Values with tabs between them.
    Fields,
}

/// The names of formats.
pub const FORMATS: [(&str, Format); 5] = [
    ("text", Format::Text),
    ("short", Format::Short),
    ("json", Format::Json),
    ("csv", Format::Csv),
    ("fields", Format::Fields),
];

/// How lines are shown.
#[derive(Clone, Debug, Default)]
pub struct Look {
    pub format: Format,
    pub color: bool,
    /// Whether it is a terminal: with short times, parts below each other, and nothing that acts.
    pub is_terminal: bool,
    /// The width of lines. 0 for that of the terminal, as it is at each moment; `None` where they may be of any length.
    pub columns: Option<u16>,
    /// Whether times are UTC; otherwise they are local.
    pub utc: bool,
    /// Whether exceptions are shown whole.
    pub whole: bool,
    /// The names of the values in a table. Empty for the usual ones.
    pub fields: Vec<String>,
    /// Levels that programs have named.
    pub levels: Vec<(String, i32)>,
}

/// Shows lines, one after the other.
#[derive(Debug)]
pub struct Printer {
    look: Look,
    line: Line,
    moments: Moments,
    encoder: TextEncoder,
    table: Table,
    keys: Keys,
    /// Numbers of levels that were looked up.
    levels: Vec<(Box<str>, i32)>,
    text: String,
    exception: String,
}

/// More names of levels are looked up each time.
const MOST_LEVELS: usize = 64;
/// Memory that is kept from one line to the next.
const KEPT: usize = 256 << 10;
/// Columns that are more than any line has: parts stand below each other, and no line is broken.
const NO_BOUND: u16 = u16::MAX;

impl Printer {
    #[must_use]
    pub fn new(look: Look) -> Self {
        let zone = if look.utc { "utc" } else { "local" };
        let (template, columns) = match look.format {
            Format::Short => (format!("{{time:{zone}}} {{level:.1}} {{logger}} {{message}}"), Some(NO_BOUND)),
            _ => (format!("{{time:{zone}}} {{level}} {{logger}} {{message}}  {{fields}} {{ids}}"), look.columns),
        };
        let columns = columns.filter(|_| look.is_terminal);
        let text = Text { color: look.color, template, is_live: look.is_terminal, columns };
        let mut encoder = TextEncoder::new(&Process::here(), &text);
        encoder.begin_today();
        let keys = Keys { levels: look.levels.clone(), ..Keys::default() };
        Self {
            line: Line::default(),
            moments: Moments::new(look.utc),
            encoder,
            table: Table::new(&look),
            keys,
            levels: Vec::new(),
            text: String::new(),
            exception: String::new(),
            look,
        }
    }

    /// What stands above all lines.
    pub fn head(&self, out: &mut Vec<u8>) {
        if self.look.format == Format::Csv {
            self.table.head(out);
        }
    }

    /// Appends what a line becomes. `raw` has no newline.
    pub fn put(&mut self, raw: &[u8], out: &mut Vec<u8>) {
        if self.look.format == Format::Json && !self.look.is_terminal {
            out.extend_from_slice(raw);
            out.push(b'\n');
            return;
        }
        let line = str::from_utf8(raw).map_or_else(|_| String::from_utf8_lossy(raw), Cow::Borrowed);
        match self.look.format {
            Format::Json => self.put_as_it_is(&line, out),
            Format::Text | Format::Short => self.put_text(&line, out),
            Format::Csv | Format::Fields => {
                let form = self.line.read(&line);
                self.table.put(&self.line, form, &line, &mut self.moments, out);
            }
        }
    }

    /// A line that is no record of JSON: where it acts, it is shown with escapes.
    fn put_as_it_is(&mut self, line: &str, out: &mut Vec<u8>) {
        let start = out.len();
        if line.starts_with('{') && !line.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            out.extend_from_slice(line.as_bytes());
            escape::json_line(out, start);
        } else {
            self.text.clear();
            put_plain(&mut self.text, line);
            out.extend_from_slice(self.text.as_bytes());
        }
        out.push(b'\n');
    }

    fn put_text(&mut self, line: &str, out: &mut Vec<u8>) {
        self.text.clear();
        if self.line.read(line) == Form::Text {
            put_plain(&mut self.text, line);
            self.text.push('\n');
            if self.look.format == Format::Short && self.look.is_terminal {
                self.bound();
            }
        } else {
            self.put_record(line);
        }
        out.extend_from_slice(self.text.as_bytes());
        if self.text.capacity() > KEPT {
            self.text = String::new();
        }
    }

    fn put_record(&mut self, line: &str) {
        let Self { look, line: read, moments, encoder, levels, keys, text, exception, .. } = self;
        let is_short = look.format == Format::Short;
        let get = |slot: Slot| read.get(slot, line).map(|(value, _)| value);
        let level_name = get(Slot::Level).unwrap_or_default();
        let mut fields: Vec<(&str, Value<'_>)> = Vec::new();
        exception.clear();
        if !is_short {
            fields.reserve(16);
            for (slot, key, value, kind) in read.members(line) {
                if slot == Slot::Field {
                    fields.push((key, value_of(value, kind)));
                }
            }
            error::put(exception, read, line, look.whole);
        }
        let message = get(Slot::Message).unwrap_or_default();
        let message = if is_short { one_line(message) } else { Cow::Borrowed(message) };
        let capital;
        let shown_level = if level_name.bytes().any(|byte| byte.is_ascii_lowercase()) {
            capital = level_name.to_uppercase();
            &*capital
        } else {
            level_name
        };
        encoder.put_shown(
            Shown {
                time: moments.read(read, line),
                level: number_of(levels, keys, level_name),
                level_name: shown_level,
                logger: get(Slot::Logger).unwrap_or_default(),
                message: &message,
                // Google's ids stand behind a path.
                trace_id: get(Slot::Trace).map(|id| id.rsplit('/').next().unwrap_or(id)),
                span_id: get(Slot::Span),
                fields,
                exception: (!exception.is_empty()).then_some(&**exception),
                stack: get(Slot::Stack).filter(|_| look.whole && !is_short),
            },
            text,
        );
        if exception.capacity() > KEPT {
            *exception = String::new();
        }
        if is_short && look.is_terminal {
            self.bound();
        }
    }

    /// Cuts a line that is wider than the terminal.
    fn bound(&mut self) {
        let columns = match self.look.columns {
            Some(0) => crate::platform::terminal_columns(),
            columns => columns.map(usize::from),
        };
        let Some(columns) = columns else { return };
        let line = self.text.trim_end_matches('\n');
        if let Some(end) = end_of(line, columns) {
            self.text.truncate(end);
            self.text.push('…');
            self.text.push_str(if self.look.color { "\x1b[m\n" } else { "\n" });
        }
    }
}

/// Where a line has to end so that it takes these columns with a sign for what is cut. `None` if it has room. Colours take none.
fn end_of(line: &str, columns: usize) -> Option<usize> {
    let (mut used, mut end, mut in_color) = (0, 0, false);
    for (at, character) in line.char_indices() {
        if in_color || character == '\x1b' {
            in_color = character != 'm';
            continue;
        }
        let wide = text_columns(&line[at..at + character.len_utf8()]);
        if used + wide < columns {
            end = at + character.len_utf8();
        }
        used += wide;
        if used > columns {
            return Some(end);
        }
    }
    None
}

/// The first line of a text, with a sign if there are others.
fn one_line(text: &str) -> Cow<'_, str> {
    match text.trim_end().split_once('\n') {
        Some((first, _)) => Cow::Owned(format!("{} …", first.trim_end())),
        None => Cow::Borrowed(text.trim_end()),
    }
}

/// Appends a line of text in which nothing acts. A tab stands for blanks.
fn put_plain(out: &mut String, line: &str) {
    for (number, part) in line.trim_end_matches('\r').split('\t').enumerate() {
        if number > 0 {
            out.push_str("    ");
        }
        escape::put(out, part);
    }
}

fn value_of(value: &str, kind: Kind) -> Value<'_> {
    match kind {
        Kind::Text => Value::Text(value),
        Kind::Null => Value::Null,
        Kind::Word | Kind::Container => Value::Json(value),
    }
}

/// The number of a level by its name. One that nobody knows looks as one of information.
fn number_of(levels: &mut Vec<(Box<str>, i32)>, keys: &Keys, name: &str) -> i32 {
    if let Some((_, number)) = levels.iter().find(|(known, _)| **known == *name) {
        return *number;
    }
    let number = keys.level_number(name).unwrap_or(level::INFO);
    if levels.len() < MOST_LEVELS {
        levels.push((name.into(), number));
    }
    number
}

#[cfg(test)]
mod tests;
