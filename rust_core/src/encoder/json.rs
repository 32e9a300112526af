//! One record, one line of JSON, with the keys in the order of the guide.
//!
//! What repeats is kept escaped: level and logger, call site, thread, the names of fields and the second of the time.

use std::sync::Arc;

use serde::Serialize;

use crate::clock;
use crate::escape;
use crate::exception::{self, SourceCache};
use crate::names::{self, Names};
use crate::platform;
use crate::record::{self, Context, RESERVED, Record, Site};
use crate::table::View;
use crate::value::{Put, Reader, Value, put_quoted};

use super::UNKNOWN;

#[derive(Debug)]
pub struct JsonEncoder {
    names: Arc<Names>,
    times: clock::Formatter,
    level_names: u64,
    loggers: View<String, Vec<(i32, Vec<u8>)>>,
    threads: View<String, Vec<u8>>,
    sites: View<Site, SitePieces>,
    sources: SourceCache,
    /// `,"process":12345`
    process: Vec<u8>,
    /// Whether the records are those of a process that died.
    recovered: bool,
}

/// What a call site adds to each of its lines.
#[derive(Debug)]
struct SitePieces {
    /// `,"module":"m","function":"f","line":1`
    place: Vec<u8>,
    /// `"message","module":…`, for records that do without their message.
    message_and_place: Vec<u8>,
    /// `,"name":` of each field, and its key unescaped.
    fields: Vec<(Vec<u8>, String)>,
}

impl SitePieces {
    fn new(site: &Site) -> Self {
        let keys = record::keys(site.fields.iter().map(String::as_str));
        let place = place(&site.module, &site.function, site.line);
        let mut message_and_place = Vec::new();
        if let Some(message) = &site.message {
            put_quoted(message, &mut message_and_place);
            message_and_place.extend_from_slice(&place);
        }
        Self { place, message_and_place, fields: keys.into_iter().map(field).collect() }
    }
}

fn field(key: String) -> (Vec<u8>, String) {
    let mut piece = Vec::with_capacity(key.len() + 4);
    put_key(&mut piece, &key);
    (piece, key)
}

fn put_key(out: &mut Vec<u8>, key: &str) {
    out.push(b',');
    put_quoted(key, out);
    out.push(b':');
}

fn put_string(out: &mut Vec<u8>, key: &[u8], text: &str) {
    out.extend_from_slice(key);
    put_quoted(text, out);
}

fn place(module: &str, function: &str, line: u32) -> Vec<u8> {
    let mut out = Vec::new();
    put_string(&mut out, br#","module":"#, module);
    put_string(&mut out, br#","function":"#, function);
    out.extend_from_slice(br#","line":"#);
    put_number(&mut out, line);
    out
}

/// Numbers the way serde writes them; into memory this cannot fail.
fn put_number(out: &mut Vec<u8>, number: impl Serialize) {
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
fn level_and_logger(level: &str, logger: &str) -> Vec<u8> {
    let mut out = Vec::new();
    put_string(&mut out, br#"","level":"#, level);
    put_string(&mut out, br#","logger":"#, logger);
    out.extend_from_slice(br#","message":"#);
    out
}

fn thread_piece(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    put_string(&mut out, br#","thread":"#, name);
    out
}

impl Default for JsonEncoder {
    fn default() -> Self {
        Self::new(Arc::clone(names::here()), platform::process_id(), false)
    }
}

impl JsonEncoder {
    /// An encoder for the records of one process, whose names these are. `recovered` marks them as written after its death.
    #[must_use]
    pub fn new(names: Arc<Names>, process_id: u32, recovered: bool) -> Self {
        let mut process = br#","process":"#.to_vec();
        put_number(&mut process, process_id);
        Self {
            times: clock::Formatter::default(),
            level_names: names.level_generation(),
            names,
            loggers: View::new(),
            threads: View::new(),
            sites: View::new(),
            sources: SourceCache::default(),
            process,
            recovered,
        }
    }

    /// Appends the record's line, with its newline.
    pub fn encode(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        self.encode_head(record, out);
        self.encode_rest(record, out);
    }

    /// Appends the line of a record of the library's own, which is no record of a process that died.
    pub fn encode_own(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        let recovered = std::mem::replace(&mut self.recovered, false);
        self.encode(record, out);
        self.recovered = recovered;
    }

    /// Appends the line up to the process number: what is the same whenever the record is encoded.
    pub fn encode_head(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        let header = &record.header;
        let start = out.len();
        out.extend_from_slice(br#"{"timestamp":""#);
        self.times.write(header.time, out);
        self.put_level_and_logger(record, out);
        self.put_message_and_place(record, out);
        match record.thread {
            Some(name) => put_string(out, br#","thread":"#, name),
            None => match self.threads.get(&self.names.threads, header.thread, |name| thread_piece(name)) {
                Some((_, piece)) => out.extend_from_slice(piece),
                None => put_string(out, br#","thread":"#, UNKNOWN),
            },
        }
        out.extend_from_slice(&self.process);
        escape::json_line(out, start);
    }

    fn encode_rest(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        let start = out.len();
        if let Some(context) = &record.context {
            if let Some(id) = context.trace_id {
                put_string(out, br#","trace_id":"#, id);
            }
            if let Some(id) = context.span_id {
                put_string(out, br#","span_id":"#, id);
            }
        }
        if self.recovered {
            out.extend_from_slice(br#","recovered":true"#);
        }
        if let Some(blob) = record.exception {
            out.extend_from_slice(br#","exception":"#);
            exception::write_json(blob, &mut self.sources, out);
        }
        if let Some(blob) = record.stack {
            out.extend_from_slice(br#","stack":"#);
            exception::write_stack_json(blob, &mut self.sources, out);
        }
        self.put_fields(record, out);
        out.push(b'}');
        escape::json_line(out, start);
        out.push(b'\n');
    }

    fn put_level_and_logger(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        if self.level_names != self.names.level_generation() {
            self.level_names = self.names.level_generation();
            self.loggers = View::new();
        }
        let number = record.header.level;
        if let Some(name) = record.logger {
            return out.extend_from_slice(&level_and_logger(&self.names.level_name(number), name));
        }
        let Some((name, pieces)) = self.loggers.get(&self.names.loggers, record.header.logger, |_| Vec::new()) else {
            return out.extend_from_slice(&level_and_logger(&self.names.level_name(number), UNKNOWN));
        };
        if let Some((_, piece)) = pieces.iter().find(|(level, _)| *level == number) {
            return out.extend_from_slice(piece);
        }
        let piece = level_and_logger(&self.names.level_name(number), name);
        out.extend_from_slice(&piece);
        // Any number is a level; only so many are worth keeping.
        if pieces.len() < 8 {
            pieces.push((number, piece));
        }
    }

    fn put_message_and_place(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        if let Some(message) = record.message {
            put_quoted(message, out);
        }
        if let Some(site) = record.site {
            return out.extend_from_slice(&place(site.module, site.function, site.line));
        }
        match self.sites.get(&self.names.sites, record.header.site, SitePieces::new) {
            Some((_, pieces)) if record.message.is_none() => out.extend_from_slice(&pieces.message_and_place),
            Some((_, pieces)) => out.extend_from_slice(&pieces.place),
            None => {
                if record.message.is_none() {
                    put_quoted(UNKNOWN, out);
                }
                out.extend_from_slice(&place(UNKNOWN, UNKNOWN, 0));
            }
        }
    }

    /// The context's fields, then the call's.
    fn put_fields(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        let known: &[(Vec<u8>, String)] = match self.sites.get(&self.names.sites, record.header.site, SitePieces::new) {
            Some((_, pieces)) => &pieces.fields,
            None => &[],
        };
        let has_context = record.context.as_ref().is_some_and(|context| !context.fields.is_empty());
        if !has_context && record.header.extra == 0 {
            let mut values = record.fields;
            for (piece, _) in known {
                let Some(value) = values.value() else { return };
                out.extend_from_slice(piece);
                put_value(out, value);
            }
            return;
        }
        put_mixed_fields(record, known, out);
    }
}

/// Fields whose names are only known now: each key is compared with those before it.
fn put_mixed_fields(record: &Record<'_>, known: &[(Vec<u8>, String)], out: &mut Vec<u8>) {
    let (names, values) = call_fields(record, known.iter().map(|(_, key)| key.as_str()));
    let known_count = known.len().min(names.len());
    let mut keys: Vec<String> = known[..known_count].iter().map(|(_, key)| key.clone()).collect();
    for name in &names[known_count..] {
        keys.push(free_key(name, &keys));
    }
    if let Some(context) = &record.context {
        for (name, value) in context_fields(context) {
            if names.contains(&name) {
                continue; // The call's field of the same name stands for both.
            }
            let key = free_key(name, &keys);
            put_key(out, &key);
            put_value(out, value);
            keys.push(key);
        }
    }
    for (key, value) in keys.iter().zip(values) {
        put_key(out, key);
        put_value(out, value);
    }
}

fn free_key(name: &str, taken: &[String]) -> String {
    let is_taken = |key: &str| taken.iter().any(|other| other == key);
    if RESERVED.contains(&name) || is_taken(name) { record::moved_aside(name, is_taken) } else { name.to_owned() }
}

/// Names and values of the call's fields: those of its site, then those that came with their names.
pub(super) fn call_fields<'a>(
    record: &Record<'a>,
    site_names: impl Iterator<Item = &'a str>,
) -> (Vec<&'a str>, Vec<Value<'a>>) {
    let mut reader = record.fields;
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for name in site_names {
        let Some(value) = reader.value() else { break };
        names.push(name);
        values.push(value);
    }
    while let Some((name, value)) = named_value(&mut reader) {
        names.push(name);
        values.push(value);
    }
    (names, values)
}

fn named_value<'a>(reader: &mut Reader<'a>) -> Option<(&'a str, Value<'a>)> {
    Some((reader.text()?, reader.value()?))
}

/// The context's own fields, without ids.
pub(super) fn context_fields<'a>(context: &Context<'a>) -> impl Iterator<Item = (&'a str, Value<'a>)> + use<'a> {
    let mut reader = context.fields;
    std::iter::from_fn(move || named_value(&mut reader))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Header, INLINE, flag, put_context};
    use crate::value::Put;
    use proptest::prelude::*;

    fn line(record: &[u8]) -> String {
        let mut out = Vec::new();
        // SAFETY: built by the tests from texts.
        JsonEncoder::default().encode(&unsafe { Record::read(record) }.unwrap(), &mut out);
        String::from_utf8(out).unwrap()
    }

    struct Parts<'a> {
        site_fields: &'a [(&'a str, Value<'a>)],
        extra: &'a [(&'a str, Value<'a>)],
        context: Option<(&'a str, &'a [(&'a str, Value<'a>)])>,
        message: &'a str,
        /// Whether the message is the call site's.
        in_site: bool,
    }

    fn record(parts: &Parts<'_>) -> Vec<u8> {
        let site = names::here().site(Site {
            module: "api_handler".into(),
            function: "handle_request".into(),
            line: 42,
            fields: parts.site_fields.iter().map(|(name, _)| (*name).to_owned()).collect(),
            message: parts.in_site.then(|| parts.message.to_owned()),
        });
        let mut out = Vec::new();
        let header = Header {
            time: 1_771_497_000_123_456_789,
            sequence: 0,
            level: 20,
            site: site.unwrap(),
            logger: names::here().logger("wechat_backend.api".into()).unwrap(),
            thread: INLINE,
            flags: if parts.context.is_some() { flag::CONTEXT } else { 0 }
                | if parts.in_site { flag::SITE_MESSAGE } else { 0 },
            extra: u16::try_from(parts.extra.len()).unwrap(),
        };
        out.put(&header.to_bytes());
        out.put_text("MainThread");
        if !parts.in_site {
            out.put_text(parts.message);
        }
        if let Some((trace_id, fields)) = parts.context {
            let mut context = Vec::new();
            put_context(&mut context, Some(trace_id), None);
            for (name, value) in fields {
                context.put_text(name);
                context.put_value(*value);
            }
            out.put(&u32::try_from(context.len()).unwrap().to_le_bytes());
            out.put(&context);
        }
        for (_, value) in parts.site_fields {
            out.put_value(*value);
        }
        for (name, value) in parts.extra {
            out.put_text(name);
            out.put_value(*value);
        }
        out
    }

    #[test]
    fn keys_stand_in_the_order_of_the_guide() {
        for in_site in [false, true] {
            keys_stand_in_order(in_site);
        }
    }

    fn keys_stand_in_order(in_site: bool) {
        let record = record(&Parts {
            site_fields: &[("endpoint", Value::Text("/api/ai/chat")), ("status", Value::Integer(200))],
            extra: &[],
            context: Some(("abc-123-xyz", &[])),
            message: "API 请求成功",
            in_site,
        });
        let expected = format!(
            concat!(
                r#"{{"timestamp":"2026-02-19T10:30:00.123456+00:00","level":"INFO","logger":"wechat_backend.api","#,
                r#""message":"API 请求成功","module":"api_handler","function":"handle_request","line":42,"#,
                r#""thread":"MainThread","process":{},"trace_id":"abc-123-xyz","#,
                r#""endpoint":"/api/ai/chat","status":200}}"#,
                "\n"
            ),
            platform::process_id()
        );
        assert_eq!(line(&record), expected);
    }

    #[test]
    fn a_calls_field_stands_for_the_contexts_of_that_name() {
        let record = record(&Parts {
            site_fields: &[("user", Value::Text("call"))],
            extra: &[("level", Value::Integer(1))],
            context: Some(("t", &[("user", Value::Text("context")), ("tenant", Value::Integer(7))])),
            message: "m",
            in_site: false,
        });
        assert!(line(&record).ends_with("\"trace_id\":\"t\",\"tenant\":7,\"user\":\"call\",\"fields.level\":1}\n"));
    }

    proptest! {
        #[test]
        fn any_text_gives_one_valid_line(message: String, name: String, text: String, extra: String, in_site: bool) {
            let record = record(&Parts {
                site_fields: &[(&name, Value::Text(&text))],
                extra: &[(&extra, Value::Text(&text))],
                context: Some((&text, &[(&extra, Value::Bool(true))])),
                message: &message,
                in_site,
            });
            let line = line(&record);
            prop_assert_eq!(line.matches('\n').count(), 1);
            let read: serde_json::Value = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(read["message"].as_str(), Some(message.as_str()));
            let key = record::keys([name.as_str()]).remove(0);
            prop_assert_eq!(read[key].as_str(), Some(text.as_str()));
        }
    }
}
