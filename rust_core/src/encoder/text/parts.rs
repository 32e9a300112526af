//! The line of a record: each part of the template in its place.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::fields::Fields;
use super::screen::{Screen, columns, split};
use super::template::{Ids, Part, Piece, Shape, Side, Template};
use super::{Given, NO_TIME, TextEncoder, UNKNOWN, style, value};
use crate::escape;
use crate::exception;
use crate::record::{InlineSite, Record};

/// Columns of the longest standard name of a level.
const LEVEL: usize = 8;
/// Columns that names of loggers are brought to at most.
const LOGGER: usize = 24;
/// Columns that messages are brought to: a quarter of the line, within these bounds.
const MESSAGE: (usize, usize) = (16, 36);
/// Characters of a short id.
const SHORT_ID: usize = 8;

/// What is due before the next part that has a text.
#[derive(Clone, Copy, Default)]
struct Due {
    /// Blanks that bring the part before it to its width.
    fill: usize,
    /// Blanks of the template: of those around a part without a text, the wider ones.
    gap: usize,
    new_line: bool,
}

impl TextEncoder {
    /// Puts the line of a record. Parts of one kind stand below each other if it `is_aligned`.
    pub(super) fn put_line(
        &mut self,
        screen: &mut Screen<'_>,
        scratch: &mut String,
        given: &Given<'_>,
        is_aligned: bool,
    ) {
        let Given { record, site, message, fields, template, .. } = *given;
        let mut due = Due::default();
        let mut times = 0;
        for (index, piece) in template.pieces.iter().enumerate() {
            // A part that something follows at once is brought to no width, unless the template says so.
            let is_apart = match template.pieces.get(index + 1) {
                Some(Piece::Literal(text)) => text.starts_with(' '),
                next => !matches!(next, Some(Piece::Part(..))),
            };
            let (part, shape) = match piece {
                Piece::Literal(text) => {
                    put_literal(screen, text, &mut due);
                    continue;
                }
                Piece::NewLine => {
                    due = Due { new_line: true, ..Due::default() };
                    continue;
                }
                Piece::Part(part, shape) => (part, *shape),
            };
            scratch.clear();
            let (style, shape) = match part {
                Part::Fields => {
                    put_fields(screen, scratch, fields, template, &mut due);
                    continue;
                }
                Part::Ids(ids) => {
                    self.put_ids(screen, scratch, fields, *ids, &mut due);
                    continue;
                }
                Part::Time(_) => {
                    if let Some(time) = self.times.get_mut(times).filter(|_| record.header.time != NO_TIME) {
                        time.write(record.header.time, scratch);
                    }
                    times += 1;
                    (style::DIM, shape)
                }
                Part::Level => {
                    let name =
                        record.level_name.map_or_else(|| self.names.level_name(record.header.level), Cow::Borrowed);
                    escape::put(scratch, &name);
                    (style::of_level(record.header.level), shape.or_width(if is_apart { LEVEL } else { 0 }))
                }
                Part::Logger => {
                    self.put_logger(record, scratch);
                    (style::LOGGER, if self.is_aligned && is_apart { self.logger_shape(shape, scratch) } else { shape })
                }
                Part::Message => {
                    escape::put(scratch, value::first_line(message));
                    let room = screen.width() / 4;
                    let columns = room.clamp(MESSAGE.0, MESSAGE.1);
                    (
                        style::of_message(record.header.level),
                        if is_aligned && is_apart { shape.or_width(columns) } else { shape },
                    )
                }
                Part::TraceId => (style::DIM, put_text(scratch, fields.trace_id, shape)),
                Part::SpanId => (style::DIM, put_text(scratch, fields.span_id, shape)),
                Part::Place | Part::Module | Part::Function | Part::Line => {
                    put_place(record.site.or(site.map(InlineSite::of)), part, scratch);
                    (style::DIM, shape)
                }
                Part::Thread => {
                    let name = self.threads.get(&self.names.threads, record.header.thread, |_| ());
                    escape::put(scratch, record.thread.or(name.map(|(name, ())| name.as_str())).unwrap_or(UNKNOWN));
                    (style::DIM, shape)
                }
                Part::Process => {
                    let process = if record.process == 0 { self.process } else { record.process };
                    // Writing to a text cannot fail.
                    let _ = write!(scratch, "{process}");
                    (style::DIM, shape)
                }
                Part::Field(name) => match fields.get(name) {
                    Some(found) => (value::put_value(scratch, found), shape),
                    None => (style::NONE, shape),
                },
                Part::Exception => {
                    if let Some(captured) = record.exception.and_then(exception::decode) {
                        let exception = captured.exception;
                        escape::put(scratch, exception.kind);
                        if !exception.message.is_empty() {
                            scratch.push_str(": ");
                            escape::put(scratch, exception.message);
                        }
                    }
                    (style::ERROR, shape)
                }
            };
            put_shaped(screen, style, scratch, shape, &mut due);
        }
    }

    fn put_logger(&mut self, record: &Record<'_>, out: &mut String) {
        match record.logger {
            Some(name) => escape::put(out, name),
            None => {
                let known = self.loggers.get(&self.names.loggers, record.header.logger, |_| ());
                escape::put(out, known.map_or(UNKNOWN, |(name, ())| name.as_str()));
            }
        }
    }

    /// Names of loggers stand in a column that grows with them.
    fn logger_shape(&mut self, shape: Shape, name: &str) -> Shape {
        self.logger_columns = self.logger_columns.max(columns(name)).min(LOGGER);
        shape.or_width(self.logger_columns)
    }

    fn put_ids(&self, screen: &mut Screen<'_>, scratch: &mut String, fields: &Fields<'_>, ids: Ids, due: &mut Due) {
        let is_short = ids == Ids::Short || ids == Ids::Auto && self.is_live;
        let span_id = fields.span_id.filter(|_| ids != Ids::Auto || !self.is_live);
        for (name, id) in [("trace_id=", fields.trace_id), ("span_id=", span_id)] {
            let Some(id) = id else { continue };
            scratch.clear();
            scratch.push_str(name);
            escape::put(scratch, if is_short { split(id, SHORT_ID).0 } else { id });
            due.pay(screen);
            screen.keep_together(scratch.len());
            screen.put(style::DIM, scratch);
            due.gap = 1;
        }
    }
}

impl Due {
    fn pay(&mut self, screen: &mut Screen<'_>) {
        let due = std::mem::take(self);
        if due.new_line {
            screen.new_line();
        }
        screen.gap(due.fill + due.gap);
    }
}

impl Shape {
    /// The columns that a part has where the template says nothing about them.
    fn or_width(self, width: usize) -> Self {
        if self == Self::default() { Self { width, ..self } } else { self }
    }
}

fn put_text(out: &mut String, text: Option<&str>, shape: Shape) -> Shape {
    escape::put(out, text.unwrap_or_default());
    shape
}

fn put_place(site: Option<InlineSite<'_>>, part: &Part, out: &mut String) {
    let site = site.unwrap_or(InlineSite::UNKNOWN);
    if matches!(part, Part::Place | Part::Module) {
        escape::put(out, site.module);
    }
    if matches!(part, Part::Place) {
        out.push(':');
    }
    if matches!(part, Part::Place | Part::Function) {
        escape::put(out, site.function);
    }
    if matches!(part, Part::Place) {
        out.push(':');
    }
    if matches!(part, Part::Place | Part::Line) {
        // Writing to a text cannot fail.
        let _ = write!(out, "{}", site.line);
    }
}

fn put_literal(screen: &mut Screen<'_>, text: &str, due: &mut Due) {
    let filled = text.trim_matches(' ');
    let before = text.len() - text.trim_start_matches(' ').len();
    due.gap = due.gap.max(before);
    if !filled.is_empty() {
        due.pay(screen);
        screen.put(style::DIM, filled);
        due.gap = text.len() - text.trim_end_matches(' ').len();
    }
}

fn put_fields(screen: &mut Screen<'_>, scratch: &mut String, fields: &Fields<'_>, template: &Template, due: &mut Due) {
    for (name, value) in fields.in_line(template) {
        due.pay(screen);
        value::put_field(screen, scratch, name, value);
        due.gap = 1;
    }
}

/// Puts a text in the room that its part has.
fn put_shaped(screen: &mut Screen<'_>, style: &str, text: &mut String, shape: Shape, due: &mut Due) {
    if let Some(most) = shape.most {
        let length = split(text, most).0.len();
        text.truncate(length);
    }
    let left_over = if shape.width == 0 { 0 } else { shape.width.saturating_sub(columns(text)) };
    if text.is_empty() && left_over == 0 {
        return;
    }
    due.pay(screen);
    let before = match shape.side.unwrap_or_default() {
        Side::Left => 0,
        Side::Right => left_over,
        Side::Center => left_over / 2,
    };
    screen.pad(before);
    if text.is_empty() {
        screen.pad(left_over - before)
    } else {
        screen.put(style, text)
    }
    due.fill = if text.is_empty() { 0 } else { left_over - before };
}
