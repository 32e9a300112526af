//! Values of fields, each kind in its colour.

use std::fmt::Write as _;

use super::screen::{CUT, Screen, columns, split};
use super::style;
use crate::escape;
use crate::value::Value;

/// Widths of a terminal that a value may take; files have all of it.
const WIDTHS: usize = 6;

/// Whether a value has lines of its own: it then stands below the record.
#[inline]
pub fn has_lines(value: &Value<'_>) -> bool {
    matches!(value, Value::Text(text) if memchr::memchr(b'\n', text.trim_end().as_bytes()).is_some())
}

/// Puts `name=value`. `scratch` is memory to put texts together in.
pub fn put_field(screen: &mut Screen<'_>, scratch: &mut String, name: &str, value: &Value<'_>) {
    scratch.clear();
    escape::put(scratch, name);
    scratch.push('=');
    let name_length = scratch.len();
    let style = put_value(scratch, value);
    bound(scratch, screen.width().saturating_mul(WIDTHS));
    screen.keep_together(columns(scratch));
    let (name, value) = scratch.split_at(name_length.min(scratch.len()));
    screen.put(style::DIM, name);
    screen.put(style, value);
}

/// Puts `name=` and the lines of the value, which stand below each other.
pub fn put_lines(screen: &mut Screen<'_>, scratch: &mut String, name: &str, text: &str) {
    scratch.clear();
    escape::put(scratch, name);
    scratch.push('=');
    let indent = columns(scratch).min(screen.width() / 3);
    screen.new_line();
    screen.put(style::DIM, scratch);
    for (index, line) in lines(text).enumerate() {
        if index > 0 {
            screen.new_line();
        }
        screen.set_indent(indent);
        scratch.clear();
        put_line(scratch, line);
        bound(scratch, screen.width().saturating_mul(WIDTHS));
        screen.put(style::TEXT, scratch);
    }
    screen.set_indent(0);
}

/// The lines of a text, without the indentation that all of them have. Where the text begins with a line, only those below are indented.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    let (mut text, mut begins_below) = (text.trim_end(), false);
    // Blank lines at the beginning say nothing.
    while let Some((_, below)) = text.split_once('\n').filter(|(first, _)| first.trim().is_empty()) {
        (text, begins_below) = (below, true);
    }
    let skipped = usize::from(!begins_below);
    let indentation = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let filled = text.split('\n').skip(skipped).filter(|line| !line.trim().is_empty());
    let common = filled.map(indentation).min().unwrap_or(0);
    text.split('\n').enumerate().map(move |(index, line)| {
        let cut = if index < skipped { 0 } else { common.min(indentation(line)) };
        line[cut..].trim_end()
    })
}

/// The first of these lines.
#[inline]
pub fn first_line(text: &str) -> &str {
    if memchr::memchr(b'\n', text.as_bytes()).is_none() { text } else { lines(text).next().unwrap_or_default() }
}

/// Appends a line of a text that has several: a tab stands for blanks there.
pub fn put_line(out: &mut String, line: &str) {
    let mut parts = line.split('\t');
    escape::put(out, parts.next().unwrap_or_default());
    for part in parts {
        out.push_str("    ");
        escape::put(out, part);
    }
}

/// Cuts a text that takes more columns.
pub fn bound(text: &mut String, most: usize) {
    if text.len() > most {
        let (kept, left) = split(text, most.saturating_sub(1));
        if !left.is_empty() {
            let length = kept.len();
            text.truncate(length);
            text.push_str(CUT);
        }
    }
}

/// Appends a value, and gives its colour.
pub fn put_value(out: &mut String, value: &Value<'_>) -> &'static str {
    // Writing to a text cannot fail.
    let _ = match value {
        Value::Null => out.write_str("null"),
        Value::Bool(value) => out.write_str(if *value { "true" } else { "false" }),
        Value::Integer(value) => write!(out, "{value}"),
        Value::Float(value) => write!(out, "{value:?}"),
        Value::Json(json) => {
            escape::put(out, json);
            Ok(())
        }
        Value::Text(text) if text.is_empty() || text.contains([' ', '"', '=']) => {
            out.push('"');
            if text.contains('"') {
                escape::put(out, &text.replace('"', "\\\""));
            } else {
                escape::put(out, text);
            }
            out.push('"');
            Ok(())
        }
        Value::Text(text) => {
            escape::put(out, text);
            Ok(())
        }
    };
    match value {
        Value::Null | Value::Bool(_) => style::CONSTANT,
        Value::Integer(_) | Value::Float(_) => style::NUMBER,
        Value::Text(_) => style::TEXT,
        Value::Json(json) => match json.as_bytes().first() {
            Some(b'-' | b'0'..=b'9') => style::NUMBER,
            Some(b't' | b'f' | b'n') => style::CONSTANT,
            _ => style::NONE,
        },
    }
}
