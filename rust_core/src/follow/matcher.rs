//! Finds the lines that are wanted. Bytes are searched before lines are read, and lines are read no further than it takes to refuse them.

use std::ops::Range;
use std::sync::Arc;

use memchr::memmem::Finder;
use memchr::{memchr, memrchr};

use super::cut::mended;
use super::filter::Filter;
use super::form::{Form, without_noise};
use super::seen::Seen;
use super::text::Head;
use crate::archive::{Keys, Scanner, Value, pair};

/// A value in a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub range: Range<usize>,
    pub has_escapes: bool,
}

/// A line that is wanted, and what is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Without its newline.
    pub range: Range<usize>,
    pub time: Option<i64>,
    pub level: Option<Span>,
    pub logger: Option<Span>,
    pub trace: Option<Span>,
}

impl Line {
    /// What is known of it. The values are at their places in the line.
    fn seen<'l>(&'l self, line: &'l [u8]) -> Seen<'l> {
        let (level, logger, trace) = (self.level.as_ref(), self.logger.as_ref(), self.trace.as_ref());
        Seen { line, time: self.time, level, logger, trace }
    }
}

/// Looks at the lines of one file after the other.
#[derive(Debug)]
pub struct Matcher {
    filter: Arc<Filter>,
    form: Form,
    keys: Keys,
    scanner: Scanner,
    /// A text that stands in every wanted line.
    needle: Option<Finder<'static>>,
    /// The forms of the wanted text that are looked for in a line.
    texts: Vec<Finder<'static>>,
    /// Whether names of levels are wanted.
    levels: Vec<(Box<[u8]>, bool)>,
    /// The time of the line of text before, if it tells one, and whether its level is wanted: both hold for lines that begin no record.
    last: Option<(Option<i64>, bool)>,
    room: Vec<u8>,
    /// Whether the keys were given.
    is_given: bool,
    /// How many lines have had no keys that are known.
    tries: u8,
}

/// So many lines without known keys are looked at more closely.
const MOST_TRIES: u8 = 64;
/// More names of levels are looked up each time.
const MOST_LEVELS: usize = 64;

impl Matcher {
    #[must_use]
    pub fn new(filter: &Arc<Filter>, form: Form, is_given: bool) -> Self {
        let keys = match &form {
            Form::Json(keys) | Form::Pairs(keys) => keys.clone(),
            Form::Text => Keys::default(),
        };
        let mut texts = filter.text.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>();
        if let Some(escaped) = filter.text.as_ref().and_then(|text| escaped(text))
            && form != Form::Text
        {
            texts.push(escaped);
        }
        let needle = match &texts[..] {
            [text] => Some(text.clone()),
            _ => None,
        };
        // An id or a name that JSON writes as it is.
        let is_simple = |text: &&String| {
            text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-:".contains(&byte))
        };
        let logger = || match &filter.loggers[..] {
            [logger] => Some(logger),
            _ => None,
        };
        let needle = needle
            .or_else(|| filter.trace.as_ref().filter(is_simple).map(|trace| trace.as_bytes().to_vec()))
            .or_else(|| logger().filter(is_simple).map(|logger| logger.as_bytes().to_vec()));
        let finder = |text: Vec<u8>| Finder::new(&text).into_owned();
        Self {
            filter: Arc::clone(filter),
            scanner: Scanner::new(&keys),
            keys,
            form,
            needle: needle.map(finder),
            texts: texts.into_iter().map(finder).collect(),
            levels: Vec::new(),
            last: None,
            room: Vec::new(),
            is_given,
            tries: 0,
        }
    }

    /// The first wanted line of some whole lines.
    pub fn next(&mut self, lines: &[u8]) -> Option<Line> {
        let mut at = 0;
        if self.needle.is_some() && !self.is_carried() {
            while let Some(hit) = self.needle.as_ref()?.find(&lines[at..]) {
                let hit = at + hit;
                let start = memrchr(b'\n', &lines[at..hit]).map_or(at, |end| at + end + 1);
                let end = memchr(b'\n', &lines[hit..]).map_or(lines.len(), |end| hit + end);
                if let Some(line) = self.accept(lines, start..end) {
                    return Some(line);
                }
                at = (end + 1).min(lines.len());
            }
            return None;
        }
        let looks_at_head =
            matches!(self.form, Form::Json(_)) && (self.filter.needs_time() || self.filter.level.is_some());
        while at < lines.len() {
            let is_refused = looks_at_head && self.is_refused_by_head(&lines[at..]);
            let end = memchr(b'\n', &lines[at..]).map_or(lines.len(), |end| at + end);
            if !is_refused && let Some(line) = self.accept(lines, at..end) {
                return Some(line);
            }
            at = end + 1;
        }
        None
    }

    /// Whether time or level of the first line say that it is not wanted.
    #[inline]
    fn is_refused_by_head(&mut self, lines: &[u8]) -> bool {
        let (needs_time, needs_level) = (self.filter.needs_time(), self.filter.level.is_some());
        let Some(found) = self.scanner.scan_head(lines, needs_time, needs_level) else { return false };
        if needs_level
            && let Value::Plain(name) = found.level
            && !self.is_level(name)
        {
            return true;
        }
        needs_time
            && matches!(found.time, Value::Plain(_))
            && !self.scanner.time(&found).is_some_and(|time| self.filter.is_time(time))
    }

    /// Whether a level of this name is wanted. One that nobody knows may be any.
    #[inline]
    fn is_level(&mut self, name: &[u8]) -> bool {
        if let Some((_, is_wanted)) = self.levels.iter().find(|(known, _)| **known == *name) {
            return *is_wanted;
        }
        let number = std::str::from_utf8(name).ok().and_then(|name| {
            let given = self.filter.levels.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
            given.map(|(_, number)| *number).or_else(|| self.keys.level_number(name))
        });
        let is_wanted = number.is_none_or(|number| self.filter.is_level(number));
        if self.levels.len() < MOST_LEVELS {
            self.levels.push((name.into(), is_wanted));
        }
        is_wanted
    }

    /// What is known of a line if it is wanted.
    fn accept(&mut self, lines: &[u8], range: Range<usize>) -> Option<Line> {
        let range = range.end - without_noise(&lines[range.clone()]).len()..range.end;
        let line = &lines[range.clone()];
        if line.is_empty() {
            return None;
        }
        if !self.texts.is_empty() && !self.texts.iter().any(|text| text.find(line).is_some()) && self.form != Form::Text
        {
            return None;
        }
        let found = match &self.form {
            Form::Json(_) => self.json(line)?,
            Form::Pairs(_) => self.pairs(line)?,
            Form::Text => self.text(line)?,
        };
        let found = Line { range, ..found };
        (self.filter.wanted.0.is_empty() || self.filter.wanted.lets_through(&found.seen(line))).then_some(found)
    }

    /// A line that is not understood is wanted where nothing is asked of it.
    fn json(&mut self, line: &[u8]) -> Option<Line> {
        let Some(found) = self.scanner.scan(line) else {
            return (!self.filter.asks()).then(Line::default);
        };
        if found.time == Value::Absent && found.level == Value::Absent && self.has_other_keys(line) {
            return self.json(line);
        }
        let time = self.scanner.time(&found);
        self.values(line, time, found.level, found.logger, found.trace)
    }

    /// Takes the keys that a line has, which may be others than those of the lines before: a program was started again with another shape.
    #[cold]
    fn has_other_keys(&mut self, line: &[u8]) -> bool {
        if self.is_given || self.tries == MOST_TRIES {
            return false;
        }
        let Form::Json(keys) = Form::of(line, None) else { return false };
        let scanner = Scanner::new(&keys);
        let is_better =
            keys != self.keys && scanner.clone().scan(line).is_some_and(|found| found.time != Value::Absent);
        if is_better {
            (self.keys, self.scanner, self.tries) = (keys, scanner, 0);
            self.levels.clear();
        } else {
            self.tries += 1;
        }
        is_better
    }

    fn pairs(&mut self, line: &[u8]) -> Option<Line> {
        let value = |key: &str| pair(line, key).map_or(Value::Absent, Value::Plain);
        let found = crate::archive::Found {
            time: value(&self.keys.time),
            level: value(&self.keys.level),
            logger: value(&self.keys.logger),
            trace: value(&self.keys.trace),
        };
        let time = self.scanner.time(&found);
        self.values(line, time, found.level, found.logger, found.trace)
    }

    fn values(
        &mut self,
        line: &[u8],
        time: Option<i64>,
        level: Value<'_>,
        logger: Value<'_>,
        trace: Value<'_>,
    ) -> Option<Line> {
        if self.filter.needs_time() && !time.is_some_and(|time| self.filter.is_time(time)) {
            return None;
        }
        let mut room = std::mem::take(&mut self.room);
        let is_wanted = (self.filter.level.is_none() || level.bytes(&mut room).is_some_and(|name| self.is_level(name)))
            && (self.filter.loggers.is_empty()
                || logger
                    .bytes(&mut room)
                    .and_then(|name| std::str::from_utf8(name).ok())
                    .is_some_and(|name| self.filter.is_logger(name)))
            && (self.filter.trace.is_none() || trace.bytes(&mut room).is_some_and(|id| self.filter.is_trace(id)));
        self.room = room;
        let span = |value| span(line, value);
        is_wanted.then(|| Line { range: 0..0, time, level: span(level), logger: span(logger), trace: span(trace) })
    }

    fn text(&mut self, line: &[u8]) -> Option<Line> {
        let head = Head::of(line, &self.keys, &self.filter.levels);
        if let Some(head) = &head {
            let is_level = self.filter.level.is_none() || head.name().is_none_or(|name| self.is_level(name));
            self.last = Some((head.time, is_level));
        }
        let filter = &self.filter;
        // A time of day without its date may be any.
        let may_be_time = |time: Option<i64>| time.is_none_or(|time| filter.is_time(time));
        let is_wanted = (!filter.needs_time() || self.last.is_some_and(|(time, _)| may_be_time(time)))
            && (filter.level.is_none() || self.last.is_some_and(|(_, is_level)| is_level))
            && filter.loggers.is_empty()
            && filter.trace.as_ref().is_none_or(|trace| memchr::memmem::find(line, trace.as_bytes()).is_some())
            && self.texts.iter().all(|text| text.find(line).is_some());
        let level = head.as_ref().and_then(|head| head.level).map_or(Value::Absent, Value::Plain);
        let time = head.and_then(|head| head.time);
        is_wanted.then(|| Line { range: 0..0, time, level: span(line, level), logger: None, trace: None })
    }

    /// What a line that is too long becomes if it is wanted: its beginning as a whole line.
    pub fn cut(&mut self, start: &[u8]) -> Option<(Vec<u8>, Line)> {
        let mended = mended(start);
        let line = self.accept(&mended, 0..mended.len())?;
        Some((mended, line))
    }

    /// Whether a line of text may be wanted because of the one before it.
    pub fn is_carried(&self) -> bool {
        self.form == Form::Text && (self.filter.needs_time() || self.filter.level.is_some())
    }

    /// Whether a line begins a record. One of text may belong to the line before.
    pub fn begins_record(&self, line: &[u8]) -> bool {
        self.form != Form::Text || Head::of(line, &self.keys, &self.filter.levels).is_some()
    }

    /// Forgets the line before: the next one does not follow it.
    pub const fn forget(&mut self) {
        self.last = None;
    }

    /// The line if it is a whole object of JSON: the last one of a file that has no newline may be torn.
    pub fn whole(&mut self, line: &[u8]) -> Option<Option<Line>> {
        let is_whole = matches!(self.form, Form::Json(_)) && self.scanner.scan(line).is_some();
        is_whole.then(|| self.accept(line, 0..line.len()))
    }
}

/// How JSON writes a text in which something is escaped.
fn escaped(text: &str) -> Option<Vec<u8>> {
    let quoted = serde_json::to_string(text).ok()?;
    let inner = &quoted[1..quoted.len() - 1];
    (inner != text).then(|| inner.as_bytes().to_vec())
}

fn span(line: &[u8], value: Value<'_>) -> Option<Span> {
    let (text, has_escapes) = match value {
        Value::Plain(text) => (text, false),
        Value::Escaped(text) => (text, true),
        Value::Absent | Value::Unknown => return None,
    };
    // It is a part of the line.
    let start = (text.as_ptr() as usize).checked_sub(line.as_ptr() as usize)?;
    Some(Span { range: start..start + text.len(), has_escapes })
}
