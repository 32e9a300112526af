//! One record, one line of JSON, with the keys in the order of the guide.
//!
//! Parts that repeat are cached in escaped form: level and logger, call site, thread, the names of fields and the
//! second of the time.

pub mod context;
pub mod naming;
pub mod piece;
mod short;

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use serde::de::IgnoredAny;

use crate::clock::{self, Zone};
use crate::escape;
use crate::exception::{self, SourceCache};
use crate::names::Names;
use crate::record::{Context, Record, Site, call_fields, context_fields};
use crate::table::View;
use crate::value::{Put, Reader, Value, put_quoted};

use super::{Encoder, Process, UNKNOWN, Whose, call_site};
use context::Contexts;
use naming::Naming;
use piece::Piece;

#[derive(Debug)]
pub struct JsonEncoder {
    names: Arc<Names>,
    times: clock::Formatter,
    level_names: u64,
    loggers: View<String, Vec<(i32, Piece)>>,
    threads: View<String, Piece>,
    sites: View<Site, SitePieces>,
    contexts: Contexts,
    sources: SourceCache,
    naming: Naming,
    /// `,"process":12345`, and the fields of the process.
    process: Piece,
    /// The fields of the process alone: another process may have made a record.
    own_fields: Piece,
    /// Whether the records are those of a process that died.
    recovered: bool,
}

/// What a call site adds to each of its lines.
#[derive(Debug)]
struct SitePieces {
    /// `,"module":"m","function":"f","line":1`
    site: Piece,
    /// `"message","module":…`, for records that do without their message.
    message_and_site: Piece,
    /// `,"name":` of each field.
    fields: Vec<Piece>,
}

impl SitePieces {
    fn new(site: &Site, naming: &Naming) -> Self {
        let names: Vec<_> = site.fields.iter().map(String::as_str).collect();
        let put_site = |out: &mut Vec<u8>| put_site(out, &site.module, &site.function, site.line);
        Self {
            site: Piece::new(put_site),
            message_and_site: Piece::new(|out| {
                if let Some(message) = &site.message {
                    put_quoted(message, out);
                    put_site(out);
                }
            }),
            fields: naming.keys(&names, &[]).iter().flatten().map(|key| Piece::new(|out| put_key(out, key))).collect(),
        }
    }
}

pub fn put_key(out: &mut Vec<u8>, key: &str) {
    out.push(b',');
    put_quoted(key, out);
    out.push(b':');
}

fn put_string(out: &mut Vec<u8>, key: &[u8], text: &str) {
    out.extend_from_slice(key);
    put_quoted(text, out);
}

fn put_site(out: &mut Vec<u8>, module: &str, function: &str, line: u32) {
    put_string(out, br#","module":"#, module);
    put_string(out, br#","function":"#, function);
    out.extend_from_slice(br#","line":"#);
    put_number(out, line);
}

/// `,"trace_id":"…","span_id":"…"`
fn put_ids(context: &Context<'_>, out: &mut Vec<u8>) {
    for (key, id) in [(&br#","trace_id":"#[..], context.trace_id), (br#","span_id":"#, context.span_id)] {
        if let Some(id) = id {
            put_string(out, key, id);
        }
    }
}

/// Numbers the way serde writes them; into memory this cannot fail.
pub fn put_number(out: &mut Vec<u8>, number: impl Serialize) {
    let _ = serde_json::to_writer(out, &number);
}

fn put_value(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        Value::Integer(value) => put_number(out, value),
        Value::Float(value) => put_number(out, value),
        Value::Text(text) => put_quoted(text, out),
        Value::Json(json) => out.put(json.as_bytes()),
    }
}

/// `,"level":"INFO","logger":"name","message":`, from the quote that ends the time on.
fn put_level_and_logger(out: &mut Vec<u8>, level: &str, logger: &str) {
    put_string(out, br#"","level":"#, level);
    put_string(out, br#","logger":"#, logger);
    out.extend_from_slice(br#","message":"#);
}

fn put_thread(out: &mut Vec<u8>, name: &str) {
    put_string(out, br#","thread":"#, name);
}

fn put_process(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(br#","process":"#);
    put_number(out, number);
}

/// Puts what is made for this line alone, with what acts in it escaped.
#[inline]
pub fn escaped(out: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    put(out);
    escape::json_line(out, start);
}

impl Encoder for JsonEncoder {
    fn encode(&mut self, record: &Record<'_>, whose: Whose, out: &mut Vec<u8>) {
        self.put_head(record, out);
        self.encode_rest(record, whose, out);
    }

    /// Compares the line up to the process number, which is the same whenever it is encoded. A line that was torn begins in the same way, but is
    /// no JSON, with or without an end.
    #[cold]
    fn find(&mut self, record: &Record<'_>, text: &[u8], line: &mut Vec<u8>) -> Option<usize> {
        self.put_head(record, line);
        if !text.starts_with(line) {
            return None;
        }
        let length = memchr::memchr(b'\n', text)? + 1;
        serde_json::from_slice::<IgnoredAny>(&text[..length]).is_ok().then_some(length)
    }
}

impl JsonEncoder {
    #[must_use]
    pub fn new(of: &Process) -> Self {
        Self::in_zone(of, &Zone::Utc)
    }

    /// With the times of records in a zone.
    #[must_use]
    pub fn in_zone(of: &Process, zone: &Zone) -> Self {
        let names = Arc::clone(&of.names);
        let put_own_fields = |out: &mut Vec<u8>| {
            for (name, value) in &of.fields.0 {
                put_key(out, name);
                out.put(value.to_string().as_bytes());
            }
        };
        let process = Piece::new(|out| {
            put_process(out, of.id);
            put_own_fields(out);
        });
        Self {
            naming: Naming::beside(of.fields.names()),
            own_fields: Piece::new(put_own_fields),
            times: clock::Formatter::new(zone),
            level_names: names.level_generation(),
            names,
            loggers: View::new(),
            threads: View::new(),
            sites: View::new(),
            contexts: Contexts::default(),
            sources: SourceCache::default(),
            process,
            recovered: of.is_dead,
        }
    }

    fn put_head(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        let header = &record.header;
        out.extend_from_slice(br#"{"timestamp":""#);
        self.times.write(header.time, out);
        self.put_level_and_logger(record, out);
        self.put_message_and_site(record, out);
        match record.thread {
            Some(name) => escaped(out, |out| put_thread(out, name)),
            None => match self
                .threads
                .get(&self.names.threads, header.thread, |name| Piece::new(|out| put_thread(out, name)))
            {
                Some((_, piece)) => piece.put(out),
                None => put_thread(out, UNKNOWN),
            },
        }
        match record.process {
            0 => self.process.put(out),
            other => {
                put_process(out, other);
                self.own_fields.put(out);
            }
        }
    }

    fn encode_rest(&mut self, record: &Record<'_>, whose: Whose, out: &mut Vec<u8>) {
        let context = record.context.and_then(|bytes| self.contexts.get(bytes, &self.naming, put_ids));
        if let Some(context) = &context {
            context.ids.put(out);
        }
        if self.recovered && whose == Whose::Application {
            out.extend_from_slice(br#","recovered":true"#);
        }
        if let Some(blob) = record.exception {
            out.extend_from_slice(br#","exception":"#);
            let call_site = call_site(&self.names, record);
            escaped(out, |out| exception::write_json(blob, call_site, &mut self.sources, out));
        }
        if let Some(blob) = record.stack {
            out.extend_from_slice(br#","stack":"#);
            escaped(out, |out| exception::write_stack_json(blob, &mut self.sources, out));
        }
        // The context's fields, then the call's.
        let naming = &self.naming;
        let site = self.sites.get(&self.names.sites, record.header.site, |site| SitePieces::new(site, naming));
        let context = context.filter(|context| context.has_fields());
        let mixes = record.header.extra != 0
            || context.is_some_and(|context| {
                let goes = site.as_ref().is_none_or(|(site, _)| context.goes_with(record.header.site, site, naming));
                if goes && record.header.extra == 0 {
                    context.fields.put(out);
                }
                !goes
            });
        if mixes {
            escaped(out, |out| put_mixed_fields(record, site.map(|(site, _)| &**site), naming, out));
        } else if let Some((_, pieces)) = site {
            put_values(record.fields, &pieces.fields, out);
        }
        out.extend_from_slice(b"}\n");
    }

    fn put_level_and_logger(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        if self.level_names != self.names.level_generation() {
            self.level_names = self.names.level_generation();
            self.loggers = View::new();
        }
        let number = record.header.level;
        let unknown = |out: &mut Vec<u8>, name: &str| {
            let level = record.level_name.map_or_else(|| self.names.level_name(number), Cow::Borrowed);
            escaped(out, |out| put_level_and_logger(out, &level, name));
        };
        if let Some(name) = record.logger {
            return unknown(out, name);
        }
        let Some((name, pieces)) = self.loggers.get(&self.names.loggers, record.header.logger, |_| Vec::new()) else {
            return unknown(out, UNKNOWN);
        };
        if let Some(level) = record.level_name {
            return escaped(out, |out| put_level_and_logger(out, level, name));
        }
        if let Some((_, piece)) = pieces.iter().find(|(level, _)| *level == number) {
            return piece.put(out);
        }
        let piece = Piece::new(|out| put_level_and_logger(out, &self.names.level_name(number), name));
        piece.put(out);
        // Any number is a level; only so many are worth keeping.
        if pieces.len() < 8 {
            pieces.push((number, piece));
        }
    }

    fn put_message_and_site(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        let site = match record.site {
            Some(_) => None,
            None => {
                let naming = &self.naming;
                self.sites.get(&self.names.sites, record.header.site, |site| SitePieces::new(site, naming))
            }
        };
        match (record.message, &site) {
            (Some(message), _) => put_text(message, out),
            (None, Some((site, pieces))) if site.message.is_some() => return pieces.message_and_site.put(out),
            // The box of a dead process may name a call site that has no message.
            (None, _) => put_quoted(UNKNOWN, out),
        }
        match (record.site, site) {
            (Some(site), _) => escaped(out, |out| put_site(out, site.module, site.function, site.line)),
            (None, Some((_, pieces))) => pieces.site.put(out),
            (None, None) => put_site(out, UNKNOWN, UNKNOWN, 0),
        }
    }
}

/// A text of this line alone, with what acts in it escaped.
#[inline]
pub fn put_text(text: &str, out: &mut Vec<u8>) {
    if !short::put_plain(text.as_bytes(), out) {
        put_any_text(text, out);
    }
}

#[inline(never)]
fn put_any_text(text: &str, out: &mut Vec<u8>) {
    // The text is looked at, not what was just written: to read that at once would be to wait for it.
    if escape::may_act(text) {
        escaped(out, |out| put_quoted(text, out));
    } else {
        put_quoted(text, out);
    }
}

/// The values of the call site's fields.
fn put_values(mut values: Reader<'_>, known: &[Piece], out: &mut Vec<u8>) {
    for piece in known {
        let Some(value) = values.value() else { return };
        piece.put(out);
        put_own_value(value, out);
    }
}

/// A value of this line alone, with what acts in it escaped.
#[inline]
pub fn put_own_value(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Text(text) => put_text(text, out),
        Value::Json(json) => escaped(out, |out| out.put(json.as_bytes())),
        Value::Integer(number) if short::put_small(number, out) => {}
        Value::Integer(number) => put_number(out, number),
        Value::Float(number) => put_number(out, number),
        Value::Bool(_) | Value::Null => put_value(out, value),
    }
}

/// Fields that may be in each other's way: those of the call have their keys first.
pub fn put_mixed_fields(record: &Record<'_>, site: Option<&Site>, naming: &Naming, out: &mut Vec<u8>) {
    let site_names = site.map_or(&[][..], |site| &site.fields).iter().map(String::as_str);
    let (names, values) = call_fields(record, site_names);
    let keys = naming.keys(&names, &[]);
    if let Some(context) = record.context.and_then(Context::read) {
        // The call's field of the same name stands for both.
        let (beside, values): (Vec<_>, Vec<_>) =
            context_fields(&context).filter(|(name, _)| !names.contains(name)).unzip();
        put_fields(&naming.keys(&beside, &keys), values, out);
    }
    put_fields(&keys, values, out);
}

fn put_fields(keys: &[Option<Cow<'_, str>>], values: Vec<Value<'_>>, out: &mut Vec<u8>) {
    for (key, value) in keys.iter().zip(values) {
        if let Some(key) = key {
            put_key(out, key);
            put_value(out, value);
        }
    }
}

#[cfg(test)]
mod tests;
