//! Decides whether a record, or a row of a table, is wanted.

use std::borrow::Cow;
use std::cmp::Ordering;

use memchr::memmem::Finder;
use regex_automata::meta::Regex;
use wildmatch::WildMatch;

use super::cell::{Cell, Literal};
use crate::archive::Keys;

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Sign {
    pub fn of(sign: &str) -> Option<Self> {
        Some(match sign {
            "=" | "==" => Self::Equal,
            "!=" => Self::Unequal,
            "<" => Self::Less,
            "<=" => Self::AtMost,
            ">" => Self::Greater,
            ">=" => Self::AtLeast,
            _ => return None,
        })
    }

    fn fits(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

/// What must hold. Fields are named by their numbers. Nothing holds of a field that is missing but that it is missing.
#[derive(Clone, Debug)]
pub enum Condition {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Compare(usize, Sign, Literal),
    /// The number of the level that the field names.
    Level(usize, Sign, i32),
    In(usize, Vec<Literal>),
    Matches(usize, Box<Regex>),
    Glob(usize, Box<Glob>),
    Contains(usize, Box<Finder<'static>>),
    Exists(usize),
    /// The line has this text. The forms are those in which it may stand there.
    Line(Vec<Finder<'static>>),
    /// The line as it stands in the file fits an expression.
    LineMatches(Box<Regex>),
}

/// A pattern with `*` and `?`. `shop.*` fits `shop` itself, too.
#[derive(Clone, Debug)]
pub struct Glob {
    pattern: WildMatch,
    itself: Option<String>,
}

impl Glob {
    pub fn of(pattern: &str) -> Self {
        Self { pattern: WildMatch::new(pattern), itself: pattern.strip_suffix(".*").map(str::to_owned) }
    }

    /// Whether a word is one.
    pub fn is(word: &str) -> bool {
        word.contains(['*', '?'])
    }

    fn fits(&self, text: &str) -> bool {
        self.itself.as_deref() == Some(text) || self.pattern.matches(text)
    }
}

/// What conditions are asked of.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub cells: &'a [Option<Cell<'a>>],
    /// Empty for a row of a table.
    pub line: &'a [u8],
    /// Numbers of levels by their names, besides those that everybody knows.
    pub levels: &'a Keys,
}

impl Asked<'_> {
    fn text(&self, field: usize) -> Option<Cow<'_, str>> {
        match self.cells.get(field)?.as_ref()? {
            Cell::Text(text) | Cell::Json(text) => Some(Cow::Borrowed(text)),
            Cell::Integer(integer) => Some(Cow::Owned(integer.to_string())),
            Cell::Real(real) => Some(Cow::Owned(real.to_string())),
            Cell::Truth(truth) => Some(Cow::Borrowed(if *truth { "true" } else { "false" })),
            Cell::Time(_) | Cell::Nothing => None,
        }
    }

    fn cell(&self, field: usize) -> Option<&Cell<'_>> {
        self.cells.get(field)?.as_ref()
    }
}

impl Condition {
    /// Whether it holds.
    pub fn holds(&self, asked: Asked<'_>) -> bool {
        match self {
            Self::All(all) => all.iter().all(|one| one.holds(asked)),
            Self::Any(any) => any.iter().any(|one| one.holds(asked)),
            Self::Not(other) => !other.holds(asked),
            Self::Compare(field, sign, literal) => asked.cell(*field).is_some_and(|value| match sign {
                Sign::Equal => literal.is(value),
                Sign::Unequal => *value != Cell::Nothing && !literal.is(value),
                _ => literal.order_of(value).is_some_and(|order| sign.fits(order)),
            }),
            Self::Level(field, sign, number) => {
                let found = match asked.cell(*field) {
                    Some(Cell::Text(name)) => asked.levels.level_number(name),
                    Some(Cell::Integer(level)) => i32::try_from(*level).ok(),
                    _ => None,
                };
                found.is_some_and(|found| sign.fits(found.cmp(number)))
            }
            Self::In(field, literals) => {
                asked.cell(*field).is_some_and(|value| literals.iter().any(|literal| literal.is(value)))
            }
            Self::Matches(field, regex) => asked.text(*field).is_some_and(|text| regex.is_match(&*text)),
            Self::Glob(field, glob) => asked.text(*field).is_some_and(|text| glob.fits(&text)),
            Self::Contains(field, part) => asked.text(*field).is_some_and(|text| part.find(text.as_bytes()).is_some()),
            Self::Exists(field) => asked.cell(*field).is_some_and(|value| *value != Cell::Nothing),
            Self::LineMatches(regex) => regex.is_match(asked.line),
            Self::Line(forms) => forms.iter().any(|form| form.find(asked.line).is_some()),
        }
    }

    /// The numbers of the fields that it asks for.
    pub fn fields(&self, found: &mut Vec<usize>) {
        match self {
            Self::All(all) | Self::Any(all) => all.iter().for_each(|one| one.fields(found)),
            Self::Not(other) => other.fields(found),
            Self::Compare(field, ..)
            | Self::Level(field, ..)
            | Self::In(field, _)
            | Self::Matches(field, _)
            | Self::Glob(field, _)
            | Self::Contains(field, _)
            | Self::Exists(field) => found.push(*field),
            Self::Line(_) | Self::LineMatches(_) => {}
        }
    }

    /// All that must hold together: itself, or its parts.
    pub fn together(&self) -> &[Self] {
        match self {
            Self::All(all) => all,
            other => std::slice::from_ref(other),
        }
    }
}
