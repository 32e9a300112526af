//! The fields that records have: how many have each, of which types its values are, and one of them.

use std::collections::HashMap;

use super::cell::Cell;
use super::fields::{Member, member, of_pair, unescaped, value_end, value_of};
use crate::archive::pairs;

/// The columns of the table.
pub const COLUMNS: [&str; 4] = ["field", "records", "types", "example"];
/// So many different fields are told, and so many bytes of a name.
const MOST: usize = 10_000;
const LONGEST: usize = 300;
/// Objects inside of others are looked into so deep.
const DEEPEST: usize = 8;
/// So many characters of an example are kept.
const SHOWN: usize = 100;
const TYPES: [&str; 6] = ["text", "number", "truth", "object", "list", "null"];

#[derive(Debug)]
struct Told {
    records: u64,
    /// The record in which it was seen last: a key that comes twice in one counts once.
    last: u64,
    /// A bit for each of `TYPES`.
    types: u8,
    example: Cell<'static>,
}

/// What was seen so far.
#[derive(Debug, Default)]
pub struct Described {
    fields: HashMap<Box<[u8]>, Told>,
    records: u64,
    path: Vec<u8>,
    /// Whether there were more fields than are kept.
    pub is_short: bool,
}

impl Described {
    pub fn add(&mut self, line: &[u8]) {
        self.records += 1;
        if line.first() == Some(&b'{') {
            self.path.clear();
            // What is read of a torn line counts.
            let _ = self.object(line, 1, 0);
            return;
        }
        for (name, value) in pairs(line).filter(|(name, _)| !name.is_empty()) {
            self.path.clear();
            self.path.extend_from_slice(name);
            self.put(of_pair(value), b'"');
        }
    }

    fn object(&mut self, line: &[u8], mut at: usize, depth: usize) -> Option<usize> {
        let length = self.path.len();
        loop {
            let (key, has_escapes) = match member(line, at)? {
                Member::End(end) => return Some(end),
                Member::Key { key, has_escapes, value } => {
                    at = value;
                    (key, has_escapes)
                }
            };
            self.path.truncate(length);
            if has_escapes {
                self.path.extend_from_slice(unescaped(key, true).as_bytes());
            } else {
                self.path.extend_from_slice(key);
            }
            let first = *line.get(at)?;
            let end = value_end(line, at)?;
            self.put(value_of(&line[at..end]), first);
            if first == b'{' && depth < DEEPEST && self.path.len() < LONGEST {
                self.path.push(b'.');
                self.object(line, at + 1, depth + 1)?;
            }
            at = end;
        }
    }

    /// Notes a value of the field of the path, which begins with a byte.
    fn put(&mut self, value: Cell<'_>, first: u8) {
        let kind = match (&value, first) {
            (Cell::Json(_), b'[') => 4,
            (Cell::Json(_), _) => 3,
            (Cell::Text(_) | Cell::Time(_), _) => 0,
            (Cell::Integer(_) | Cell::Real(_), _) => 1,
            (Cell::Truth(_), _) => 2,
            (Cell::Nothing, _) => 5,
        };
        let number = self.records;
        if let Some(told) = self.fields.get_mut(&*self.path) {
            told.types |= 1 << kind;
            told.records += u64::from(told.last != number);
            told.last = number;
            if told.example == Cell::Nothing && value != Cell::Nothing {
                told.example = shown(&value);
            }
        } else if self.fields.len() < MOST && self.path.len() <= LONGEST {
            let told = Told { records: 1, last: number, types: 1 << kind, example: shown(&value) };
            self.fields.insert(self.path.as_slice().into(), told);
        } else {
            self.is_short = true;
        }
    }

    /// A row for each field, the most frequent first.
    pub fn rows(&self) -> Vec<Vec<Cell<'static>>> {
        let mut all: Vec<_> = self.fields.iter().collect();
        all.sort_by(|(one_name, one), (other_name, other)| {
            other.records.cmp(&one.records).then_with(|| one_name.cmp(other_name))
        });
        let row = |name: &[u8], told: &Told| {
            let types: Vec<&str> =
                TYPES.iter().enumerate().filter(|(bit, _)| told.types >> bit & 1 != 0).map(|(_, name)| *name).collect();
            vec![
                Cell::Text(String::from_utf8_lossy(name).into_owned().into()),
                Cell::Integer(told.records.into()),
                Cell::Text(types.join(", ").into()),
                told.example.clone(),
            ]
        };
        all.into_iter().map(|(name, told)| row(name, told)).collect()
    }
}

/// A value of bounded length.
fn shown(value: &Cell<'_>) -> Cell<'static> {
    let (Cell::Text(text) | Cell::Json(text)) = value else { return value.owned() };
    match text.char_indices().nth(SHOWN) {
        // A part of an object is a text.
        Some((end, _)) => Cell::Text(format!("{}…", &text[..end]).into()),
        None => value.owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_lines_tell_what_can_be_read_of_them() {
        let mut described = Described::default();
        for line in [
            "",
            "{",
            "{\"",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":1,\"b\":{\"c\":2}",
            "[1]",
            "a=1 b",
            "=",
            "{}",
        ] {
            described.add(line.as_bytes());
        }
        let rows = described.rows();
        assert_eq!(rows[0][..2], [Cell::Text("a".into()), Cell::Integer(3)]);
        assert_eq!(rows.len(), 3, "{rows:?}");
    }
}
