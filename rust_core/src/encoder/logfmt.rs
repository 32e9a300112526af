//! `key=value` pairs, one line a record: the keys of the JSON line, in its order.
//!
//! The pairs are made of that line, so both say the same. Keys of a mapping are joined by dots; a list stays JSON, in quotes.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::escape;
use crate::record::Record;
use crate::value::{Put, put_quoted};

use super::{Encoder, Process, Shape, Whose};

#[derive(Debug)]
pub struct LogfmtEncoder {
    json: Box<dyn Encoder>,
    /// Keys whose values hold lines of source, which may have changed when a record is searched.
    volatile: Vec<Vec<u8>>,
    object: Vec<u8>,
    pairs: Vec<u8>,
}

impl LogfmtEncoder {
    #[must_use]
    pub fn new(of: &Process, shape: &Shape) -> Self {
        let written = |key: String| {
            let mut out = Vec::new();
            put_key(&key, &mut out);
            out
        };
        let volatile = shape.volatile_keys(of).into_iter().map(written).collect();
        Self { json: shape.encoder(of), volatile, object: Vec::new(), pairs: Vec::new() }
    }

    fn is_volatile(&self, key: &[u8]) -> bool {
        let is_of =
            |volatile: &Vec<u8>| key.strip_prefix(&**volatile).is_some_and(|rest| rest.is_empty() || rest[0] == b'.');
        self.volatile.iter().any(is_of)
    }
}

impl Encoder for LogfmtEncoder {
    fn encode(&mut self, record: &Record<'_>, whose: Whose, out: &mut Vec<u8>) {
        let Self { json, object, pairs, .. } = self;
        object.clear();
        pairs.clear();
        json.encode(record, whose, object);
        put_pairs(object, "", pairs);
        // The first pair has a space before it, as all have.
        out.put(pairs.get(1..).unwrap_or_default());
        out.put(b"\n");
    }

    /// Compares the whole line, unless it has a traceback: lines of source may have changed since. Then it compares all keys, and all values but
    /// those. A torn line lacks keys, or ends within quotes.
    #[cold]
    fn find(&mut self, record: &Record<'_>, text: &[u8], line: &mut Vec<u8>) -> Option<usize> {
        // As it was written by the process itself, which did not know that the record would be recovered.
        self.encode(record, Whose::Library, line);
        let found = &text[..=memchr::memchr(b'\n', text)?];
        let is_it = if record.exception.is_none() && record.stack.is_none() {
            found == &line[..]
        } else {
            let (wanted, there) = (pairs(line)?, pairs(found)?);
            wanted.len() == there.len()
                && wanted.iter().zip(&there).all(|((key, value), (other_key, other))| {
                    key == other_key && (value == other || self.is_volatile(key))
                })
        };
        is_it.then_some(found.len())
    }
}

/// The keys and values of a line; `None` for one that ends within quotes.
fn pairs(line: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut rest = line.strip_suffix(b"\n")?;
    let mut pairs = Vec::new();
    while !rest.is_empty() {
        let (key, value) = rest.split_at(memchr::memchr(b'=', rest)?);
        let value = &value[1..];
        let end = if value.starts_with(b"\"") {
            let mut at = 1;
            while *value.get(at)? != b'"' {
                at += if value[at] == b'\\' { 2 } else { 1 };
            }
            at + 1
        } else {
            memchr::memchr(b' ', value).unwrap_or(value.len())
        };
        pairs.push((key, &value[..end]));
        rest = value.get(end + 1..).unwrap_or_default();
    }
    Some(pairs)
}

/// Appends ` key=value` for each pair of a JSON object.
fn put_pairs(object: &[u8], prefix: &str, out: &mut Vec<u8>) {
    let mut reader = serde_json::Deserializer::from_slice(object);
    // What is no object was put together by no encoder.
    let _ = reader.deserialize_map(Pairs { prefix, out });
}

struct Pairs<'o> {
    prefix: &'o str,
    out: &'o mut Vec<u8>,
}

impl<'de> Visitor<'de> for Pairs<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            let value: &RawValue = map.next_value()?;
            let key = if self.prefix.is_empty() { key } else { format!("{}.{key}", self.prefix).into() };
            put_pair(&key, value.get(), self.out);
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

fn put_pair(key: &str, value: &str, out: &mut Vec<u8>) {
    let is_object = value.starts_with('{') && value.len() > 2;
    if is_object {
        return put_pairs(value.as_bytes(), key, out);
    }
    out.put(b" ");
    put_key(key, out);
    out.put(b"=");
    match value.as_bytes() {
        // A text is in quotes already, as JSON escapes it, and does without them where it can.
        [b'"', bare @ .., b'"'] if is_bare(bare) => out.put(bare),
        [b'[' | b'{', ..] => put_quoted(value, out),
        _ => out.put(value.as_bytes()),
    }
}

/// Characters that would end a key stand as `_`.
fn put_key(key: &str, out: &mut Vec<u8>) {
    if key.is_empty() {
        return out.put(b"_");
    }
    for character in key.chars() {
        let ends = character.is_whitespace() || matches!(character, '=' | '"' | '\\') || escape::acts(character);
        out.put(if ends { '_' } else { character }.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// Whether a value needs no quotes: those that read it split at spaces, and take a quote or an escape for what it is.
fn is_bare(text: &[u8]) -> bool {
    !text.is_empty() && text.is_ascii() && text.iter().all(|byte| *byte > b' ' && !b"=\"\\\x7f".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Builder;
    use crate::value::Value;

    fn line(message: &str, fields: &[(&str, Value<'_>)]) -> String {
        let mut bytes = Vec::new();
        let builder = Builder { time: 1_771_497_000_123_456_789, level: 30, logger: "app", function: "f", message };
        builder.put(&mut bytes, fields);
        // SAFETY: built just above.
        let record = unsafe { Record::read(&bytes) }.unwrap();
        let mut out = Vec::new();
        let mut encoder = LogfmtEncoder::new(&Process::here(), &Shape::default());
        encoder.encode(&record, Whose::Application, &mut out);
        let mut scratch = Vec::new();
        assert_eq!(encoder.find(&record, &[&out[..], b"more"].concat(), &mut scratch), Some(out.len()));
        scratch.clear();
        for torn in 0..out.len() - 1 {
            scratch.clear();
            let text = [&out[..torn], b"\n"].concat();
            assert_eq!(encoder.find(&record, &text, &mut scratch), None, "it was torn and given an end");
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_has_the_keys_of_the_json_line_in_its_order() {
        let fields = [("order", Value::Integer(7)), ("note", Value::Text("two words")), ("paid", Value::Bool(true))];
        let line = line("paid", &fields);
        assert!(
            line.starts_with(
                "timestamp=2026-02-19T10:30:00.123456+00:00 level=WARNING logger=app message=paid module="
            ),
            "{line}"
        );
        assert!(line.ends_with(" order=7 note=\"two words\" paid=true\n"), "{line}");
    }

    #[test]
    fn values_are_quoted_where_a_reader_would_split_them() {
        let fields = [
            ("a", Value::Text("x=1")),
            ("b", Value::Text("say \"hi\"\n")),
            ("c", Value::Text("")),
            ("d", Value::Json(r#"{"e":{"f":1,"g h":null},"i":{},"j":"k"}"#)),
            ("l", Value::Json(r#"[1,"two"]"#)),
            ("m n", Value::Float(0.5)),
            ("o", Value::Json("123456789012345678901234567890")),
            ("p", Value::Text("C:\\new")),
            ("q", Value::Text("订单")),
        ];
        let line = line("m", &fields);
        let end = r#" a="x=1" b="say \"hi\"\n" c="" d.e.f=1 d.e.g_h=null d.i="{}" d.j=k l="[1,\"two\"]" m_n=0.5 o=123456789012345678901234567890 p="C:\\new" q="订单""#;
        assert_eq!(line.split_once(" a=").unwrap().1, format!("{}\n", &end[3..]));
    }

    #[test]
    fn nothing_from_a_record_ends_the_line() {
        let line = line("a\nb\r\u{2028}", &[("x\ny = z", Value::Text("\u{1b}[2J\n"))]);
        assert_eq!(line.matches('\n').count(), 1);
        assert!(!line.contains('\u{1b}'));
    }
}
