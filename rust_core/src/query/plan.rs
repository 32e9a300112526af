//! A question as it was understood.

use std::sync::Arc;

use memchr::memmem::{self, Finder};

use super::cell::{Cell, Literal};
use super::fields::{Field, Fields};
use super::filter::{Condition, Sign};
use super::groups::Grouping;
use super::lexer::Wrong;
use super::parser::Parser;
use super::sieve::Sieve;
use super::when::Now;

/// A stage that records go through one by one.
#[derive(Clone, Debug)]
pub enum Step {
    Where(Condition),
    /// Only so many.
    Head(usize),
    /// Only the first with these values.
    Unique(Vec<usize>),
}

/// Where records go in the end.
#[derive(Clone, Debug)]
pub enum Sink {
    /// They are given as they are.
    Lines,
    /// The last so many of them.
    LastLines(usize),
    /// Those with the largest or the smallest values of a field, in their order.
    OrderedLines {
        by: Vec<(usize, bool)>,
        most: Option<usize>,
    },
    /// Values of fields become rows.
    Rows(Vec<usize>),
    Groups(Grouping),
    /// The fields that they have.
    Described,
}

/// A stage that a whole table goes through. Columns are named by their numbers.
#[derive(Clone, Debug)]
pub enum TableStep {
    Where(Condition),
    Head(usize),
    Tail(usize),
    /// By these columns, the largest first or not.
    Sort(Vec<(usize, bool)>),
    Columns(Vec<usize>),
    Unique(Vec<usize>),
}

/// A question, ready to be asked.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) fields: Fields,
    pub(super) steps: Vec<Step>,
    pub(super) sink: Sink,
    /// The names of the columns that the sink makes. Empty for lines.
    pub(super) columns: Vec<String>,
    pub(super) table: Vec<TableStep>,
    pub(super) now: Now,
}

/// What a reader of files can leave out before anybody looks at it. It lets through more than the question does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    pub from: Option<i64>,
    pub until: Option<i64>,
    pub level: Option<i32>,
    pub logger: Option<String>,
    pub trace: Option<String>,
    pub text: Option<String>,
}

impl Plan {
    /// Reads a question.
    ///
    /// # Errors
    /// When it is none: with the place at which it is wrong.
    pub fn parse(text: &str, now: Now) -> Result<Self, Wrong> {
        Parser::of(text, now)?.plan()
    }

    /// Whether records come out, and no table.
    #[must_use]
    pub const fn gives_lines(&self) -> bool {
        matches!(self.sink, Sink::Lines | Sink::LastLines(_) | Sink::OrderedLines { .. })
    }

    /// Whether records come out that have to wait for all others.
    #[must_use]
    pub const fn waits(&self) -> bool {
        matches!(self.sink, Sink::LastLines(_) | Sink::OrderedLines { .. })
    }

    /// Whether nothing is to be done with records but to give them.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.steps.is_empty() && matches!(self.sink, Sink::Lines)
    }

    /// Takes the conditions that stand before all else, for a reader that leaves lines out by them.
    pub fn take_sieve(&mut self) -> Option<Arc<Sieve>> {
        let count = self.steps.iter().take_while(|step| matches!(step, Step::Where(_))).count();
        let conditions: Vec<Condition> = self
            .steps
            .drain(..count)
            .filter_map(|step| match step {
                Step::Where(condition) => Some(condition),
                Step::Head(_) | Step::Unique(_) => None,
            })
            .collect();
        (!conditions.is_empty()).then(|| Arc::new(Sieve::new(Condition::All(conditions), &self.fields, &self.now)))
    }

    /// What can be left out early.
    #[must_use]
    pub fn hints(&self) -> Hints {
        let mut hints = Hints::default();
        let conditions = self.steps.iter().map_while(|step| match step {
            Step::Where(condition) => Some(condition),
            // What comes after one of these must not change what it counts.
            Step::Head(_) | Step::Unique(_) => None,
        });
        for condition in conditions.flat_map(Condition::together) {
            match condition {
                Condition::Level(_, Sign::AtLeast | Sign::Equal, number) => hints.level = Some(*number),
                Condition::Level(_, Sign::Greater, number) => hints.level = number.checked_add(1),
                Condition::Compare(field, sign, literal) => self.hint(&mut hints, *field, *sign, literal),
                Condition::Line(forms) => {
                    let forms: Vec<&[u8]> = forms.iter().map(Finder::needle).collect();
                    hints.text = in_common(&forms).or(hints.text);
                }
                _ => {}
            }
        }
        hints
    }

    fn hint(&self, hints: &mut Hints, field: usize, sign: Sign, literal: &Literal) {
        use super::cell::Number;
        match (self.fields.get(field), sign) {
            (Some(Field::Logger), Sign::Equal) => hints.logger = Some(literal.text.clone()),
            (Some(Field::Trace), Sign::Equal) => hints.trace = Some(literal.text.clone()),
            (Some(Field::Time), _) => {
                let Some(Number::Integer(time)) = literal.number else { return };
                let Ok(time) = i64::try_from(time) else { return };
                match sign {
                    Sign::AtLeast => hints.from = Some(time),
                    Sign::Greater => hints.from = time.checked_add(1),
                    Sign::Less => hints.until = Some(time),
                    Sign::AtMost => hints.until = time.checked_add(1),
                    Sign::Equal | Sign::Unequal => {}
                }
            }
            // A simple word stands in the line as it is.
            (Some(Field::Named(_)), Sign::Equal)
                if literal.number.is_none()
                    && literal.truth.is_none()
                    && !literal.is_null
                    && literal.text.len() > 2
                    && literal.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte)) =>
            {
                hints.text = Some(literal.text.clone());
            }
            _ => {}
        }
    }
}

/// The longest text that stands in all of these, of which a line has one.
fn in_common(forms: &[&[u8]]) -> Option<String> {
    const LEAST: usize = 3;
    let (first, others) = forms.split_first()?;
    if others.is_empty() {
        return str::from_utf8(first).ok().map(str::to_owned);
    }
    // Whoever writes JSON writes these as they are.
    let is_simple = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.:,;= ".contains(byte);
    let runs = first.split(|byte| !is_simple(byte));
    let run =
        runs.filter(|run| others.iter().all(|other| memmem::find(other, run).is_some())).max_by_key(|run| run.len());
    run.filter(|run| run.len() >= LEAST).and_then(|run| str::from_utf8(run).ok()).map(str::to_owned)
}

/// The value of a field, as rows have it.
pub fn owned(cell: Option<&Cell<'_>>) -> Cell<'static> {
    cell.map_or(Cell::Nothing, Cell::owned)
}
