//! Reads the fields that a question names from a line, and passes over all others.

use std::borrow::Cow;

use super::cell::Cell;
use crate::archive::{end_or_escape, pair};
use crate::follow::Seen;

/// A field of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// What every line has, whatever its shape calls it.
    Time,
    Level,
    Logger,
    Trace,
    /// Asked for elsewhere.
    Unasked,
    /// A key; a dot leads into an object, or is part of the key.
    Named(String),
}

impl Field {
    pub fn of(name: &str) -> Self {
        match name {
            "time" | "timestamp" => Self::Time,
            "level" => Self::Level,
            "logger" => Self::Logger,
            "trace_id" => Self::Trace,
            _ => Self::Named(name.to_owned()),
        }
    }
}

/// The fields of a question, by their numbers.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    all: Vec<Field>,
    has_named: bool,
}

impl Fields {
    /// The number of a field.
    pub fn number(&mut self, field: Field) -> usize {
        if let Some(at) = self.all.iter().position(|known| *known == field) {
            return at;
        }
        self.has_named |= matches!(field, Field::Named(_));
        self.all.push(field);
        self.all.len() - 1
    }

    pub fn get(&self, number: usize) -> Option<&Field> {
        self.all.get(number)
    }

    pub const fn len(&self) -> usize {
        self.all.len()
    }

    /// The same numbers, of which only these are read.
    pub fn only(&self, wanted: &[usize]) -> Self {
        let last = wanted.iter().max().map_or(0, |last| last + 1);
        let all = self.all[..last].iter().enumerate();
        let all: Vec<Field> =
            all.map(|(number, field)| if wanted.contains(&number) { field.clone() } else { Field::Unasked }).collect();
        Self { has_named: all.iter().any(|field| matches!(field, Field::Named(_))), all }
    }

    /// Their values in a line, in the order of their numbers.
    pub fn read<'l>(&self, seen: &Seen<'l>, cells: &mut Vec<Option<Cell<'l>>>) {
        cells.clear();
        let text = |value: Option<Cow<'l, str>>| value.map(Cell::Text);
        cells.extend(self.all.iter().map(|field| match field {
            Field::Time => seen.time.map(Cell::Time),
            Field::Level => text(seen.level()),
            Field::Logger => text(seen.logger()),
            Field::Trace => text(seen.trace().map(without_path)),
            Field::Named(_) | Field::Unasked => None,
        }));
        if !self.has_named {
            return;
        }
        if seen.line.first() == Some(&b'{') {
            self.object(seen.line, 1, b"", cells);
            return;
        }
        for (field, cell) in self.all.iter().zip(cells) {
            let Field::Named(name) = field else { continue };
            *cell = pair(seen.line, name).map(of_pair);
            // A line without a level or a message that is a pair is a text.
            let is_text = || pair(seen.line, "level").is_none() && pair(seen.line, "message").is_none();
            if cell.is_none() && name == "message" && is_text() {
                *cell = Some(Cell::Text(String::from_utf8_lossy(seen.line)));
            }
        }
    }

    fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.all.iter().filter_map(|field| match field {
            Field::Named(name) => Some(name.as_bytes()),
            _ => None,
        })
    }

    /// Reads an object that begins before `at`. `path` leads to it, with a dot at its end. Returns the place behind it.
    fn object<'l>(&self, line: &'l [u8], mut at: usize, path: &[u8], cells: &mut [Option<Cell<'l>>]) -> Option<usize> {
        loop {
            let (key, has_escapes) = match member(line, at)? {
                Member::End(end) => return Some(end),
                Member::Key { key, has_escapes, value } => {
                    at = value;
                    (key, has_escapes)
                }
            };
            let unescaped = has_escapes.then(|| unescaped(key, true));
            let key = unescaped.as_ref().map_or(key, |key| key.as_bytes());
            let (mut is_wanted, mut leads_to_wanted) = (false, false);
            for name in self.names() {
                let Some(rest) = behind(name, path).and_then(|rest| behind(rest, key)) else { continue };
                is_wanted |= rest.is_empty();
                leads_to_wanted |= rest.first() == Some(&b'.');
            }
            let start = at;
            at = if leads_to_wanted && line.get(at) == Some(&b'{') {
                self.object(line, at + 1, &[path, key, b"."].concat(), cells)?
            } else {
                value_end(line, at)?
            };
            if is_wanted {
                let value = value_of(&line[start..at]);
                for (field, cell) in self.all.iter().zip(cells.iter_mut()) {
                    let Field::Named(name) = field else { continue };
                    if behind(name.as_bytes(), path) == Some(key) {
                        // The last one counts, as for all readers of JSON.
                        *cell = Some(value.clone());
                    }
                }
            }
        }
    }
}

/// What comes next in an object.
pub(super) enum Member<'l> {
    /// Nothing: the object ends before this place.
    End(usize),
    /// A key, and where its value begins.
    Key { key: &'l [u8], has_escapes: bool, value: usize },
}

/// Reads the next key of an object. None where it is torn.
#[inline]
pub(super) fn member(line: &[u8], mut at: usize) -> Option<Member<'_>> {
    loop {
        at = blank(line, at);
        match line.get(at)? {
            b'}' => return Some(Member::End(at + 1)),
            b',' => at += 1,
            b'"' => break,
            _ => return None,
        }
    }
    let (end, has_escapes) = string_end(line, at + 1)?;
    let colon = blank(line, end + 1);
    (line.get(colon) == Some(&b':')).then(|| Member::Key {
        key: &line[at + 1..end],
        has_escapes,
        value: blank(line, colon + 1),
    })
}

/// Ids that Google's lines have stand behind a path, and people ask for the id.
fn without_path(id: Cow<'_, str>) -> Cow<'_, str> {
    match (id.rfind('/'), id) {
        (None, id) => id,
        (Some(slash), Cow::Borrowed(id)) => Cow::Borrowed(&id[slash + 1..]),
        (Some(slash), Cow::Owned(id)) => Cow::Owned(id[slash + 1..].to_owned()),
    }
}

/// What stands behind the beginning of a name. Nearly all names differ in their first byte, which costs less than a comparison of the others.
#[inline]
fn behind<'n>(name: &'n [u8], beginning: &[u8]) -> Option<&'n [u8]> {
    match beginning.first() {
        None => Some(name),
        first if name.first() != first => None,
        _ => name.strip_prefix(beginning),
    }
}

fn blank(line: &[u8], mut at: usize) -> usize {
    while line.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Where the text ends that begins at `at`, behind its quote, and whether something in it is escaped.
fn string_end(line: &[u8], mut at: usize) -> Option<(usize, bool)> {
    let mut has_escapes = false;
    loop {
        at = end_or_escape(line, at)?;
        match line[at] {
            b'"' => return Some((at, has_escapes)),
            b'\\' => has_escapes = true,
            _ => return None,
        }
        at += 2;
    }
}

/// The place behind a value.
pub(super) fn value_end(line: &[u8], mut at: usize) -> Option<usize> {
    match line.get(at)? {
        b'"' => Some(string_end(line, at + 1)?.0 + 1),
        b'{' | b'[' => {
            let mut depth = 0_usize;
            loop {
                match line.get(at)? {
                    b'"' => at = string_end(line, at + 1)?.0,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
        }
        _ => {
            let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
            let length = line[at..].iter().position(ends)?;
            (length > 0).then_some(at + length)
        }
    }
}

pub(super) fn unescaped(text: &[u8], has_escapes: bool) -> Cow<'_, str> {
    if has_escapes {
        let quoted = [b"\"", text, b"\""].concat();
        if let Ok(text) = serde_json::from_slice::<String>(&quoted) {
            return Cow::Owned(text);
        }
    }
    String::from_utf8_lossy(text)
}

pub(super) fn value_of(text: &[u8]) -> Cell<'_> {
    match text {
        [b'"', inner @ .., b'"'] => Cell::Text(unescaped(inner, inner.contains(&b'\\'))),
        b"null" => Cell::Nothing,
        b"true" => Cell::Truth(true),
        b"false" => Cell::Truth(false),
        [b'{' | b'[', ..] => Cell::Json(String::from_utf8_lossy(text)),
        _ => of_word(text),
    }
}

fn of_word(text: &[u8]) -> Cell<'_> {
    let text = String::from_utf8_lossy(text);
    Cell::number(&text).unwrap_or(Cell::Text(text))
}

/// A pair has no kinds of values but by what it looks like.
pub(super) fn of_pair(text: &[u8]) -> Cell<'_> {
    match text {
        b"true" => Cell::Truth(true),
        b"false" => Cell::Truth(false),
        _ if text.contains(&b'\\') => Cell::Text(unescaped(text, true)),
        // `007` is no number that anybody counts with.
        [b'0', b'0'..=b'9', ..] => Cell::Text(String::from_utf8_lossy(text)),
        _ => of_word(text),
    }
}
