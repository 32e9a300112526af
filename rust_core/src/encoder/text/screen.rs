//! The lines of one record, within the width of a terminal. A line that goes on is marked, so that it is never taken for a record.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::style;

/// At the beginning of each line after the first.
pub const MARK: &str = "  │";
const MARK_COLUMNS: usize = 3;
/// A terminal is taken to have so many columns at least.
pub const LEAST_COLUMNS: usize = 20;
/// Blanks between texts where there is no room for more.
const LEAST_GAP: usize = 2;
/// Stands for what is left out.
pub const CUT: &str = "…";

/// Columns that a text takes: none of its characters acts.
#[inline]
pub fn columns(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

/// As much of a text as `most` columns hold, and what is left. Nothing is cut within a wide character or before what belongs to the
/// character before it.
pub fn split(text: &str, most: usize) -> (&str, &str) {
    if text.is_ascii() {
        return text.split_at(most.min(text.len()));
    }
    let (mut used, mut joins) = (0, false);
    for (at, character) in text.char_indices() {
        let columns = character.width().unwrap_or(0);
        used += columns;
        if used > most && columns > 0 && !joins {
            return text.split_at(at);
        }
        joins = character == '\u{200d}';
    }
    (text, "")
}

#[derive(Debug)]
pub struct Screen<'o> {
    out: &'o mut String,
    color: bool,
    /// `usize::MAX` where lines may be of any length.
    width: usize,
    column: usize,
    /// Blanks that are due before the next text on this line.
    gap: usize,
    /// Columns after the mark at which lines that go on begin.
    indent: usize,
    /// Whether nothing stands on this line but its mark.
    is_empty: bool,
    /// Lines that have begun after the first.
    lines: usize,
}

impl<'o> Screen<'o> {
    pub fn new(out: &'o mut String, color: bool, width: Option<usize>) -> Self {
        let width = width.map_or(usize::MAX, |width| width.max(LEAST_COLUMNS));
        Self { out, color, width, column: 0, gap: 0, indent: 1, is_empty: true, lines: 0 }
    }

    pub fn width(&self) -> usize {
        self.width
    }

    /// Columns that the next text finds on this line.
    pub fn room(&self) -> usize {
        self.width.saturating_sub(self.column).saturating_sub(self.due())
    }

    /// Makes room before the next text, if one follows on this line.
    #[inline]
    pub fn gap(&mut self, columns: usize) {
        if !self.is_empty {
            self.gap += columns;
        }
    }

    /// Blanks that stand there even at the beginning of a line.
    pub fn pad(&mut self, columns: usize) {
        self.gap += columns;
    }

    /// Begins a line that goes on.
    pub fn new_line(&mut self) {
        self.out.push('\n');
        if self.color {
            self.out.push_str(style::DIM);
            self.out.push_str(MARK);
            self.out.push_str(style::RESET);
        } else {
            self.out.push_str(MARK);
        }
        self.column = MARK_COLUMNS;
        self.gap = 0;
        self.is_empty = true;
        self.lines += 1;
    }

    /// Lines that have begun after the first.
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// Takes everything back.
    pub fn start_over(&mut self) {
        self.out.clear();
        (self.column, self.gap, self.indent, self.is_empty, self.lines) = (0, 0, 1, true, 0);
    }

    /// Ends the record.
    pub fn end(self) {
        self.out.push('\n');
    }

    /// Where lines that go on begin, counted from their mark.
    pub fn set_indent(&mut self, indent: usize) {
        self.indent = 1 + indent.min(self.width.saturating_sub(MARK_COLUMNS) / 2);
    }

    /// Begins a new line, unless `columns` more have room on this one, or would not have it on the next one either.
    pub fn keep_together(&mut self, columns: usize) {
        let is_over = |gap: usize| self.column.saturating_add(gap).saturating_add(columns) > self.width;
        if !is_over(self.gap) || self.is_empty {
            return;
        }
        let narrow = self.gap.min(LEAST_GAP);
        if !is_over(narrow) {
            // Rather out of its column than in another line.
            self.gap = narrow;
        } else if MARK_COLUMNS + self.indent + columns <= self.width {
            self.new_line();
        }
    }

    /// Puts a text in which nothing acts. What has no room goes on in the next line, after a blank if there is one.
    #[inline]
    pub fn put(&mut self, style: &str, text: &str) {
        if text.is_empty() {
            return;
        }
        let columns = columns(text);
        if !self.is_empty && self.column.saturating_add(self.gap) >= self.width {
            self.new_line();
        }
        self.lead();
        if self.column.saturating_add(columns) <= self.width {
            self.painted(style, text, columns);
        } else {
            self.put_wrapped(style, text);
        }
    }

    /// Blanks that are due before the next text.
    #[inline]
    fn due(&self) -> usize {
        if self.is_empty && self.column > 0 { self.indent } else { self.gap }
    }

    /// Puts what is due before a text.
    #[inline]
    fn lead(&mut self) {
        let blanks = self.due();
        if !(self.is_empty && self.column > 0) {
            self.gap = 0;
        }
        for _ in 0..blanks {
            self.out.push(' ');
        }
        self.column += blanks;
        self.is_empty = false;
    }

    #[inline]
    fn painted(&mut self, style: &str, text: &str, columns: usize) {
        if self.color && !style.is_empty() {
            self.out.push_str(style);
            self.out.push_str(text);
            self.out.push_str(style::RESET);
        } else {
            self.out.push_str(text);
        }
        self.column += columns;
    }

    #[cold]
    fn put_wrapped(&mut self, style: &str, mut text: &str) {
        loop {
            let room = self.width.saturating_sub(self.column);
            let (mut part, mut rest) = split(text, room);
            let is_first = self.column <= MARK_COLUMNS + self.indent;
            if rest.is_empty() {
                return self.painted(style, part, columns(part));
            }
            let fits_on_a_line = |word: &str| MARK_COLUMNS + self.indent + columns(word) <= self.width;
            if rest.starts_with(' ') {
                rest = rest.trim_start_matches(' ');
            } else if let Some(blank) = part.rfind(' ').filter(|blank| *blank > 0) {
                // Words that have no room on a line of their own are cut anyway.
                if fits_on_a_line(text[blank + 1..].split(' ').next().unwrap_or_default()) {
                    (part, rest) = (&text[..blank], &text[blank + 1..]);
                }
            } else if !is_first && fits_on_a_line(text.split(' ').next().unwrap_or_default()) {
                (part, rest) = ("", text);
            } else if part.is_empty() && is_first {
                // One character that is wider than the room there is.
                let end = text.chars().next().map_or(0, char::len_utf8);
                (part, rest) = text.split_at(end);
            }
            let part = part.trim_end_matches(' ');
            if !part.is_empty() {
                self.painted(style, part, columns(part));
            }
            if rest.is_empty() {
                return;
            }
            self.new_line();
            self.lead();
            text = rest;
        }
    }
}
