//! The text of a traceback, line by line as Python's `traceback` module prints it.

use std::fmt::Write as _;

use super::SourceCache;
use super::blob::{Exception, Frame};

/// Repetitions of a frame that are shown (`traceback._RECURSIVE_CUTOFF`).
const SHOWN_REPEATS: u32 = 3;
/// Members of a group that are shown, and groups inside groups.
const GROUP_WIDTH: usize = 15;
const GROUP_DEPTH: usize = 10;

pub fn exception(exception: &Exception<'_>, sources: &mut SourceCache) -> String {
    let mut printer = Printer { out: String::new(), depth: 0, needs_close: false, sources };
    printer.chain(exception);
    printer.out
}

struct Printer<'s> {
    out: String,
    /// Groups around what is printed.
    depth: usize,
    needs_close: bool,
    sources: &'s mut SourceCache,
}

impl Printer<'_> {
    /// An exception after those that led to it.
    fn chain(&mut self, exception: &Exception<'_>) {
        let before = match (&exception.cause, &exception.context) {
            (Some(cause), _) => Some((cause, "The above exception was the direct cause of the following exception:")),
            (None, Some(context)) => {
                Some((context, "During handling of the above exception, another exception occurred:"))
            }
            (None, None) => None,
        };
        if let Some((other, joint)) = before {
            self.chain(other);
            self.emit(&format!("\n{joint}\n\n"), '|');
        }
        match &exception.group {
            Some(_) if self.depth > GROUP_DEPTH => {
                self.emit(&format!("... (max_group_depth is {GROUP_DEPTH})\n"), '|');
            }
            Some(members) => self.group(exception, members),
            None => {
                let mut text = String::new();
                put_traceback(&mut text, exception, "Traceback", self.sources);
                self.emit(&text, '|');
            }
        }
    }

    fn group(&mut self, exception: &Exception<'_>, members: &[Exception<'_>]) {
        let outermost = self.depth == 0;
        if outermost {
            self.depth = 1;
        }
        let mut text = String::new();
        put_traceback(&mut text, exception, "Exception Group Traceback", self.sources);
        let (title, rest) = match text.split_once('\n') {
            Some((title, rest)) if !exception.frames.is_empty() => (format!("{title}\n"), rest.to_owned()),
            _ => (String::new(), text),
        };
        self.emit(&title, if outermost { '+' } else { '|' });
        self.emit(&rest, '|');
        let shown = members.len().min(GROUP_WIDTH + 1);
        self.needs_close = false;
        for (index, member) in members.iter().take(shown).enumerate() {
            let last = index + 1 == shown;
            if last {
                self.needs_close = true;
            }
            let truncated = index >= GROUP_WIDTH;
            let number = if truncated { "...".to_owned() } else { (index + 1).to_string() };
            let corner = if index == 0 { "+-" } else { "  " };
            let _ = writeln!(self.out, "{}{corner}+---------------- {number} ----------------", self.indent());
            self.depth += 1;
            if truncated {
                let left = members.len() - GROUP_WIDTH;
                let plural = if left > 1 { "s" } else { "" };
                self.emit(&format!("and {left} more exception{plural}\n"), '|');
            } else {
                self.chain(member);
            }
            if last && self.needs_close {
                let _ = writeln!(self.out, "{}+------------------------------------", self.indent());
                self.needs_close = false;
            }
            self.depth -= 1;
        }
        if outermost {
            self.depth = 0;
        }
    }

    fn indent(&self) -> String {
        "  ".repeat(self.depth)
    }

    /// Prints lines with the margin of the groups around them.
    fn emit(&mut self, text: &str, margin: char) {
        let mut indent = self.indent();
        if self.depth > 0 {
            indent.push(margin);
            indent.push(' ');
        }
        for line in text.split_inclusive('\n') {
            self.out.push_str(&indent);
            self.out.push_str(line);
        }
    }
}

fn put_traceback(out: &mut String, exception: &Exception<'_>, title: &str, sources: &mut SourceCache) {
    if !exception.frames.is_empty() {
        let _ = writeln!(out, "{title} (most recent call last):");
        put_frames(out, &exception.frames, exception.left_out, sources);
    }
    if let Some(lines) = exception.last_lines {
        out.push_str(lines);
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

/// Frames as `StackSummary.format` prints them: a frame that repeats is shown three times, then counted. `left_out` frames
/// are missing in the middle.
fn put_frames(out: &mut String, frames: &[Frame<'_>], left_out: u32, sources: &mut SourceCache) {
    let mut last: Option<(&str, u32, &str)> = None;
    let mut count = 0;
    for (index, frame) in frames.iter().enumerate() {
        if left_out > 0 && index == frames.len() / 2 {
            put_repeats(out, count);
            (last, count) = (None, 0);
            let _ = writeln!(out, "  [{left_out} frames left out]");
        }
        let this = (frame.file, frame.line, frame.function);
        if last != Some(this) {
            put_repeats(out, count);
            (last, count) = (Some(this), 0);
        }
        for _ in 0..frame.repeated.min(SHOWN_REPEATS.saturating_sub(count)) {
            put_frame(out, frame, sources);
        }
        count += frame.repeated;
    }
    put_repeats(out, count);
}

fn put_repeats(out: &mut String, count: u32) {
    if count > SHOWN_REPEATS {
        let more = count - SHOWN_REPEATS;
        let plural = if more > 1 { "s" } else { "" };
        let _ = writeln!(out, "  [Previous line repeated {more} more time{plural}]");
    }
}

fn put_frame(out: &mut String, frame: &Frame<'_>, sources: &mut SourceCache) {
    let file = if frame.file.starts_with("<stdin>-") { "<stdin>" } else { frame.file };
    let _ = writeln!(out, "  File \"{file}\", line {}, in {}", frame.line, frame.function);
    match frame.source {
        Some("") => {}
        Some(source) => {
            for line in source.lines() {
                let _ = writeln!(out, "    {line}");
            }
        }
        None => {
            if let Some(line) = sources.line(frame.file, frame.line) {
                let _ = writeln!(out, "    {line}");
            }
        }
    }
}
