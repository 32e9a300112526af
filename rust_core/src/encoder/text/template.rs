//! Templates of text: which parts of a record stand where in its lines. Parsed once.

use std::iter::Peekable;
use std::str::CharIndices;

use jiff::Timestamp;
use jiff::fmt::strtime;

use crate::clock::Zone;

/// Templates that have a name.
pub const NAMED: [(&str, &str); 3] = [
    ("text", "{time} {level} {logger} {message}  {fields} {ids}"),
    ("compact", "{time:%H:%M:%S} {level:.1} {message}  {fields}"),
    (
        "full",
        "{time:%Y-%m-%d %H:%M:%S.%6f%:z} {level} {process} {thread} {logger} {place} {message}  {fields} {ids:full}",
    ),
];

/// The names of parts.
pub const PARTS: [&str; 17] = [
    "time",
    "level",
    "logger",
    "message",
    "fields",
    "ids",
    "trace_id",
    "span_id",
    "place",
    "module",
    "function",
    "line",
    "thread",
    "process",
    "exception",
    "stack",
    "fields.NAME",
];

/// A template, or what is wrong with its text.
pub type Parsed = Result<Template, Wrong>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    pub pieces: Vec<Piece>,
    /// Where the exception goes.
    pub exception: Below,
    pub stack: Below,
    /// Fields that have a part of their own.
    pub placed: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Literal(String),
    /// What follows stands on a line of its own, marked as a continuation.
    NewLine,
    Part(Part, Shape),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Time(Time),
    Level,
    Logger,
    Message,
    /// All fields that have no part of their own.
    Fields,
    Ids(Ids),
    TraceId,
    SpanId,
    Place,
    Module,
    Function,
    Line,
    Thread,
    Process,
    Field(String),
    /// Type and message of the exception.
    Exception,
}

/// How the ids of a trace are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// Short for people, whole elsewhere.
    Auto,
    Short,
    Full,
}

/// What is shown of an exception or a stack below the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Below {
    #[default]
    Whole,
    None,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// `None` for that of the layout: people read local times.
    pub zone: Option<Zone>,
    /// Empty for that of the layout.
    pub format: Vec<TimePiece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimePiece {
    /// Of `strftime`: it changes with the second.
    Second(String),
    /// So many digits of the second's fraction.
    Fraction(usize),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    #[default]
    Left,
    Right,
    Center,
}

/// How much room a part takes, in columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Where the text stands in its room; `None` if the template says nothing about it.
    pub side: Option<Side>,
    pub width: usize,
    pub most: Option<usize>,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The character at which it is wrong, from 1.
    pub at: usize,
    pub reason: String,
    /// The name of a part that there is not.
    pub name: Option<String>,
}

impl Template {
    /// Reads a template, or takes the one of a name.
    ///
    /// # Errors
    /// When it is neither: with the character at which it is wrong.
    pub fn parse(text: &str) -> Parsed {
        let text = NAMED.iter().find(|(name, _)| *name == text).map_or(text, |(_, template)| template);
        Parser { text, characters: text.char_indices().peekable() }.template()
    }

    /// Lines that it has after the first.
    pub fn lines(&self) -> usize {
        self.pieces.iter().filter(|piece| **piece == Piece::NewLine).count()
    }

    pub fn has(&self, wanted: &Part) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Part(part, _) if part == wanted))
    }

    /// Whether a field has a part of its own.
    pub fn places(&self, name: &str) -> bool {
        self.placed.iter().any(|placed| placed == name)
    }
}

struct Parser<'t> {
    text: &'t str,
    characters: Peekable<CharIndices<'t>>,
}

impl Parser<'_> {
    fn template(mut self) -> Parsed {
        let mut template = Template::default();
        let mut literal = String::new();
        while let Some((at, character)) = self.characters.next() {
            let doubled = self.characters.next_if(|(_, next)| *next == character);
            match character {
                '{' | '}' if doubled.is_some() => literal.push(character),
                '}' => return Err(self.wrong(at, "a } that closes nothing: the character itself is }}")),
                '{' => {
                    flush(&mut literal, &mut template.pieces);
                    self.part(at, &mut template)?;
                }
                _ => {
                    for character in [Some(character), doubled.map(|(_, character)| character)].into_iter().flatten() {
                        if character == '\n' {
                            flush(&mut literal, &mut template.pieces);
                            template.pieces.push(Piece::NewLine);
                        } else {
                            literal.push(character);
                        }
                    }
                }
            }
        }
        flush(&mut literal, &mut template.pieces);
        if !template.pieces.iter().any(|piece| matches!(piece, Piece::Part(..))) {
            return Err(self.wrong(0, "it has no part, such as {message}"));
        }
        Ok(template)
    }

    fn part(&mut self, opened: usize, template: &mut Template) -> Result<(), Wrong> {
        let start = opened + 1;
        let Some((end, _)) = self.characters.find(|(_, character)| *character == '}') else {
            return Err(self.wrong(opened, "a { that is not closed: the character itself is {{"));
        };
        let inside = &self.text[start..end];
        let (name, options) = inside.split_once(':').unwrap_or((inside, ""));
        let options_at = start + name.len() + 1;
        let name = name.trim();
        let shape = |parser: &Self| parser.shape(options, options_at, name);
        let piece = match name {
            "time" => Piece::Part(Part::Time(self.time(options, options_at)?), Shape::default()),
            "ids" => {
                let ids = match options {
                    "" => Ids::Auto,
                    "short" => Ids::Short,
                    "full" => Ids::Full,
                    _ => return Err(self.wrong(options_at, "{ids} takes short or full")),
                };
                Piece::Part(Part::Ids(ids), Shape::default())
            }
            "fields" => {
                if !options.is_empty() {
                    return Err(self.wrong(options_at, "{fields} takes no options"));
                }
                Piece::Part(Part::Fields, Shape::default())
            }
            "exception" => match options {
                "" => return Ok(()),
                "off" => {
                    template.exception = Below::None;
                    return Ok(());
                }
                "short" => {
                    template.exception = Below::None;
                    Piece::Part(Part::Exception, Shape::default())
                }
                _ => return Err(self.wrong(options_at, "{exception} takes short or off")),
            },
            "stack" => match options {
                "" => return Ok(()),
                "off" => {
                    template.stack = Below::None;
                    return Ok(());
                }
                _ => return Err(self.wrong(options_at, "{stack} takes off")),
            },
            _ => {
                let part = match name {
                    "level" => Part::Level,
                    "logger" => Part::Logger,
                    "message" => Part::Message,
                    "trace_id" => Part::TraceId,
                    "span_id" => Part::SpanId,
                    "place" => Part::Place,
                    "module" => Part::Module,
                    "function" => Part::Function,
                    "line" => Part::Line,
                    "thread" => Part::Thread,
                    "process" => Part::Process,
                    _ => match name.strip_prefix("fields.").filter(|field| !field.is_empty()) {
                        Some(field) => {
                            template.placed.push(field.to_owned());
                            Part::Field(field.to_owned())
                        }
                        None => {
                            return Err(Wrong {
                                name: Some(name.to_owned()),
                                ..self.wrong(start, "there is no part of this name")
                            });
                        }
                    },
                };
                let mut shape = shape(self)?;
                if matches!(part, Part::TraceId | Part::SpanId) && shape.side.is_none() && shape.width > 0 {
                    // The short form of an id.
                    shape.most = Some(shape.most.unwrap_or(shape.width));
                    shape.width = 0;
                }
                Piece::Part(part, shape)
            }
        };
        template.pieces.push(piece);
        Ok(())
    }

    /// `<8`, `>8`, `^8`, `.8`, `<8.8`.
    fn shape(&self, options: &str, at: usize, name: &str) -> Result<Shape, Wrong> {
        let (side, rest) = match options.as_bytes().first() {
            Some(b'<') => (Some(Side::Left), &options[1..]),
            Some(b'>') => (Some(Side::Right), &options[1..]),
            Some(b'^') => (Some(Side::Center), &options[1..]),
            _ => (None, options),
        };
        let (width, most) = rest.split_once('.').map_or((rest, None), |(width, most)| (width, Some(most)));
        let columns = |text: &str| {
            text.parse::<usize>()
                .ok()
                .filter(|columns| *columns <= 500 && text.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let parsed_width = if width.is_empty() { Some(0) } else { columns(width) };
        let parsed_most = most.map(columns);
        match (parsed_width, parsed_most) {
            (Some(width), None) => Ok(Shape { side, width, most: None }),
            (Some(width), Some(Some(most))) => Ok(Shape { side, width, most: Some(most) }),
            _ => Err(self.wrong(at, &format!("{{{name}}} takes columns such as <8, >8, ^8 or .8, up to 500"))),
        }
    }

    /// `utc`, `local` or the name of a zone, then a format of `strftime`.
    fn time(&self, options: &str, at: usize) -> Result<Time, Wrong> {
        let format_at = options.find('%').unwrap_or(options.len());
        // A zone ends with a space, unless the format begins with something of its own.
        let (zone, format) = match options[..format_at].split_once(' ') {
            Some((zone, _)) => (zone, options[zone.len()..].trim_start()),
            None if format_at == options.len() => (options, ""),
            None => ("", options),
        };
        let zone = match zone {
            "" => None,
            name => Some(Zone::from(name.to_owned())).filter(Zone::is_known).map(Some).ok_or_else(|| {
                self.wrong(at, &format!("{{time}} takes utc, local or the name of a time zone, and then a format such as %H:%M:%S.%3f: {name:?} is none of them"))
            })?,
        };
        let format = time_pieces(format);
        for piece in &format {
            if let TimePiece::Second(format) = piece
                && let Err(error) = strtime::format(format, &Timestamp::UNIX_EPOCH.to_zoned_datetime(Zone::Utc.rules()))
            {
                return Err(self.wrong(at, &format!("{{time}} takes a format of strftime: {error}")));
            }
        }
        Ok(Time { zone, format })
    }

    fn wrong(&self, at: usize, reason: &str) -> Wrong {
        Wrong { at: self.text[..at.min(self.text.len())].chars().count() + 1, reason: reason.to_owned(), name: None }
    }
}

fn flush(literal: &mut String, pieces: &mut Vec<Piece>) {
    if !literal.is_empty() {
        pieces.push(Piece::Literal(std::mem::take(literal)));
    }
}

/// Cuts a format of `strftime` where digits of the second's fraction stand: `%f` (six of them) or `%3f`.
pub fn time_pieces(format: &str) -> Vec<TimePiece> {
    let (mut pieces, mut text, mut rest) = (Vec::new(), String::new(), format);
    while let Some(at) = rest.find('%') {
        let (before, specifier) = rest.split_at(at);
        text.push_str(before);
        let bytes = specifier.as_bytes();
        let (digits, length) = match bytes {
            [_, b'f', ..] => (6, 2),
            [_, digit @ b'1'..=b'9', b'f', ..] => (usize::from(digit - b'0'), 3),
            // What follows belongs to the sign, whatever it is: `%%f` has no digits.
            _ => {
                let length = 1 + specifier.chars().nth(1).map_or(0, char::len_utf8);
                text.push_str(&specifier[..length]);
                rest = &specifier[length..];
                continue;
            }
        };
        if !text.is_empty() {
            pieces.push(TimePiece::Second(std::mem::take(&mut text)));
        }
        pieces.push(TimePiece::Fraction(digits));
        rest = &specifier[length..];
    }
    text.push_str(rest);
    if !text.is_empty() {
        pieces.push(TimePiece::Second(text));
    }
    pieces
}
