//! One file of a set from its end to its beginning. Pieces of it are read backwards; inside of a piece, lines are matched in their order.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use memchr::{memchr, memrchr};

use super::cursor::{self, Cursor, Parts};
use super::filter::Filter;
use super::form::Form;
use super::lines::{LONGEST, Run};
use super::matcher::{Line, Matcher};
use super::position::Position;
use super::record::Record;
use super::source::Source;
use super::time::Time;
use crate::archive::Keys;

/// Bytes that are read at once.
const PIECE: u64 = 256 << 10;
/// So many bytes of text are read to find the line that begins a record.
const MOST_TEXT: u64 = 1 << 20;
/// Bytes of records that are kept of a file that can be read from its beginning alone.
const MOST_KEPT: usize = 4 << 20;

/// A record, and the place before it.
#[derive(Debug)]
pub struct Found {
    pub record: Record,
    pub before: Position,
    /// How many wanted lines stand between that place and this one: of a line of text, it is before the line that begins its record.
    pub between: usize,
    /// The length of its line, if that is cut.
    pub cut: Option<u64>,
}

/// What comes next, going backwards.
#[allow(clippy::large_enum_variant)] // nearly always a record
pub enum Next {
    Found(Found),
    /// There is nothing before.
    Begin,
    /// Time is up, and there is more to be looked at.
    Later,
    /// It can be read from its beginning alone, and has to be opened again for what is before this offset.
    Again(u64),
}

/// What a file that is read backwards is.
pub enum Back {
    Pieces(Box<Pieces>),
    Stream(Box<Stream>),
}

impl Back {
    /// A file that was opened. What stands behind `until` does not count. If `is_bounded`, nothing is waited for.
    pub fn of(
        cursor: Cursor,
        set: &str,
        longest: Option<usize>,
        until: Option<u64>,
        is_bounded: bool,
    ) -> io::Result<Self> {
        if cursor.lines.source.length()?.is_none() {
            let until = until.unwrap_or(u64::MAX);
            let (kept, bytes) = (VecDeque::new(), 0);
            return Ok(Self::Stream(Box::new(Stream { cursor, until, kept, bytes, has_more: false, is_read: false })));
        }
        Pieces::of(cursor.into_parts(), set, longest, is_bounded).map(|pieces| Self::Pieces(Box::new(pieces)))
    }

    pub fn next(&mut self, set: &str, filter: &Arc<Filter>, keys: Option<&Keys>, time: Time) -> io::Result<Next> {
        match self {
            Self::Pieces(pieces) => pieces.next(filter, keys, time),
            Self::Stream(stream) => stream.next(set, filter, keys, time),
        }
    }
}

/// A file whose bytes can be read anywhere.
pub struct Pieces {
    source: Source,
    matcher: Option<Matcher>,
    file: Arc<str>,
    /// The place before its first line.
    begin: Position,
    /// In the order of the file; the last is read next.
    runs: Vec<Run>,
    run: Run,
    /// Where the lines end that are still to be read.
    end: u64,
    buffer: Vec<u8>,
    base: u64,
    /// Wanted lines of the buffer, in the order of the file.
    found: Vec<Line>,
    /// A wanted line that stands for itself, and where it begins and ends.
    single: Option<Found>,
    /// What stands behind the last newline, if no more of it is waited for.
    tail: Vec<u8>,
    /// Whether it ends with a line that is torn.
    pub is_torn: bool,
    longest: usize,
    cuts: bool,
}

impl Pieces {
    fn of(parts: Parts, set: &str, longest: Option<usize>, is_bounded: bool) -> io::Result<Self> {
        let Parts { file, name, source, mut runs, matcher, generation, mark } = parts;
        let length = source.length()?.unwrap_or_default();
        for run in &mut runs {
            run.until = run.until.min(length);
        }
        runs.retain(|run| run.from < run.until);
        let begin = Position { set: set.to_owned(), generation, offset: 0, sequence: None, mark };
        let mut pieces = Self {
            source,
            matcher,
            file: name,
            begin,
            run: Run { from: 0, until: 0, lines: 0 },
            end: 0,
            runs,
            buffer: Vec::new(),
            base: 0,
            found: Vec::new(),
            single: None,
            tail: Vec::new(),
            is_torn: false,
            longest: longest.unwrap_or(LONGEST),
            cuts: longest.is_some(),
        };
        pieces.next_run();
        let last = pieces.end;
        pieces.end = pieces.line_before(last)?;
        if (file.is_closed || is_bounded) && last == length && last - pieces.end <= pieces.longest as u64 {
            let mut tail = std::mem::take(&mut pieces.buffer);
            pieces.source.read_all(pieces.end, last, &mut tail)?;
            (pieces.tail, pieces.buffer) = (tail, Vec::new());
        }
        Ok(pieces)
    }

    /// The place behind the last whole line.
    pub fn end(&self) -> Position {
        Position { offset: self.end + self.tail.len() as u64, ..self.begin.clone() }
    }

    fn next_run(&mut self) -> bool {
        let Some(run) = self.runs.pop() else { return false };
        (self.run, self.end) = (run, run.until);
        true
    }

    /// Where the line ends that ends last before an offset: behind its newline. The beginning of the run if there is none.
    fn line_before(&mut self, mut end: u64) -> io::Result<u64> {
        while end > self.run.from {
            let start = self.source.start_before(end, PIECE, true).max(self.run.from);
            self.source.read_all(start, end, &mut self.buffer)?;
            if let Some(at) = memrchr(b'\n', &self.buffer) {
                return Ok(start + at as u64 + 1);
            }
            end = start;
        }
        Ok(end)
    }

    fn next(&mut self, filter: &Arc<Filter>, keys: Option<&Keys>, time: Time) -> io::Result<Next> {
        loop {
            if let Some(found) = self.single.take() {
                return Ok(Next::Found(found));
            }
            if let Some(line) = self.found.pop() {
                let start = self.start_of_record(line.range.start);
                let between = self.found.iter().rev().take_while(|other| other.range.start >= start).count();
                let until = self.base + line.range.end as u64 + 1;
                let record = Record::of(&self.buffer, line, &self.file, self.position(until));
                let before = self.position(self.base + start as u64);
                return Ok(Next::Found(Found { record, before, between, cut: None }));
            }
            if self.end <= self.run.from && self.tail.is_empty() && !self.next_run() {
                return Ok(Next::Begin);
            }
            self.fill(filter, keys)?;
            if self.found.is_empty() && self.single.is_none() && time.is_up() {
                return Ok(Next::Later);
            }
        }
    }

    /// Where the line begins that tells time and level of the one that begins here.
    fn start_of_record(&self, start: usize) -> usize {
        let Some(matcher) = self.matcher.as_ref().filter(|matcher| matcher.is_carried()) else { return start };
        let (first, mut at) = (usize::try_from(self.end - self.base).unwrap_or(start), start);
        while !matcher.begins_record(&self.buffer[at..end_of(&self.buffer, at)]) {
            if at <= first {
                return start;
            }
            at = memrchr(b'\n', &self.buffer[first..at - 1]).map_or(first, |newline| first + newline + 1);
        }
        at
    }

    fn position(&self, offset: u64) -> Position {
        Position { offset, ..self.begin.clone() }
    }

    fn matcher<'m>(
        matcher: &'m mut Option<Matcher>,
        lines: &[u8],
        filter: &Arc<Filter>,
        keys: Option<&Keys>,
    ) -> &'m mut Matcher {
        matcher.get_or_insert_with(|| Matcher::new(filter, Form::of(lines, keys), keys.is_some()))
    }

    /// Reads the lines before those that were read, and keeps the wanted ones.
    fn fill(&mut self, filter: &Arc<Filter>, keys: Option<&Keys>) -> io::Result<()> {
        let mut wanted = PIECE;
        while self.end > self.run.from {
            let start = self.source.start_before(self.end, wanted, wanted == PIECE).max(self.run.from);
            self.source.read_all(start, self.end, &mut self.buffer)?;
            let is_all = start == self.run.from;
            let first = if is_all { Some(0) } else { memchr(b'\n', &self.buffer).map(|at| at + 1) };
            let Some(first) = first.filter(|first| *first < self.buffer.len()) else {
                if self.buffer.len() > self.longest {
                    return self.pass_long(filter, keys);
                }
                wanted *= 2;
                continue;
            };
            let matcher = Self::matcher(&mut self.matcher, &self.buffer[first..], filter, keys);
            let lines = &self.buffer[first..];
            let mut skipped = 0;
            while skipped < lines.len() && !matcher.begins_record(&lines[skipped..end_of(lines, skipped)]) {
                skipped = end_of(lines, skipped) + 1;
            }
            let begin = if is_all || skipped == 0 {
                first
            } else if skipped < lines.len() {
                first + skipped
            } else if wanted < MOST_TEXT {
                wanted *= 2;
                continue;
            } else {
                first
            };
            matcher.forget();
            let mut at = begin;
            while at < self.buffer.len() {
                let Some(mut line) = matcher.next(&self.buffer[at..]) else { break };
                line.range = at + line.range.start..at + line.range.end;
                at = line.range.end + 1;
                self.found.push(line);
            }
            (self.base, self.end) = (start, start + begin as u64);
            break;
        }
        self.match_tail(filter, keys);
        Ok(())
    }

    /// The last line may have no newline.
    fn match_tail(&mut self, filter: &Arc<Filter>, keys: Option<&Keys>) {
        if self.tail.is_empty() {
            return;
        }
        let tail = std::mem::take(&mut self.tail);
        let matcher = Self::matcher(&mut self.matcher, &tail, filter, keys);
        let end = self.run.until;
        match matcher.whole(&tail) {
            Some(Some(line)) => {
                let record = Record::of(&tail, line, &self.file, self.position(end));
                let before = self.position(end - tail.len() as u64);
                self.single = Some(Found { record, before, between: 0, cut: None });
            }
            Some(None) => {}
            None => self.is_torn = true,
        }
    }

    /// Passes a line that is longer than any that is read. If it is wanted, it is given by its beginning.
    #[cold]
    fn pass_long(&mut self, filter: &Arc<Filter>, keys: Option<&Keys>) -> io::Result<()> {
        self.buffer = Vec::new();
        let end = self.end;
        let begin = self.line_before(end - 1)?;
        self.end = begin;
        if self.cuts {
            let most = begin + self.longest as u64;
            self.source.read_all(begin, most.min(end), &mut self.buffer)?;
            let matcher = Self::matcher(&mut self.matcher, &self.buffer, filter, keys);
            if let Some((bytes, line)) = matcher.cut(&self.buffer) {
                let record = Record::of(&bytes, line, &self.file, self.position(end));
                self.single =
                    Some(Found { record, before: self.position(begin), between: 0, cut: Some(end - begin - 1) });
            }
        }
        self.buffer = Vec::new();
        Ok(())
    }
}

fn end_of(lines: &[u8], at: usize) -> usize {
    memchr(b'\n', &lines[at..]).map_or(lines.len(), |end| at + end)
}

/// A packed file of another program, of which nobody knows where its parts are: it is read from its beginning, and the last records are kept.
pub struct Stream {
    cursor: Cursor,
    until: u64,
    kept: VecDeque<Found>,
    bytes: usize,
    /// Whether there were records before those that are kept.
    has_more: bool,
    is_read: bool,
}

impl Stream {
    fn next(&mut self, set: &str, filter: &Arc<Filter>, keys: Option<&Keys>, time: Time) -> io::Result<Next> {
        while !self.is_read {
            match self.cursor.next(set, filter, keys, time)? {
                cursor::Next::Record(record) => self.keep(record, None),
                cursor::Next::Cut(record, length) => self.keep(record, Some(length)),
                cursor::Next::Later => return Ok(Next::Later),
                cursor::Next::End => {
                    self.is_read = true;
                    if let Some(Some(record)) = self.cursor.last(set) {
                        self.keep(record, None);
                    }
                }
            }
        }
        let first = self.kept.front().map(|found| found.before.offset);
        match self.kept.pop_back() {
            Some(found) => {
                if let Some(first) = first.filter(|_| self.kept.is_empty() && self.has_more) {
                    self.until = first;
                }
                Ok(Next::Found(found))
            }
            None if self.has_more => Ok(Next::Again(self.until)),
            None => Ok(Next::Begin),
        }
    }

    fn keep(&mut self, record: Record, cut: Option<u64>) {
        if record.position.offset > self.until {
            self.is_read = true;
            return;
        }
        let length = cut.unwrap_or(record.raw.len() as u64 + 1);
        let before = Position { offset: record.position.offset.saturating_sub(length), ..record.position.clone() };
        self.bytes += record.raw.len();
        self.kept.push_back(Found { record, before, between: 0, cut });
        while self.bytes > MOST_KEPT && self.kept.len() > 1 {
            self.bytes -= self.kept.pop_front().map_or(0, |found| found.record.raw.len());
            self.has_more = true;
        }
    }
}
