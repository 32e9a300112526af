//! A scanner of lines of JSON: it passes over all of a line, and keeps four of its values.

mod head;

use super::find::{WORD, end_or_escape};
use super::{Keys, TimeForm, TimeReader};

/// What a member of a line holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Value<'l> {
    #[default]
    Absent,
    /// A text without escapes, and a number or a word as it is written.
    Plain(&'l [u8]),
    /// A text as it is written, with escapes in it.
    Escaped(&'l [u8]),
    /// An object, a list, or two values of the same name: nobody knows which of them a reader takes.
    Unknown,
}

/// The values of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found<'l> {
    pub time: Value<'l>,
    pub level: Value<'l>,
    pub logger: Value<'l>,
    pub trace: Value<'l>,
}

/// Finds the members of lines that `Keys` names.
#[derive(Clone, Debug)]
pub struct Scanner {
    /// The keys, in the order of `Found`.
    paths: [Box<[u8]>; WANTED],
    time_form: TimeForm,
    /// The members of the lines before, by their position: most lines have the same ones.
    expected: Vec<Expected>,
    times: TimeReader,
}

/// A member that is expected next.
#[derive(Clone, Debug)]
struct Expected {
    /// The key with its quotes and the colon, as far as there is room.
    start: [u8; 16],
    mask: u128,
    /// All of it.
    key: Box<[u8]>,
    length: usize,
    leads: Leads,
}

/// More members of a line are not expected.
const MOST_EXPECTED: usize = 64;

const WANTED: usize = 4;
/// How much of each key the objects around a member have taken; `NONE` if it leads elsewhere.
type Taken = [usize; WANTED];
const NONE: usize = usize::MAX;

impl Scanner {
    #[must_use]
    pub fn new(keys: &Keys) -> Self {
        let paths = [&keys.time, &keys.level, &keys.logger, &keys.trace];
        Self {
            paths: paths.map(|path| path.as_bytes().into()),
            time_form: keys.time_form,
            expected: Vec::new(),
            times: TimeReader::default(),
        }
    }

    /// The values of a line without its newline. `None` if it is no whole object.
    #[must_use]
    pub fn scan<'l>(&mut self, line: &'l [u8]) -> Option<Found<'l>> {
        let (found, length) = self.scan_start(line)?;
        (length == line.len()).then_some(found)
    }

    /// The values of the first of some lines, and what follows its newline.
    pub fn scan_first<'l>(&mut self, lines: &'l [u8]) -> (Option<Found<'l>>, &'l [u8]) {
        if let Some((found, length)) = self.scan_start(lines) {
            match lines[length..].split_first() {
                None => return (Some(found), &[]),
                Some((b'\n', rest)) => return (Some(found), rest),
                Some(_) => {}
            }
        }
        (None, memchr::memchr(b'\n', lines).map_or(&[], |end| &lines[end + 1..]))
    }

    /// The values of an object at the beginning, and where it ends. A newline is in none.
    #[inline(always)]
    fn scan_start<'l>(&mut self, line: &'l [u8]) -> Option<(Found<'l>, usize)> {
        let mut scan = Scan { paths: &self.paths, line, at: 0, found: [Value::Absent; WANTED] };
        scan.spaces();
        scan.line(&mut self.expected)?;
        scan.spaces();
        let [time, level, logger, trace] = scan.found;
        Some((Found { time, level, logger, trace }, scan.at))
    }

    /// The time of a line, in nanoseconds since 1970.
    #[must_use]
    pub fn time(&mut self, found: &Found<'_>) -> Option<i64> {
        match found.time {
            Value::Plain(text) => self.times.read(text, self.time_form),
            Value::Escaped(text) => self.times.read(&unescaped(text)?, self.time_form),
            Value::Absent | Value::Unknown => None,
        }
    }
}

impl<'l> Value<'l> {
    /// The bytes of a text or a number; `room` takes those of a text with escapes.
    pub fn bytes<'r>(self, room: &'r mut Vec<u8>) -> Option<&'r [u8]>
    where
        'l: 'r,
    {
        match self {
            Self::Plain(bytes) => Some(bytes),
            Self::Escaped(bytes) => {
                *room = unescaped(bytes)?;
                Some(room)
            }
            Self::Absent | Self::Unknown => None,
        }
    }
}

/// A text without its escapes. `None` if they are wrong.
fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let quoted = [b"\"", text, b"\""].concat();
    serde_json::from_slice::<String>(&quoted).ok().map(String::into_bytes)
}

impl Expected {
    /// Keeps a member for the lines after this one.
    fn put(all: &mut Vec<Self>, number: usize, key: &[u8], leads: Leads) {
        let mut start = [0; 16];
        let count = key.len().min(start.len());
        start[..count].copy_from_slice(&key[..count]);
        let mask = if count == start.len() { u128::MAX } else { (1 << (8 * count)) - 1 };
        let expected = Self { start, mask, key: key.into(), length: key.len(), leads };
        match all.get_mut(number) {
            Some(before) => *before = expected,
            None if number < MOST_EXPECTED => all.push(expected),
            None => {}
        }
    }

    #[inline(always)]
    fn is_at(&self, rest: &[u8]) -> bool {
        match rest.first_chunk::<16>() {
            Some(start) => {
                let is_start = (u128::from_le_bytes(*start) ^ u128::from_le_bytes(self.start)) & self.mask == 0;
                is_start && (self.length <= 16 || rest[16..].starts_with(&self.key[16..]))
            }
            None => rest.starts_with(&self.key),
        }
    }
}

struct Scan<'s, 'l> {
    paths: &'s [Box<[u8]>; WANTED],
    line: &'l [u8],
    at: usize,
    found: [Value<'l>; WANTED],
}

/// What a key of an object leads to.
#[derive(Clone, Copy, Debug)]
struct Leads {
    /// The keys that end here, a bit for each.
    here: u8,
    /// Those that go on inside.
    on: Taken,
    goes_on: bool,
}

impl<'l> Scan<'_, 'l> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    #[inline]
    fn spaces(&mut self) {
        while let Some(b' ' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    #[inline]
    fn pass(&mut self, byte: u8) -> Option<()> {
        self.spaces();
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// The inside of the text whose first quote is passed, and whether it has escapes.
    #[inline(always)]
    fn text(&mut self) -> Option<(&'l [u8], bool)> {
        let start = self.at;
        let mut has_escapes = false;
        loop {
            self.at = end_or_escape(self.line, self.at)?;
            match self.line[self.at] {
                b'"' => {
                    self.at += 1;
                    return Some((&self.line[start..self.at - 1], has_escapes));
                }
                b'\\' if self.line.get(self.at + 1) != Some(&b'\n') => has_escapes = true,
                _ => return None,
            }
            self.at += 2;
        }
    }

    /// The outermost object. Members that are as they were in the line before are passed quickly.
    fn line(&mut self, expected: &mut Vec<Expected>) -> Option<()> {
        self.pass(b'{')?;
        if self.is_empty()? {
            return Some(());
        }
        let mut number = 0;
        loop {
            match expected.get(number).filter(|expected| expected.is_at(&self.line[self.at..])) {
                Some(expected) => {
                    self.at += expected.length;
                    self.spaces();
                    self.member(&expected.leads)?;
                }
                None => {
                    self.spaces();
                    let start = self.at;
                    let leads = self.key([0; WANTED])?;
                    Expected::put(expected, number, &self.line[start..self.at], leads);
                    self.spaces();
                    self.member(&leads)?;
                }
            }
            number += 1;
            if self.is_last()? {
                return Some(());
            }
        }
    }

    /// An object in which keys go on from `taken`. It is as deep as keys have dots, and no deeper.
    fn object(&mut self, taken: Taken) -> Option<()> {
        self.pass(b'{')?;
        if self.is_empty()? {
            return Some(());
        }
        loop {
            self.spaces();
            let leads = self.key(taken)?;
            self.spaces();
            self.member(&leads)?;
            if self.is_last()? {
                return Some(());
            }
        }
    }

    fn is_empty(&mut self) -> Option<bool> {
        self.spaces();
        let is_empty = self.peek()? == b'}';
        self.at += usize::from(is_empty);
        Some(is_empty)
    }

    /// Passes what is between two members, or the end of the object.
    #[inline(always)]
    fn is_last(&mut self) -> Option<bool> {
        if self.peek()? != b',' {
            self.spaces();
        }
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b',' => Some(false),
            b'}' => Some(true),
            _ => None,
        }
    }

    /// Passes a key with its colon.
    #[inline(never)]
    fn key(&mut self, taken: Taken) -> Option<Leads> {
        self.pass(b'"')?;
        let (key, has_escapes) = self.text()?;
        let leads = if has_escapes { self.leads(&unescaped(key)?, taken) } else { self.leads(key, taken) };
        self.pass(b':')?;
        Some(leads)
    }

    #[inline]
    fn leads(&self, key: &[u8], taken: Taken) -> Leads {
        let mut leads = Leads { here: 0, on: [NONE; WANTED], goes_on: false };
        for (index, path) in self.paths.iter().enumerate() {
            // Nothing has the name of a key that is not given.
            let Some(rest) = path.get(taken[index]..).filter(|rest| !rest.is_empty()) else { continue };
            if rest.len() == key.len() {
                leads.here |= u8::from(rest == key) << index;
            } else if rest.len() > key.len() && rest[key.len()] == b'.' && rest.starts_with(key) {
                leads.on[index] = taken[index] + key.len() + 1;
                leads.goes_on = true;
            }
        }
        leads
    }

    #[inline(always)]
    fn member(&mut self, leads: &Leads) -> Option<()> {
        let value = match self.peek()? {
            b'"' => {
                self.at += 1;
                let (text, has_escapes) = self.text()?;
                if leads.here == 0 {
                    return Some(());
                }
                if has_escapes { Value::Escaped(text) } else { Value::Plain(text) }
            }
            b'{' | b'[' => {
                self.inner(leads)?;
                Value::Unknown
            }
            _ => {
                let word = self.word()?;
                if word == b"null" { Value::Absent } else { Value::Plain(word) }
            }
        };
        for (index, found) in self.found.iter_mut().enumerate() {
            if leads.here >> index & 1 != 0 && value != Value::Absent {
                *found = if *found == Value::Absent { value } else { Value::Unknown };
            }
        }
        Some(())
    }

    /// Passes an object or a list.
    #[inline(never)]
    fn inner(&mut self, leads: &Leads) -> Option<()> {
        if leads.goes_on && self.peek() == Some(b'{') { self.object(leads.on) } else { self.nested() }
    }

    /// A number, true, false or null.
    #[inline(always)]
    fn word(&mut self) -> Option<&'l [u8]> {
        let start = self.at;
        while self.peek().is_some_and(|byte| WORD[usize::from(byte)]) {
            self.at += 1;
        }
        (self.at > start).then(|| &self.line[start..self.at])
    }

    /// Passes an object or a list that holds nothing wanted, however deep it is.
    fn nested(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => {
                    self.text()?;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        return Some(());
                    }
                }
                b'\n' => return None,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
