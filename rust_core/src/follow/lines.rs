//! The wanted lines of one file, in a window of bounded size.

use std::collections::VecDeque;
use std::io;

use memchr::{memchr_iter, memrchr};

use super::matcher::{Line, Matcher};
use super::source::Source;
use super::time::Time;

/// Bytes that are read at once. They fit into the cache of a processor.
const PIECE: usize = 256 << 10;
/// The longest line that is read. A longer one is passed over: no record is that long.
pub const LONGEST: usize = 128 << 20;
/// What a window keeps for the lines after a long one.
const KEPT: usize = 4 << 20;

/// Bytes that are read without what is between them and the next: they begin with a line, and end with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub from: u64,
    pub until: u64,
    /// Lines of the file before it.
    pub lines: u64,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// A line, by its place in `bytes`.
    Line(Line),
    /// The end, for now. `tail` has what stands before it of a line that has no end.
    End,
    /// The beginning of a line that was too long, and how long that was.
    Cut(Vec<u8>, u64),
    /// Time is up, and there is more to be looked at.
    Later,
}

/// The lines of a file.
#[allow(missing_debug_implementations)] // a source has none
pub struct Lines {
    pub source: Source,
    buffer: Vec<u8>,
    /// Bytes that were read into the buffer.
    filled: usize,
    /// The offset of the buffer.
    base: u64,
    /// Where the next line begins, and where the last whole one ends.
    at: usize,
    whole: usize,
    /// Lines of the file before `at`, if they are counted.
    lines: u64,
    pub counts: bool,
    runs: VecDeque<Run>,
    run: Run,
    /// Whether the end of a line is looked for that is too long.
    is_passing: bool,
    /// How many were too long.
    pub too_long: u64,
    /// The longest line that is read.
    longest: usize,
    /// Whether the beginning of a longer one is given.
    cuts: bool,
    /// That of the line whose end is looked for, and its bytes so far.
    start: Option<Vec<u8>>,
    passed: u64,
    is_passed: bool,
}

impl Lines {
    /// All lines of these runs.
    pub fn new(source: Source, runs: impl IntoIterator<Item = Run>) -> Self {
        let mut runs: VecDeque<Run> = runs.into_iter().collect();
        let run = runs.pop_front().unwrap_or(Run { from: 0, until: 0, lines: 0 });
        Self {
            source,
            buffer: Vec::new(),
            filled: 0,
            base: run.from,
            at: 0,
            whole: 0,
            lines: run.lines,
            counts: true,
            runs,
            run,
            is_passing: false,
            too_long: 0,
            longest: LONGEST,
            cuts: false,
            start: None,
            passed: 0,
            is_passed: false,
        }
    }

    /// Lets a line of more bytes be given by its beginning of so many.
    pub const fn cut_at(&mut self, longest: usize) {
        (self.longest, self.cuts) = (longest, true);
    }

    /// The offset of the next line.
    pub const fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// Lines of the file before the next one.
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// The beginning of a line that is too long and comes next.
    pub fn cut(&self) -> Option<&[u8]> {
        self.start.as_deref().filter(|_| self.is_passed)
    }

    /// What is read, and in which runs.
    pub fn into_runs(mut self) -> (Source, Vec<Run>) {
        self.runs.push_front(self.run);
        (self.source, self.runs.into())
    }

    /// The last line that was found, and others around it.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// The next wanted line. What has no newline is not taken: `tail` has it. At least one piece is looked at.
    pub fn next(&mut self, matcher: &mut Matcher, time: Time) -> io::Result<Next> {
        loop {
            if std::mem::take(&mut self.is_passed)
                && let Some(start) = self.start.take()
            {
                return Ok(Next::Cut(start, self.passed));
            }
            if self.at < self.whole {
                let lines = &self.buffer[self.at..self.whole];
                let Some(mut line) = matcher.next(lines) else {
                    if self.counts {
                        self.lines += memchr_iter(b'\n', lines).count() as u64;
                    }
                    self.at = self.whole;
                    if time.is_up() {
                        return Ok(Next::Later);
                    }
                    continue;
                };
                if self.counts {
                    self.lines += memchr_iter(b'\n', &lines[..line.range.start]).count() as u64 + 1;
                }
                let end = self.at + line.range.end;
                line.range = self.at + line.range.start..end;
                self.at = (end + 1).min(self.whole);
                return Ok(Next::Line(line));
            }
            if self.fill()? {
                if self.at == self.whole && time.is_up() {
                    return Ok(Next::Later);
                }
            } else {
                match self.runs.pop_front() {
                    Some(run) if self.base + self.filled as u64 >= self.run.until => self.jump(run),
                    _ => return Ok(Next::End),
                }
            }
        }
    }

    fn jump(&mut self, run: Run) {
        (self.base, self.at, self.whole, self.filled) = (run.from, 0, 0, 0);
        (self.lines, self.run, self.is_passing) = (run.lines, run, false);
        self.start = None;
    }

    /// What stands behind the last newline.
    pub fn tail(&self) -> &[u8] {
        &self.buffer[self.at..self.filled]
    }

    /// Forgets it, to read it again: it may be cut and written anew.
    pub const fn drop_tail(&mut self) {
        self.filled = self.at;
    }

    /// Passes over the tail as a line. Returns where it begins in `bytes`.
    pub const fn take_tail(&mut self) -> usize {
        let start = self.at;
        self.at = self.filled;
        self.whole = self.filled;
        self.lines += 1;
        start
    }

    /// The whole lines that were read and not looked at, or those that can be read now. Empty if there are none, None if time is up before.
    pub fn ahead(&mut self, time: Time) -> io::Result<Option<&[u8]>> {
        while self.at == self.whole && !self.is_passed && self.fill()? {
            if self.at == self.whole && time.is_up() {
                return Ok(None);
            }
        }
        Ok(Some(&self.buffer[self.at..self.whole]))
    }

    /// What `ahead` has found.
    pub fn looked_ahead(&self) -> &[u8] {
        &self.buffer[self.at..self.whole]
    }

    /// Reads on. False at the end.
    fn fill(&mut self) -> io::Result<bool> {
        self.buffer.copy_within(self.at..self.filled, 0);
        self.base += self.at as u64;
        self.filled -= self.at;
        (self.at, self.whole) = (0, 0);
        if self.filled >= self.longest {
            if !self.is_passing {
                self.too_long += 1;
                self.start = self.cuts.then(|| self.buffer[..self.longest].to_vec());
                self.passed = 0;
            }
            self.is_passing = true;
        }
        if self.is_passing {
            self.passed += self.filled as u64;
            self.base += self.filled as u64;
            self.filled = 0;
        }
        let wanted = (self.filled + PIECE.max(self.filled)).min(self.longest);
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        } else if self.buffer.len() > KEPT && wanted < KEPT {
            self.buffer.truncate(KEPT);
            self.buffer.shrink_to_fit();
        }
        let from = self.base + self.filled as u64;
        let room = usize::try_from(self.run.until.saturating_sub(from)).unwrap_or(usize::MAX);
        let end = wanted.min(self.filled.saturating_add(room));
        let count = if end > self.filled { self.source.read(from, &mut self.buffer[self.filled..end])? } else { 0 };
        if count == 0 {
            return Ok(false);
        }
        let read = &self.buffer[self.filled..self.filled + count];
        let newline = if self.is_passing { memchr::memchr(b'\n', read) } else { None };
        let last = memrchr(b'\n', read);
        self.whole = last.map_or(0, |last| self.filled + last + 1);
        self.filled += count;
        if let Some(end) = newline {
            // The long line ends here.
            self.at = end + 1;
            self.lines += 1;
            self.passed += end as u64;
            (self.is_passing, self.is_passed) = (false, self.cuts);
        } else if self.is_passing {
            self.passed += self.filled as u64;
            (self.at, self.whole) = (self.filled, self.filled);
        }
        Ok(true)
    }

    /// Goes on behind the part of a packed file that was to be read. False if there is nothing behind it.
    pub fn pass_part(&mut self) -> bool {
        let next = self.source.part_after(self.base + self.filled as u64).filter(|next| *next < self.run.until);
        if let Some(from) = next {
            self.go_to(from);
        }
        next.is_some()
    }

    /// Goes on at an offset, as in a file that is open at its beginning.
    pub fn go_to(&mut self, offset: u64) {
        self.jump(Run { from: offset, ..self.run });
    }
}
