//! One file that is being read.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::files::{FileRef, whole_lines};
use super::filter::Filter;
use super::form::Form;
use super::indices::Plan;
use super::lines::{self, Lines, Run};
use super::matcher::{Line, Matcher};
use super::position::Position;
use super::record::Record;
use super::source::Source;
use super::time::Time;
use crate::archive::Keys;
use crate::catalogue::{self, Generation, Mark};
use crate::platform;

/// What became of the current file since it was read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    Same,
    Grown,
    /// It was cut, and begins as it did.
    Cut,
    /// It was emptied, or other lines were written over it.
    Emptied,
    /// Another file has its name, and something stands in that.
    Replaced,
}

/// What comes next in a file.
#[allow(clippy::large_enum_variant)] // nearly always a record
pub enum Next {
    Record(Record),
    /// The beginning of a line that was too long, and how long that was.
    Cut(Record, u64),
    /// The end, for now. `last` has what stands before it of a line that has no end.
    End,
    /// Time is up, and there is more to be looked at.
    Later,
}

/// A file, and how far it was read.
#[allow(missing_debug_implementations)] // a source has none
pub struct Cursor {
    pub file: FileRef,
    name: Arc<str>,
    pub lines: Lines,
    matcher: Option<Matcher>,
    /// The first bytes of the file. Empty for a packed file that says who it is, of which the mark is known.
    head: Vec<u8>,
    mark: Mark,
    generation: Option<Generation>,
    /// The number of the first record of the file.
    first: Option<u64>,
    /// Whether no more of its last line is waited for.
    is_bounded: bool,
    /// Size and time of the file when it was looked at last.
    seen: Option<(u64, Option<SystemTime>)>,
    /// Whether all was read that was there.
    pub is_at_end: bool,
    /// Whether another file has its name since.
    pub is_replaced: bool,
    /// What stood before the end when it was reached.
    last_bytes: Vec<u8>,
}

/// A file that was opened, for those who read it otherwise.
#[allow(missing_debug_implementations)] // a source has none
pub struct Parts {
    pub file: FileRef,
    pub name: Arc<str>,
    pub source: Source,
    /// In the order of the file.
    pub runs: Vec<Run>,
    pub matcher: Option<Matcher>,
    pub generation: Option<Generation>,
    /// Of its whole lines.
    pub mark: Mark,
}

/// So many bytes before the end are compared with what was read.
const LAST_BYTES: u64 = 64;
/// In so many bytes the next line begins, or none is looked for.
const NEXT_LINE: usize = 1 << 20;

/// Where in a file to begin.
#[derive(Clone, Copy, Debug, Default)]
pub struct From {
    pub offset: u64,
    /// The number of the record before.
    pub sequence: Option<u64>,
}

impl Cursor {
    /// A file that was opened. `is_bounded` says that what is appended from now on does not count, `is_given` that keys were.
    pub fn of(
        file: FileRef,
        (opened, meta, head): (File, Metadata, Vec<u8>),
        plan: Plan,
        from: From,
        filter: &Arc<Filter>,
        (is_bounded, is_given): (bool, bool),
    ) -> io::Result<Self> {
        let length = meta.len();
        let identity = platform::identity_of(&meta);
        let index = match &plan {
            Plan::Parts { index, .. } => Some(&**index),
            _ => None,
        };
        let source = Source::of(opened, length, index, file.is_closed)?;
        let mut first = index.and_then(|index| index.header().first_sequence).or(file.first);
        // The lines before an offset are known by the number of the record before it.
        let lines = match (from.sequence, first) {
            _ if from.offset == 0 => 0,
            (Some(before), Some(first)) if before >= first => (before - first).saturating_add(1),
            (Some(before), _) => {
                first = Some(before.saturating_add(1));
                0
            }
            (None, _) => {
                first = None;
                0
            }
        };
        let whole =
            Run { from: from.offset, until: if is_bounded && !file.is_closed { length } else { u64::MAX }, lines };
        let (runs, matcher) = match plan {
            Plan::Parts { runs, keys, .. } => {
                let left = runs.into_iter().filter(|run| run.until > from.offset);
                let clipped =
                    left.map(|run| if run.from < from.offset { Run { until: run.until, ..whole } } else { run });
                (clipped.collect(), Some(Matcher::new(filter, Form::Json(keys), is_given)))
            }
            _ => (vec![whole], None),
        };
        let mark = if head.is_empty() { file.mark } else { Mark::of(identity.inode, &[]) };
        let generation = file.generation.or_else(|| source.mark().map(|mark| mark.generation));
        let name = Arc::from(&*file.name);
        let mut lines = Lines::new(source, runs);
        // Without the number of the first record, nothing follows from how many there are.
        lines.counts = first.is_some();
        Ok(Self {
            file,
            name,
            lines,
            matcher,
            head,
            mark,
            generation,
            first,
            is_bounded,
            seen: None,
            is_at_end: false,
            is_replaced: false,
            last_bytes: Vec::new(),
        })
    }

    /// The next wanted record.
    pub fn next(&mut self, set: &str, filter: &Arc<Filter>, keys: Option<&Keys>, time: Time) -> io::Result<Next> {
        if self.matcher.is_none() {
            if self.lines.ahead(time)?.is_none() {
                return Ok(Next::Later);
            }
            let ahead = self.lines.cut().unwrap_or_else(|| self.lines.looked_ahead());
            if ahead.is_empty() && !(self.is_bounded || self.file.is_closed) {
                return Ok(Next::End);
            }
            let ahead = if ahead.is_empty() { self.lines.tail() } else { ahead };
            self.matcher = Some(Matcher::new(filter, Form::of(ahead, keys), keys.is_some()));
        }
        let Some(matcher) = &mut self.matcher else { return Ok(Next::End) };
        loop {
            return Ok(match self.lines.next(matcher, time)? {
                lines::Next::Line(line) => Next::Record(self.record(set, line)),
                lines::Next::Cut(start, length) => match matcher.cut(&start) {
                    Some((bytes, line)) => {
                        let position = self.position(set);
                        Next::Cut(Record::of(&bytes, line, &self.name, position), length)
                    }
                    None => continue,
                },
                lines::Next::End => Next::End,
                lines::Next::Later => Next::Later,
            });
        }
    }

    /// What is needed of it to read it backwards.
    pub fn into_parts(self) -> Parts {
        let mark = if self.head.is_empty() { self.mark } else { Mark::of(self.mark.inode, whole_lines(&self.head)) };
        let Self { file, name, lines, matcher, generation, .. } = self;
        let (source, runs) = lines.into_runs();
        Parts { file, name, source, runs, matcher, generation, mark }
    }

    /// The last line, if it has no newline and is wanted, where no more of it is waited for. `None` if it is torn.
    pub fn last(&mut self, set: &str) -> Option<Option<Record>> {
        if self.lines.tail().is_empty() {
            return Some(None);
        }
        let line = self.matcher.as_mut()?.whole(self.lines.tail())?;
        let start = self.lines.take_tail();
        Some(line.map(|line| {
            let range = start + line.range.start..start + line.range.end;
            self.record(set, Line { range, ..line })
        }))
    }

    /// Lets the mark be of what was read: what follows may be a torn line, which is cut.
    fn renew_mark(&mut self) {
        let length = usize::try_from(self.lines.offset()).map_or(self.head.len(), |offset| offset.min(self.head.len()));
        if length as u64 > u64::from(self.mark.length) {
            self.mark = Mark::of(self.mark.inode, &self.head[..length]);
        }
    }

    /// Where the next line begins, to go on there in a copy.
    pub fn place(&self) -> From {
        From { offset: self.lines.offset(), sequence: self.next_sequence().and_then(|next| next.checked_sub(1)) }
    }

    /// What a copy of the file begins with.
    pub const fn mark(&self) -> &Mark {
        &self.mark
    }

    fn position(&mut self, set: &str) -> Position {
        self.renew_mark();
        Position {
            set: set.to_owned(),
            generation: self.generation,
            offset: self.lines.offset(),
            sequence: self.first.map(|first| first.saturating_add(self.lines.lines().saturating_sub(1))),
            mark: self.mark,
        }
    }

    fn record(&mut self, set: &str, line: Line) -> Record {
        let position = self.position(set);
        Record::of(self.lines.bytes(), line, &self.name, position)
    }

    /// The number of its first record.
    pub const fn first(&self) -> Option<u64> {
        self.first
    }

    /// The number of the first record after this file, if all of it was read.
    pub fn next_sequence(&self) -> Option<u64> {
        self.first.map(|first| first.saturating_add(self.lines.lines()))
    }

    /// What became of the current file, of which all that was there is read.
    pub fn probe(&mut self, path: &Path) -> io::Result<Probe> {
        let meta = self.lines.source.file().metadata()?;
        let state = (meta.len(), meta.modified().ok());
        let offset = self.lines.offset();
        if self.seen != Some(state) {
            let head = catalogue::head_of(self.lines.source.file())?;
            self.renew_mark();
            if !self.mark.fits(&head) || head.is_empty() && offset > 0 {
                return Ok(Probe::Emptied);
            }
            if meta.len() > offset && self.is_cut_and_longer()? {
                return Ok(Probe::Cut);
            }
            if meta.len() < offset {
                return Ok(Probe::Cut);
            }
            self.head = head;
            self.seen = Some(state);
            if meta.len() > offset {
                return Ok(Probe::Grown);
            }
        }
        let is_replaced = match path.symlink_metadata() {
            Ok(there) => platform::identity_of(&there) != platform::identity_of(&meta) && there.len() > 0,
            Err(_) => false,
        };
        Ok(if is_replaced { Probe::Replaced } else { Probe::Same })
    }

    /// Goes on behind a part that cannot be read. False if there is nothing behind it.
    pub fn pass_damage(&mut self) -> bool {
        let is_passed = self.lines.pass_part();
        if is_passed {
            self.first = None;
        }
        is_passed
    }

    /// Whether other bytes stand where the last ones were read: it was cut, and more was written to it.
    fn is_cut_and_longer(&mut self) -> io::Result<bool> {
        let mut last = vec![0; self.last_bytes.len()];
        let from = self.lines.offset() - last.len() as u64;
        let count = platform::read_at(self.lines.source.file(), &mut last, from)?;
        Ok(count < last.len() || last != self.last_bytes)
    }

    /// Keeps what stands before the end, to which all was read.
    pub fn note_end(&mut self) {
        self.lines.drop_tail();
        self.is_at_end = true;
        let offset = self.lines.offset();
        let mut last = vec![0; usize::try_from(offset.min(LAST_BYTES)).unwrap_or_default()];
        let from = offset - last.len() as u64;
        let count = platform::read_at(self.lines.source.file(), &mut last, from);
        self.last_bytes = if count.is_ok_and(|count| count == last.len()) { last } else { Vec::new() };
    }

    /// Goes on in a file that was cut: at its end, or with the next line if it has become longer since. How much of that came before, nobody knows.
    pub fn go_on_after_cut(&mut self) -> io::Result<()> {
        let file = self.lines.source.file();
        let (length, offset) = (file.metadata()?.len(), self.lines.offset());
        let mut from = length;
        if length > offset {
            let mut next = vec![0; NEXT_LINE];
            let count = platform::read_at(file, &mut next, offset.saturating_sub(1))?;
            let newline = memchr::memchr(b'\n', &next[..count]);
            from = newline.map_or(length, |newline| offset.saturating_sub(1) + newline as u64 + 1);
        }
        (self.first, self.last_bytes) = (None, Vec::new());
        self.lines.go_to(from);
        Ok(())
    }
}
