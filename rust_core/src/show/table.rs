//! Some values of each line: with commas as RFC 4180 has it, or with tabs.

use std::borrow::Cow;

use serde_json::Value;

use super::layout::Slot;
use super::line::{Form, Kind, Line};
use super::moment::Moments;
use super::{Format, Look, put_plain};
use crate::escape;

/// What tables have where nothing else is asked for.
const USUAL: [&str; 5] = ["time", "level", "logger", "message", "trace_id"];

/// The columns of a table.
#[derive(Debug)]
pub struct Table {
    names: Vec<String>,
    is_csv: bool,
    /// Whether it is shown on a terminal.
    is_terminal: bool,
}

/// What lines hold by the names of a record, whatever they call it.
fn held_by(name: &str) -> Option<Slot> {
    Some(match name {
        "time" | "timestamp" => Slot::Time,
        "level" => Slot::Level,
        "logger" => Slot::Logger,
        "message" => Slot::Message,
        "module" => Slot::Module,
        "function" => Slot::Function,
        "line" => Slot::Line,
        "thread" => Slot::Thread,
        "process" => Slot::Process,
        "trace_id" => Slot::Trace,
        "span_id" => Slot::Span,
        "exception" => Slot::Exception,
        "stack" => Slot::Stack,
        _ => return None,
    })
}

impl Table {
    pub fn new(look: &Look) -> Self {
        let usual = || USUAL.map(str::to_owned).to_vec();
        Self {
            names: if look.fields.is_empty() { usual() } else { look.fields.clone() },
            is_csv: look.format == Format::Csv,
            is_terminal: look.is_terminal,
        }
    }

    /// The names of the columns.
    pub fn head(&self, out: &mut Vec<u8>) {
        for (number, name) in self.names.iter().enumerate() {
            self.cell(number, name, out);
        }
        out.extend_from_slice(b"\r\n");
    }

    /// Appends the row of a line. One that is no record has its text as its message.
    pub fn put(&self, read: &Line, form: Form, line: &str, moments: &mut Moments, out: &mut Vec<u8>) {
        for (number, name) in self.names.iter().enumerate() {
            let value = match form {
                Form::Text if name == "message" => Cow::Borrowed(line),
                Form::Text => Cow::Borrowed(""),
                Form::Json | Form::Pairs => value(name, read, line, moments),
            };
            self.cell(number, &value, out);
        }
        out.extend_from_slice(if self.is_csv { b"\r\n" } else { b"\n" });
    }

    fn cell(&self, number: usize, value: &str, out: &mut Vec<u8>) {
        if !self.is_csv {
            if number > 0 {
                out.push(b'\t');
            }
            let mut text = String::with_capacity(value.len());
            escape::put(&mut text, value);
            return out.extend_from_slice(text.as_bytes());
        }
        if number > 0 {
            out.push(b',');
        }
        // A program that reads the table wants the value; a terminal must not act on it.
        let value = if self.is_terminal && !value.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
            let lines: Vec<String> = value
                .split('\n')
                .map(|line| {
                    let mut text = String::with_capacity(line.len());
                    put_plain(&mut text, line);
                    text
                })
                .collect();
            Cow::Owned(lines.join("\n"))
        } else {
            Cow::Borrowed(value)
        };
        if !value.contains(['"', ',', '\n', '\r']) && !value.starts_with(' ') && !value.ends_with(' ') {
            return out.extend_from_slice(value.as_bytes());
        }
        out.push(b'"');
        out.extend_from_slice(value.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    }
}

/// The value of a name: of a member of the line, of what a record calls so, or of a member inside of objects.
fn value<'l>(name: &str, read: &'l Line, line: &'l str, moments: &mut Moments) -> Cow<'l, str> {
    if name == "time" {
        return moments.read(read, line).map_or(Cow::Borrowed(""), |time| Cow::Owned(moments.text(time)));
    }
    let found = read.named(name, line);
    let found = found.or_else(|| held_by(name).and_then(|slot| read.get(slot, line)));
    // Where an object has the name of what the line calls otherwise.
    let held = found.filter(|(_, kind)| *kind == Kind::Container).and_then(|_| read.get(held_by(name)?, line));
    match held.or(found) {
        Some((_, Kind::Null)) => Cow::Borrowed(""),
        Some((value, _)) => Cow::Borrowed(value),
        None => inside(name, line).map_or(Cow::Borrowed(""), Cow::Owned),
    }
}

/// The value at a path with dots. A key may have dots itself.
fn inside(path: &str, line: &str) -> Option<String> {
    if !path.contains('.') {
        return None;
    }
    let object: Value = serde_json::from_str(line).ok()?;
    match at(&object, path)? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    if let Value::Array(list) = value {
        let (number, rest) = path.split_once('.').map_or((path, None), |(number, rest)| (number, Some(rest)));
        let found = list.get(number.parse::<usize>().ok()?)?;
        return rest.map_or(Some(found), |rest| at(found, rest));
    }
    let object = value.as_object()?;
    object
        .get(path)
        .or_else(|| path.match_indices('.').find_map(|(dot, _)| at(object.get(&path[..dot])?, &path[dot + 1..])))
}
