//! The text of a traceback, line by line as Python's `traceback` module prints it.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::SourceCache;
use super::blob::{Exception, Frame, Group, Link, Stack};
use super::fold::{Entry, entries};
use super::marks;
use super::source::is_space;
use crate::escape;

/// Repetitions of a frame that are shown (`traceback._RECURSIVE_CUTOFF`).
const SHOWN_REPEATS: u32 = 3;
/// Members of a group that are shown, and groups inside groups.
const GROUP_WIDTH: usize = 15;
const GROUP_DEPTH: usize = 10;
/// Bytes of one line of source; generated code can have lines of any length.
const SOURCE_BYTES: usize = 4 << 10;
/// Bytes after which a text gets no further part.
const BYTES: usize = 1 << 20;

const CAUSE: &str = "\nThe above exception was the direct cause of the following exception:\n\n";
const CONTEXT: &str = "\nDuring handling of the above exception, another exception occurred:\n\n";

pub fn exception(exception: &Exception<'_>, folds: bool, is_marked: bool, sources: &mut SourceCache) -> String {
    let mut printer =
        Printer { out: String::new(), depth: 0, needs_close: false, is_cut: false, folds, is_marked, sources };
    printer.chain(exception);
    printer.out
}

/// What `logging` adds for `stack_info`.
pub fn stack(stack: &Stack<'_>, sources: &mut SourceCache) -> String {
    match stack {
        Stack::Text(text) => (*text).to_owned(),
        Stack::Frames { frames, left_out } => {
            let mut out = String::from("Stack (most recent call last):\n");
            put_frames(&mut out, &entries(frames, *left_out, false), false, sources);
            out.truncate(out.trim_end_matches('\n').len());
            out
        }
    }
}

/// As much of a line of source as is shown.
pub fn bounded(source: &str) -> &str {
    escape::start_of(source, SOURCE_BYTES)
}

/// As much of a line of source as is worth being looked at before it is shown: what is shown, and some of what follows.
pub fn bounded_before(source: &str) -> &str {
    escape::start_of(source, 4 * SOURCE_BYTES)
}

struct Printer<'s> {
    out: String,
    /// Groups around what is printed.
    depth: usize,
    needs_close: bool,
    is_cut: bool,
    /// Whether runs of frames of libraries are one line.
    folds: bool,
    /// Whether the expressions that failed are marked.
    is_marked: bool,
    sources: &'s mut SourceCache,
}

impl Printer<'_> {
    /// An exception after those that led to it.
    fn chain(&mut self, exception: &Exception<'_>) {
        let (other, joint) = match (&exception.cause, &exception.context) {
            (Link::None, context) => (context, CONTEXT),
            (cause, _) => (cause, CAUSE),
        };
        match other {
            Link::None => {}
            Link::To(other) => {
                self.chain(other);
                self.emit(joint, '|');
            }
            Link::LeftOut => {
                self.emit("[further exceptions left out]\n", '|');
                self.emit(joint, '|');
            }
        }
        match &exception.group {
            None => {
                self.frames("Traceback", exception, '|');
                self.last_lines(exception);
            }
            Some(_) if self.depth > GROUP_DEPTH => {
                self.emit(&format!("... (max_group_depth is {GROUP_DEPTH})\n"), '|');
            }
            Some(group) => self.group(exception, group),
        }
    }

    fn group(&mut self, exception: &Exception<'_>, group: &Group<'_>) {
        let outermost = self.depth == 0;
        if outermost {
            self.depth = 1;
        }
        self.frames("Exception Group Traceback", exception, if outermost { '+' } else { '|' });
        self.last_lines(exception);
        self.members(group);
        if outermost {
            self.depth = 0;
        }
    }

    fn members(&mut self, group: &Group<'_>) {
        let shown = group.members.len().min(GROUP_WIDTH);
        let left_out = group.members.len() - shown + group.left_out as usize;
        let parts = shown + usize::from(left_out > 0);
        self.needs_close = false;
        for index in 0..parts {
            let is_last = index + 1 == parts;
            if is_last {
                // A group inside may close for this one.
                self.needs_close = true;
            }
            let title = if index < shown { (index + 1).to_string() } else { "...".to_owned() };
            let corner = if index == 0 { "+-" } else { "  " };
            let _ = writeln!(self.out, "{}{corner}+---------------- {title} ----------------", self.indent());
            self.depth += 1;
            match group.members.get(index).filter(|_| index < shown) {
                Some(member) => self.chain(member),
                None => self.emit(&format!("and {left_out} more exception{}\n", plural(left_out as u64)), '|'),
            }
            if is_last && self.needs_close {
                let _ = writeln!(self.out, "{}+------------------------------------", self.indent());
                self.needs_close = false;
            }
            self.depth -= 1;
        }
    }

    fn frames(&mut self, title: &str, exception: &Exception<'_>, margin: char) {
        if exception.frames.is_empty() {
            return;
        }
        self.emit(&format!("{title} (most recent call last):\n"), margin);
        let mut text = String::new();
        let entries = entries(&exception.frames, exception.left_out, self.folds);
        put_frames(&mut text, &entries, self.is_marked, self.sources);
        self.emit(&text, '|');
    }

    fn last_lines(&mut self, exception: &Exception<'_>) {
        let mut text = String::new();
        put_last_lines(&mut text, exception, self.is_marked);
        self.emit(&text, '|');
    }

    fn indent(&self) -> String {
        "  ".repeat(self.depth)
    }

    /// Prints lines with the margin of the groups around them.
    fn emit(&mut self, text: &str, margin: char) {
        if self.out.len() > BYTES {
            if !self.is_cut {
                self.is_cut = true;
                self.out.push_str("[the rest is left out]\n");
            }
        } else if self.depth == 0 {
            self.out.push_str(text);
        } else {
            let margin = format!("{}{margin} ", self.indent());
            for line in lines(text) {
                self.out.push_str(&margin);
                self.out.push_str(line);
            }
        }
    }
}

/// Lines with their ends, where `str.splitlines` has them.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (at, end) = rest.char_indices().find(|(_, character)| ends_line(*character))?;
        let is_pair = end == '\r' && rest[at + 1..].starts_with('\n');
        let (line, after) = rest.split_at(at + end.len_utf8() + usize::from(is_pair));
        rest = after;
        Some(line)
    })
    .chain(text.rsplit(ends_line).next().filter(|last| !last.is_empty()))
}

fn ends_line(character: char) -> bool {
    matches!(character, '\n'..='\r' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn put_last_lines(out: &mut String, exception: &Exception<'_>, is_marked: bool) {
    if let Some(lines) = exception.last_lines {
        out.push_str(&if is_marked { Cow::Borrowed(lines) } else { marks::without(lines) });
        return;
    }
    if !matches!(exception.module, "builtins" | "__main__") {
        out.push_str(exception.module);
        out.push('.');
    }
    out.push_str(exception.kind);
    if !exception.message.is_empty() {
        out.push_str(": ");
        out.push_str(exception.message);
    }
    out.push('\n');
    if exception.shows_notes {
        for note in &exception.notes {
            out.push_str(note);
            out.push('\n');
        }
    }
}

/// Frames as `StackSummary.format` prints them: a frame that repeats is shown three times, then counted.
fn put_frames(out: &mut String, entries: &[Entry<'_, '_>], is_marked: bool, sources: &mut SourceCache) {
    let mut last: Option<(&str, u32, &str)> = None;
    let mut count = 0_u32;
    for entry in entries {
        let this = match entry {
            Entry::Frame(frame) => Some((frame.file, frame.line, frame.function)),
            Entry::Folded { .. } | Entry::LeftOut(_) => None,
        };
        if last != this || this.is_none() {
            put_repeats(out, count);
            (last, count) = (this, 0);
        }
        match entry {
            Entry::Frame(frame) => {
                for _ in 0..frame.repeated.min(SHOWN_REPEATS.saturating_sub(count)) {
                    put_frame(out, frame, is_marked, sources);
                }
                count = count.saturating_add(frame.repeated);
            }
            Entry::Folded { frames, packages, has_more } => {
                let _ = writeln!(out, "  [{frames} frames of {}]", listed(packages, *has_more));
            }
            Entry::LeftOut(left_out) => {
                let _ = writeln!(out, "  [{left_out} frame{} left out]", plural((*left_out).into()));
            }
        }
    }
    put_repeats(out, count);
}

fn listed(packages: &[&str], has_more: bool) -> String {
    match packages {
        [] => "libraries".to_owned(),
        packages => packages.join(", ") + if has_more { ", …" } else { "" },
    }
}

fn put_repeats(out: &mut String, count: u32) {
    if let Some(more) = count.checked_sub(SHOWN_REPEATS).filter(|more| *more > 0) {
        let _ = writeln!(out, "  [Previous line repeated {more} more time{}]", plural(more.into()));
    }
}

fn put_frame(out: &mut String, frame: &Frame<'_>, is_marked: bool, sources: &mut SourceCache) {
    // Since 3.13 each statement of an interactive session has a file name of its own.
    let file = if frame.file.starts_with("<stdin>-") { "<stdin>" } else { frame.file };
    let _ = writeln!(out, "  File \"{file}\", line {}, in {}", frame.line, frame.function);
    let source = source_of(frame, is_marked, sources);
    for line in source.split_terminator('\n') {
        let _ = writeln!(out, "    {}", bounded(line));
    }
}

/// The source of a frame, without caret lines unless they are asked for. Empty if there is none.
pub fn source_of<'s>(frame: &Frame<'s>, is_marked: bool, sources: &'s mut SourceCache) -> Cow<'s, str> {
    if let Some(source) = frame.source {
        return if is_marked { Cow::Borrowed(source) } else { marks::without(source) };
    }
    let Some(line) = sources.whole_line(frame.file, frame.line) else { return Cow::Borrowed("") };
    let shown = bounded_before(line.trim_matches(is_space));
    // A line that is cut may end before the expression.
    let columns = frame.columns.filter(|_| is_marked && line.len() <= SOURCE_BYTES);
    let marks = columns.and_then(|(from, to)| marks::below(line, from, to));
    match marks {
        Some(marks) => Cow::Owned([shown, "\n", &marks].concat()),
        None => Cow::Borrowed(shown),
    }
}

#[cfg(test)]
mod tests {
    use super::super::blob::tests::{self, plain};
    use super::*;

    fn text(exception: &Exception<'_>) -> String {
        super::exception(exception, true, true, &mut SourceCache::default())
    }

    fn frame(function: &str, repeated: u32) -> Frame<'_> {
        Frame { file: "<string>", line: 1, source: Some(""), repeated, ..tests::frame(function) }
    }

    fn of_library<'a>(function: &'a str, origin: &'a str) -> Frame<'a> {
        Frame { is_application: false, origin, ..frame(function, 1) }
    }

    #[test]
    fn a_chain_is_printed_from_its_beginning() {
        let exception = Exception { cause: Link::To(Box::new(plain("KeyError", "'k'"))), ..plain("ValueError", "v") };
        assert_eq!(text(&exception), format!("KeyError: 'k'\n{CAUSE}ValueError: v\n"));
    }

    #[test]
    fn what_is_left_out_of_a_chain_is_said() {
        let exception = Exception { context: Link::LeftOut, ..plain("ValueError", "v") };
        assert_eq!(text(&exception), format!("[further exceptions left out]\n{CONTEXT}ValueError: v\n"));
    }

    #[test]
    fn repeated_frames_are_counted_from_the_fourth_on() {
        let exception = Exception { frames: vec![frame("f", 2), frame("f", 5)], ..plain("ValueError", "v") };
        let text = text(&exception);
        assert_eq!(text.matches("in f\n").count(), 3);
        assert!(text.contains("  [Previous line repeated 4 more times]\n"));
    }

    #[test]
    fn frames_left_out_are_told_in_the_middle() {
        let exception = Exception { frames: vec![frame("f", 1), frame("g", 1)], left_out: 9, ..plain("E", "") };
        assert!(text(&exception).contains("in f\n  [9 frames left out]\n  File \"<string>\", line 1, in g\n"));
    }

    #[test]
    fn frames_of_libraries_are_one_line() {
        let frames = vec![of_library("f", "uvicorn.a:f"), of_library("g", "starlette:g"), frame("pay", 1)];
        let whole = Exception { frames, ..plain("E", "") };
        let expected = "  [2 frames of uvicorn, starlette]\n  File \"<string>\", line 1, in pay\nE\n";
        assert_eq!(text(&whole), format!("Traceback (most recent call last):\n{expected}"));
        let kept = super::exception(&whole, false, true, &mut SourceCache::default());
        assert!(!kept.contains('[') && kept.contains("in f\n") && kept.contains("in g\n"));
    }

    #[test]
    fn members_not_captured_are_counted() {
        let group = Group { members: vec![plain("KeyError", "'k'")], left_out: 7 };
        let exception = Exception { group: Some(group), ..plain("ExceptionGroup", "g") };
        assert_eq!(
            text(&exception),
            [
                "  | ExceptionGroup: g",
                "  +-+---------------- 1 ----------------",
                "    | KeyError: 'k'",
                "    +---------------- ... ----------------",
                "    | and 7 more exceptions",
                "    +------------------------------------\n",
            ]
            .join("\n")
        );
    }

    #[test]
    fn a_text_without_end_is_cut() {
        let message = "m".repeat(1 << 19);
        let members = || (0..10).map(|_| plain("ValueError", &message)).collect();
        let exception =
            Exception { group: Some(Group { members: members(), left_out: 0 }), ..plain("ExceptionGroup", "g") };
        let text = text(&exception);
        assert!(text.len() < BYTES + (1 << 20));
        assert!(text.contains("[the rest is left out]\n"));
    }

    #[test]
    fn lines_end_where_python_ends_them() {
        let text = "a\r\nb\rc\u{2028}d\u{b}e\n\nf";
        assert_eq!(lines(text).collect::<Vec<_>>(), ["a\r\n", "b\r", "c\u{2028}", "d\u{b}", "e\n", "\n", "f"]);
        assert_eq!(lines("a\n").collect::<Vec<_>>(), ["a\n"]);
    }
}
