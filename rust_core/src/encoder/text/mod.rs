//! Records for people: one line each, an exception's traceback below it, never a control character of their own.

mod value;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::clock;
use crate::escape;
use crate::exception::{self, SourceCache};
use crate::fault_injection::{self, Fault};
use crate::level;
use crate::names::Names;
use crate::record::{Context, Record, call_fields, context_fields};
use crate::table::View;
use crate::value::{Put, Value};

use super::{Encoder, Process, UNKNOWN, Whose};
use value::put_value;

/// Before each line of a traceback.
const INDENT: &str = "    ";
const RESET: &str = "\x1b[0m";
const DIM: &str = "\x1b[2m";
const BOLD: &str = "\x1b[1m";

#[derive(Debug)]
pub struct TextEncoder {
    color: bool,
    times: clock::Formatter,
    names: Arc<Names>,
    loggers: View<String, ()>,
    sites: View<crate::record::Site, ()>,
    sources: SourceCache,
}

impl Encoder for TextEncoder {
    /// Appends `10:30:00.123Z INFO     logger message  key=value …`.
    fn encode(&mut self, record: &Record<'_>, _: Whose, out: &mut Vec<u8>) {
        let mut line = String::with_capacity(256);
        self.put_head(record, &mut line);
        self.put_fields(record, &mut line);
        line.push('\n');
        let error = record.exception.map(|blob| exception::text(blob, &mut self.sources));
        let stack = record.stack.map(|blob| exception::stack_text(blob, &mut self.sources));
        for text in [error, stack].into_iter().flatten() {
            for part in text.lines() {
                line.push_str(INDENT);
                escape::put(&mut line, part);
                line.push('\n');
            }
        }
        out.put(line.as_bytes());
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
        for below in found.take_while(|line| line.starts_with(INDENT.as_bytes())) {
            (bytes, read, last) = (bytes + below.len(), read + 1, below);
        }
        (read == count && lines(line).next_back() == Some(last)).then_some(bytes)
    }
}

impl TextEncoder {
    #[must_use]
    pub fn new(of: &Process, color: bool) -> Self {
        Self {
            color,
            times: clock::Formatter::default(),
            names: Arc::clone(&of.names),
            loggers: View::new(),
            sites: View::new(),
            sources: SourceCache::default(),
        }
    }

    fn put_head(&mut self, record: &Record<'_>, line: &mut String) {
        let header = &record.header;
        let mut time = Vec::with_capacity(32);
        self.times.write(header.time, &mut time);
        // Hours to milliseconds of `2026-02-19T10:30:00.123456+00:00`.
        let time = str::from_utf8(&time).ok().and_then(|time| time.get(11..23)).unwrap_or(UNKNOWN);
        self.painted(line, DIM, |line| {
            line.push_str(time);
            line.push('Z');
        });
        line.push(' ');
        let name = record.level_name.map_or_else(|| self.names.level_name(header.level), Cow::Borrowed);
        self.painted(line, color_of(header.level), |line| {
            let _ = write!(line, "{:<8}", escape::shown(&name));
        });
        line.push(' ');
        let logger = match record.logger {
            Some(name) => name.to_owned(),
            None => {
                let known = self.loggers.get(&self.names.loggers, header.logger, |_| ());
                known.map_or(UNKNOWN.into(), |(name, ())| (**name).clone())
            }
        };
        self.painted(line, DIM, |line| escape::put(line, &logger));
        line.push(' ');
        let site = match record.message {
            Some(_) => None,
            None => self.sites.get(&self.names.sites, header.site, |_| ()).map(|(site, ())| Arc::clone(site)),
        };
        let of_site = site.as_ref().and_then(|site| site.message.as_deref());
        let message = record.message.or(of_site).unwrap_or(UNKNOWN);
        self.painted(line, BOLD, |line| escape::put(line, message));
    }

    fn put_fields(&mut self, record: &Record<'_>, line: &mut String) {
        let site = self.sites.get(&self.names.sites, record.header.site, |_| ()).map(|(site, ())| site.clone());
        let site_names = site.iter().flat_map(|site| site.fields.iter().map(String::as_str));
        let mut record = *record;
        let (names, values) = {
            // Both borrow from the record and from the site held above.
            let context = record.context.take().and_then(Context::read);
            let (mut names, mut values) = (Vec::new(), Vec::new());
            let (call_names, call_values) = call_fields(&record, site_names);
            if let Some(context) = &context {
                for (name, id) in [("trace_id", context.trace_id), ("span_id", context.span_id)] {
                    if let Some(id) = id {
                        names.push(name);
                        values.push(Value::Text(id));
                    }
                }
                for (name, value) in context_fields(context).filter(|(name, _)| !call_names.contains(name)) {
                    names.push(name);
                    values.push(value);
                }
            }
            names.extend(call_names);
            values.extend(call_values);
            (names, values)
        };
        for (name, value) in names.into_iter().zip(values) {
            line.push_str("  ");
            self.painted(line, DIM, |line| {
                escape::put(line, name);
                line.push('=');
            });
            put_value(line, value);
        }
    }

    fn painted(&self, line: &mut String, color: &str, put: impl FnOnce(&mut String)) {
        if self.color {
            line.push_str(color);
            put(line);
            line.push_str(RESET);
        } else {
            put(line);
        }
    }
}

fn color_of(level: i32) -> &'static str {
    match level {
        level::CRITICAL.. => "\x1b[1;37;41m",
        level::ERROR.. => "\x1b[31m",
        level::WARNING.. => "\x1b[33m",
        level::INFO.. => "\x1b[32m",
        _ => "\x1b[36m",
    }
}

#[cfg(test)]
mod tests;
