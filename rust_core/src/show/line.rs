//! Reads a line into its members: of JSON, or of pairs as logfmt has them.

use std::ops::Range;

use super::layout::{Is, KNOWN, Level, SLOTS, Slot};
use crate::archive::end_or_escape;

/// What kind of value a member has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// A number, true or false as JSON writes it, and what pairs have without quotes.
    Word,
    Null,
    /// An object or a list as JSON.
    Container,
}

/// A text in the line, or in the memory for what was written with escapes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Span {
    start: u32,
    end: u32,
    is_beside: bool,
}

impl Span {
    /// No line is longer than such a number tells.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    const fn of(range: Range<usize>, is_beside: bool) -> Self {
        Self { start: range.start as u32, end: range.end as u32, is_beside }
    }

    #[inline]
    const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A member of a line.
#[derive(Clone, Copy, Debug)]
struct Member {
    slot: Slot,
    key: Span,
    value: Span,
    kind: Kind,
}

/// A member that is expected next, because it stood there in the line before.
#[derive(Debug)]
struct Expected {
    /// The key with its quotes and the colon.
    text: Box<[u8]>,
    /// `None` for one that leads inside of an object.
    slot: Option<Slot>,
}

/// More members of a line are not expected.
const MOST_EXPECTED: usize = 64;
/// No line has that many: the others are left out.
const MOST_MEMBERS: usize = 4096;
/// Objects that are looked into inside of each other.
const DEEPEST: usize = 8;

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Json,
    Pairs,
    /// Neither of them.
    Text,
}

/// Reads lines, one after the other.
#[derive(Debug, Default)]
pub struct Line {
    members: Vec<Member>,
    /// The last member of each slot that is not null, counted from one.
    last: [u16; SLOTS],
    /// Texts that were written with escapes.
    beside: String,
    expected: Vec<Expected>,
    /// The layout that the last lines had.
    layout: usize,
    /// How well it fitted a line when it was chosen: lines that fit as well keep it.
    fit: Option<usize>,
}

impl Line {
    /// Reads a line. Its members are there afterwards, if it has any.
    pub fn read(&mut self, line: &str) -> Form {
        let start = line.len() - line.trim_ascii_start().len();
        if line.as_bytes().get(start) == Some(&b'{') {
            if !self.read_json(line) {
                return Form::Text;
            }
            if self.is_foreign() {
                self.choose_layout(|own, at| own.with_layout(at, |own| own.read_json(line)));
            }
            return Form::Json;
        }
        if !is_pairs(line) || !self.read_pairs(line) {
            return Form::Text;
        }
        if self.is_foreign() {
            self.choose_layout(|own, at| own.with_layout(at, |own| own.read_pairs(line)));
        }
        if self.score() >= 2 { Form::Pairs } else { Form::Text }
    }

    /// Whether the line has not what lines of its layout have.
    fn is_foreign(&self) -> bool {
        let has = |slot: Slot| self.last[slot as usize] != 0;
        let is_whole =
            has(Slot::Level) && has(Slot::Message) && (has(Slot::Time) || has(Slot::Nanoseconds)) && has(Slot::Logger);
        !is_whole && self.fit != Some(self.score())
    }

    fn score(&self) -> usize {
        let wanted = [
            (Slot::Time, 2),
            (Slot::Nanoseconds, 2),
            (Slot::Level, 2),
            (Slot::Message, 2),
            (Slot::Logger, 1),
            (Slot::Trace, 1),
        ];
        wanted.iter().filter(|(slot, _)| self.last[*slot as usize] != 0).map(|(_, worth)| worth).sum()
    }

    fn with_layout(&mut self, layout: usize, read: impl FnOnce(&mut Self) -> bool) -> bool {
        if self.layout != layout {
            self.expected.clear();
            self.layout = layout;
        }
        read(self)
    }

    /// Reads the line with the layout that fits best. Of equal ones it is the one of the lines before.
    #[cold]
    fn choose_layout(&mut self, mut read: impl FnMut(&mut Self, usize) -> bool) {
        let present = self.layout;
        let mut best = (self.score(), present);
        for layout in (0..KNOWN.len()).filter(|layout| *layout != present) {
            read(self, layout);
            let score = self.score();
            if score > best.0 {
                best = (score, layout);
            }
        }
        read(self, best.1);
        self.fit = Some(best.0);
    }

    fn read_json(&mut self, line: &str) -> bool {
        let Self { members, last, beside, expected, layout, .. } = self;
        members.clear();
        beside.clear();
        last.fill(0);
        let mut reading = Reading { line, at: 0, members, last, beside, depth: 0 };
        let Some(level) = KNOWN.get(*layout) else { return false };
        reading.outermost(level, expected).is_some() && {
            reading.spaces();
            reading.at == line.len()
        }
    }

    fn read_pairs(&mut self, line: &str) -> bool {
        let Self { members, last, beside, layout, .. } = self;
        members.clear();
        beside.clear();
        last.fill(0);
        let Some(level) = KNOWN.get(*layout) else { return false };
        let mut reading = Reading { line, at: 0, members, last, beside, depth: 0 };
        reading.pairs(level).is_some()
    }

    #[inline]
    fn text<'s>(&'s self, span: Span, line: &'s str) -> &'s str {
        let text = if span.is_beside { &self.beside } else { line };
        text.get(span.range()).unwrap_or_default()
    }

    /// The value of the last member that holds this and is not null.
    #[inline]
    pub fn get<'s>(&'s self, slot: Slot, line: &'s str) -> Option<(&'s str, Kind)> {
        let found = self.members.get(usize::from(self.last[slot as usize]).checked_sub(1)?)?;
        Some((self.text(found.value, line), found.kind))
    }

    /// The value of a member of the line itself, by its key.
    pub fn named<'s>(&'s self, key: &str, line: &'s str) -> Option<(&'s str, Kind)> {
        let found = self.members.iter().find(|member| self.text(member.key, line) == key)?;
        Some((self.text(found.value, line), found.kind))
    }

    /// What each member holds, its key, its value, and the kind of that.
    pub fn members<'s>(&'s self, line: &'s str) -> impl Iterator<Item = (Slot, &'s str, &'s str, Kind)> {
        self.members
            .iter()
            .map(move |member| (member.slot, self.text(member.key, line), self.text(member.value, line), member.kind))
    }
}

/// Whether a line begins as one of pairs does.
fn is_pairs(line: &str) -> bool {
    let first = line.split([' ', '=']).next().unwrap_or_default();
    !first.is_empty() && line.as_bytes().get(first.len()) == Some(&b'=') && !first.contains('"')
}

struct Reading<'l, 'm> {
    line: &'l str,
    at: usize,
    members: &'m mut Vec<Member>,
    last: &'m mut [u16; SLOTS],
    beside: &'m mut String,
    depth: usize,
}

impl Reading<'_, '_> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.line.as_bytes().get(self.at).copied()
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

    /// The outermost object. Members that are as they were in the line before are passed quickly.
    fn outermost(&mut self, level: &'static Level, expected: &mut Vec<Expected>) -> Option<()> {
        self.pass(b'{')?;
        self.spaces();
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        let mut number = 0;
        loop {
            let rest = self.line.as_bytes().get(self.at..)?;
            match expected.get(number).filter(|expected| rest.starts_with(&expected.text)) {
                Some(Expected { text, slot: Some(slot) }) => {
                    let key = Span::of(self.at + 1..self.at + text.len() - 2, false);
                    self.at += text.len();
                    // Others write a space behind the colon.
                    self.spaces();
                    self.member(key, *slot)?;
                }
                _ => {
                    self.spaces();
                    let start = self.at;
                    let (key, is) = self.key(level)?;
                    let slot = match is {
                        Some(Is::Inside(_)) => None,
                        Some(Is::Value(slot)) => Some(*slot),
                        None => Some(level.rest()),
                    };
                    if !key.is_beside && self.line.as_bytes().get(self.at - 2) == Some(&b'"') {
                        let text = self.line.as_bytes().get(start..self.at)?.into();
                        let new = Expected { text, slot };
                        match expected.get_mut(number) {
                            Some(before) => *before = new,
                            None if number < MOST_EXPECTED => expected.push(new),
                            None => {}
                        }
                    }
                    self.spaces();
                    self.value(key, is, level)?;
                }
            }
            number += 1;
            if self.is_last()? {
                return Some(());
            }
        }
    }

    fn object(&mut self, level: &'static Level) -> Option<()> {
        self.pass(b'{')?;
        self.spaces();
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            let (key, is) = self.key(level)?;
            self.spaces();
            self.value(key, is, level)?;
            if self.is_last()? {
                return Some(());
            }
        }
    }

    fn value(&mut self, key: Span, is: Option<&'static Is>, level: &'static Level) -> Option<()> {
        match is {
            Some(Is::Inside(inner)) if self.peek()? == b'{' && self.depth < DEEPEST => {
                self.depth += 1;
                self.object(inner)?;
                self.depth -= 1;
                Some(())
            }
            Some(Is::Inside(_)) => self.member(key, Slot::Field),
            Some(Is::Value(slot)) => self.member(key, *slot),
            None => self.member(key, level.rest()),
        }
    }

    /// A key with its colon.
    fn key(&mut self, level: &'static Level) -> Option<(Span, Option<&'static Is>)> {
        self.pass(b'"')?;
        let key = self.quoted()?;
        let text = if key.is_beside { &self.beside[key.range()] } else { &self.line[key.range()] };
        let is = level.get(text);
        self.pass(b':')?;
        Some((key, is))
    }

    #[inline]
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

    /// The text whose first quote is passed.
    #[inline]
    fn quoted(&mut self) -> Option<Span> {
        let start = self.at;
        let end = end_or_escape(self.line.as_bytes(), start)?;
        match self.line.as_bytes()[end] {
            b'"' => {
                self.at = end + 1;
                Some(Span::of(start..end, false))
            }
            b'\\' => self.escaped(start),
            _ => None,
        }
    }

    /// A text with escapes, without them.
    #[cold]
    fn escaped(&mut self, start: usize) -> Option<Span> {
        let bytes = self.line.as_bytes();
        let begin = self.beside.len();
        let mut at = start;
        loop {
            let end = end_or_escape(bytes, at)?;
            self.beside.push_str(self.line.get(at..end)?);
            if bytes[end] == b'"' {
                self.at = end + 1;
                return Some(Span::of(begin..self.beside.len(), true));
            }
            let escape = (bytes[end] == b'\\').then(|| bytes.get(end + 1).copied()).flatten()?;
            at = end + 2;
            self.beside.push(match escape {
                b'n' => '\n',
                b't' => '\t',
                b'r' => '\r',
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'"' | b'\\' | b'/' => char::from(escape),
                b'u' => {
                    let unit = unit_of(bytes, at)?;
                    at += 4;
                    let low = match unit {
                        0xd800..=0xdbff if bytes.get(at..at + 2) == Some(b"\\u") => {
                            unit_of(bytes, at + 2).filter(|low| (0xdc00..=0xdfff).contains(low))
                        }
                        _ => None,
                    };
                    at += if low.is_some() { 6 } else { 0 };
                    let code = low.map_or(unit, |low| 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
                    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
                }
                _ => return None,
            });
        }
    }

    #[inline]
    fn member(&mut self, key: Span, slot: Slot) -> Option<()> {
        let start = self.at;
        let (value, kind) = match self.peek()? {
            b'"' => {
                self.at += 1;
                (self.quoted()?, Kind::Text)
            }
            b'{' | b'[' => {
                self.nested()?;
                (Span::of(start..self.at, false), Kind::Container)
            }
            _ => {
                let word = self.word()?;
                let kind = if &self.line[word.clone()] == "null" { Kind::Null } else { Kind::Word };
                (Span::of(word, false), kind)
            }
        };
        self.put(Member { slot, key, value, kind });
        Some(())
    }

    /// A number, true, false or null.
    #[inline]
    fn word(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')) {
            self.at += 1;
        }
        let word = self.line.as_bytes().get(start..self.at)?;
        let is_number = matches!(word.first()?, b'-' | b'0'..=b'9');
        (is_number || matches!(word, b"true" | b"false" | b"null" | b"NaN" | b"Infinity")).then_some(start..self.at)
    }

    /// Passes an object or a list, however deep it is.
    fn nested(&mut self) -> Option<()> {
        let bytes = self.line.as_bytes();
        let mut depth = 0_usize;
        loop {
            let byte = *bytes.get(self.at)?;
            self.at += 1;
            match byte {
                b'"' => loop {
                    let end = end_or_escape(bytes, self.at)?;
                    self.at = end + 1 + usize::from(bytes[end] == b'\\');
                    match bytes[end] {
                        b'"' => break,
                        b'\\' => {}
                        _ => return None,
                    }
                },
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        return Some(());
                    }
                }
                _ => {}
            }
        }
    }

    fn pairs(&mut self, level: &'static Level) -> Option<()> {
        let bytes = self.line.as_bytes();
        loop {
            self.spaces();
            let start = self.at;
            while self.peek().is_some_and(|byte| byte != b'=' && byte != b' ') {
                self.at += 1;
            }
            if start == self.at {
                // Nothing is left; a sign of equality without a name is no pair.
                return (self.at == bytes.len()).then_some(());
            }
            let key = Span::of(start..self.at, false);
            let name = &self.line[key.range()];
            let slot = match level.at(name) {
                Some(Is::Value(slot)) => *slot,
                Some(Is::Inside(_)) => Slot::Field,
                None => level.rest(),
            };
            if self.peek() != Some(b'=') {
                // A word alone.
                self.put(Member { slot, key, value: Span::default(), kind: Kind::Null });
                continue;
            }
            self.at += 1;
            let (value, kind) = if self.peek() == Some(b'"') {
                self.at += 1;
                (self.quoted()?, Kind::Text)
            } else {
                let from = self.at;
                self.at = memchr::memchr(b' ', &bytes[from..]).map_or(bytes.len(), |end| from + end);
                let text = &self.line[from..self.at];
                let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
                    && text.parse::<f64>().is_ok_and(f64::is_finite);
                let is_word = is_number || matches!(text, "true" | "false");
                (Span::of(from..self.at, false), if is_word { Kind::Word } else { Kind::Text })
            };
            self.put(Member { slot, key, value, kind });
        }
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)] // there are no more than the bound
    fn put(&mut self, member: Member) {
        if self.members.len() < MOST_MEMBERS {
            self.members.push(member);
            if member.kind != Kind::Null {
                self.last[member.slot as usize] = self.members.len() as u16;
            }
        }
    }
}

/// The number of four hexadecimal digits.
fn unit_of(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = std::str::from_utf8(bytes.get(at..at + 4)?).ok()?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}
