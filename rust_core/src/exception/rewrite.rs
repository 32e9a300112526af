//! Captured exceptions and stacks with other texts.

use super::blob::{Captured, Exception, Frame, Link, Stack, TEXT, VERSION, decode, decode_stack, link};
use super::{SourceCache, marks, text};
use crate::value::Put;

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    Text,
    /// A line of source.
    Source,
    /// The value of the local variable of this name.
    Variable(&'a str),
}

/// Tells what becomes of a text; `None` if it stays as it is.
pub type Edit<'e> = dyn FnMut(Part<'_>, &str) -> Option<String> + 'e;

/// Writes what was read, with other texts.
pub struct Writer<'w, 'e> {
    pub out: &'w mut Vec<u8>,
    pub edit: &'w mut Edit<'e>,
    /// Tells the source of a frame.
    pub source: &'w mut dyn FnMut(&mut Edit<'e>, &Frame<'_>) -> Option<String>,
}

impl Writer<'_, '_> {
    pub fn exception(&mut self, exception: &Exception<'_>) {
        for text in [exception.kind, exception.module, exception.message] {
            self.text(text);
        }
        self.flag(exception.last_lines.is_some());
        if let Some(text) = exception.last_lines {
            self.text(text);
        }
        self.flag(exception.shows_notes);
        self.number(exception.notes.len());
        exception.notes.iter().for_each(|note| self.text(note));
        self.out.put(&exception.left_out.to_le_bytes());
        self.frames(&exception.frames);
        for other in [&exception.cause, &exception.context] {
            match other {
                Link::None => self.out.put_u8(link::NONE),
                Link::LeftOut => self.out.put_u8(link::LEFT_OUT),
                Link::To(other) => {
                    self.out.put_u8(link::FOLLOWS);
                    self.exception(other);
                }
            }
        }
        self.flag(exception.group.is_some());
        if let Some(group) = &exception.group {
            self.out.put(&group.left_out.to_le_bytes());
            self.number(group.members.len());
            group.members.iter().for_each(|member| self.exception(member));
        }
    }

    fn frames(&mut self, frames: &[Frame<'_>]) {
        self.number(frames.len());
        frames.iter().for_each(|frame| self.frame(frame));
    }

    pub fn frame(&mut self, frame: &Frame<'_>) {
        self.text(frame.file);
        self.text(frame.function);
        self.out.put(&frame.line.to_le_bytes());
        let source = (self.source)(self.edit, frame);
        self.flag(source.is_some());
        if let Some(source) = source {
            self.out.put_text(&source);
        }
        self.flag(frame.is_application);
        let (from, to) = frame.columns.unwrap_or_default();
        self.out.put(&from.to_le_bytes());
        self.out.put(&to.to_le_bytes());
        self.text(frame.origin);
        self.out.put(&frame.repeated.to_le_bytes());
        self.number(frame.variables.len());
        for (name, value) in &frame.variables {
            self.text(name);
            self.part(Part::Variable(name), value);
        }
    }

    fn text(&mut self, text: &str) {
        self.part(Part::Text, text);
    }

    fn part(&mut self, part: Part<'_>, text: &str) {
        match (self.edit)(part, text) {
            Some(new) => self.out.put_text(&new),
            None => self.out.put_text(text),
        }
    }

    fn flag(&mut self, flag: bool) {
        self.out.put_u8(u8::from(flag));
    }

    fn number(&mut self, number: usize) {
        self.out.put(&crate::value::length(number).to_le_bytes());
    }
}

/// The source of a frame in its new form: there from now on, so that nobody looks for it again. Marks below a line that has changed would
/// mark something else.
fn known_source(edit: &mut Edit<'_>, frame: &Frame<'_>, sources: &mut SourceCache) -> String {
    let source = text::source_of(frame, true, sources);
    let source = text::bounded_before(&source);
    match edit(Part::Source, source) {
        Some(new) => marks::without(&new).into_owned(),
        None => source.to_owned(),
    }
}

pub type Rewrite = fn(&[u8], &mut SourceCache, &mut Edit<'_>, &mut Vec<u8>);

/// Writes a captured exception with other texts, its source lines among them. One that is not whole becomes one that nobody can
/// read either.
pub fn rewrite(blob: &[u8], sources: &mut SourceCache, edit: &mut Edit<'_>, out: &mut Vec<u8>) {
    if let Some(Captured { form, exception }) = decode(blob) {
        out.push(VERSION);
        out.push(form.to_byte());
        let source = &mut |edit: &mut Edit<'_>, frame: &Frame<'_>| Some(known_source(edit, frame, sources));
        Writer { out, edit, source }.exception(&exception);
    }
}

/// The same for a captured stack.
pub fn rewrite_stack(blob: &[u8], sources: &mut SourceCache, edit: &mut Edit<'_>, out: &mut Vec<u8>) {
    match decode_stack(blob) {
        Some(Stack::Text(text)) => {
            out.push(TEXT);
            out.extend_from_slice(edit(Part::Text, text).as_deref().unwrap_or(text).as_bytes());
        }
        Some(Stack::Frames { frames, left_out }) => {
            out.push(VERSION);
            out.put(&left_out.to_le_bytes());
            let source = &mut |edit: &mut Edit<'_>, frame: &Frame<'_>| Some(known_source(edit, frame, sources));
            Writer { out, edit, source }.frames(&frames);
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::blob::tests::{encode, frame, plain};
    use super::*;

    /// Seen to put all of it into the record, for each frame, where the encoder shows its beginning.
    #[test]
    fn of_a_line_of_any_length_only_the_beginning_is_looked_at() {
        let line = "é".repeat(1 << 20);
        let frame = Frame { source: Some(&line), ..frame("f") };
        let captured = encode(&Exception { frames: vec![frame; 3], ..plain("E", "m") });
        let mut out = Vec::new();
        let edit = &mut |part: Part<'_>, text: &str| (part == Part::Source).then(|| text.replace('é', "e"));
        rewrite(&captured, &mut SourceCache::default(), edit, &mut out);
        assert!(out.len() < 1 << 16);
        assert!(
            decode(&out).is_some_and(|read| {
                read.exception.frames.iter().all(|frame| frame.source.unwrap().len() > 4 << 10)
            })
        );
    }
}
