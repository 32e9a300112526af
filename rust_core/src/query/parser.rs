//! Reads a question.
//!
//! ```text
//! question  := [filter] { "|" stage }
//! filter    := and { "or" and }          and := not { "and" not }          not := "not" not | one
//! one       := "(" filter ")" | TEXT | "~" EXPRESSION | "*" | "exists" "(" field ")"
//!            | field sign value | field ["not"] "in" "(" value {"," value} ")" | field ["not"] "exists" | field "contains" value
//! stage     := "where" filter | aggregate {"," aggregate} ["by" key {"," key}] | "fields" names | "uniq" [names]
//!            | "sort" ["by"] name ["asc" | "desc"] {"," …} | "top" [NUMBER] [["by"] name] | "head" [NUMBER] | "tail" [NUMBER]
//! aggregate := ("count" | "distinct" | "sum" | "avg" | "min" | "max" | "median" | "p99" | "first" | "last") [["of"] field] ["as" name]
//! key       := field | SPAN
//! ```

use std::ops::Range;

use memchr::memmem::Finder;
use regex_automata::meta::Regex;

use super::cell::{Literal, Number};
use super::described::COLUMNS;
use super::fields::{Field, Fields};
use super::filter::{Condition, Glob, Sign};
use super::groups::{Grouping, Key, What};
use super::lexer::{Token, Wrong, tokens};
use super::plan::{Plan, Sink, Step, TableStep};
use super::when::{Now, TIMES, span};
use crate::archive::Keys;

/// How deep conditions may be nested.
const DEEPEST: usize = 100;
/// How many rows a stage gives that says no number.
const ROWS: usize = 10;
const STAGES: &str = "count, sum, avg, min, max, median, p99, distinct, first, last, where, fields, describe, uniq, sort, top, head or tail";
const LEVELS: &str = "a level: DEBUG, INFO, WARNING, ERROR, CRITICAL, or a number";

pub struct Parser {
    tokens: Vec<(Token, Range<usize>)>,
    at: usize,
    /// How many characters the text has.
    length: usize,
    depth: usize,
    fields: Fields,
    /// The columns of the table; `None` as long as there are records.
    columns: Option<Vec<String>>,
    /// What each of them holds.
    kinds: Vec<Kind>,
    keys: usize,
    now: Now,
}

type Read<T> = Result<T, Wrong>;

/// What a field holds, as far as it matters to what it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Time,
    Level,
    Other,
}

impl Parser {
    pub fn of(text: &str, now: Now) -> Read<Self> {
        let tokens = tokens(text)?;
        let length = text.chars().count();
        Ok(Self {
            tokens,
            at: 0,
            length,
            depth: 0,
            fields: Fields::default(),
            columns: None,
            kinds: Vec::new(),
            keys: 0,
            now,
        })
    }

    pub fn plan(mut self) -> Read<Plan> {
        let (mut steps, mut table) = (Vec::new(), Vec::new());
        let mut sink = Sink::Lines;
        if self.tokens.is_empty() || self.is_sign("|") {
            // Everything.
        } else if self.is_stage() {
            self.stage(&mut steps, &mut sink, &mut table)?;
        } else {
            let condition = self.condition()?;
            steps.push(Step::Where(condition));
        }
        while self.take_sign("|") {
            self.stage(&mut steps, &mut sink, &mut table)?;
        }
        if self.at < self.tokens.len() {
            return Err(self.expected("'and', 'or', '|' or the end"));
        }
        let columns = self.columns.unwrap_or_default();
        Ok(Plan { fields: self.fields, steps, sink, columns, table, now: self.now })
    }

    // Tokens.

    fn place(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or(self.length..self.length, |(_, place)| place.clone())
    }

    fn expected(&self, what: &str) -> Wrong {
        Wrong { place: self.place(), what: format!("{what} should stand here") }
    }

    fn before(&self, what: impl Into<String>) -> Wrong {
        let place = self.tokens.get(self.at.wrapping_sub(1)).map_or(0..self.length, |(_, place)| place.clone());
        Wrong { place, what: what.into() }
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.tokens.get(self.at), Some((Token::Sign(found), _)) if *found == sign)
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        self.at += usize::from(found);
        found
    }

    fn need_sign(&mut self, sign: &str) -> Read<()> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.expected(&format!("'{sign}'"))) }
    }

    fn word_at(&self, at: usize) -> Option<&str> {
        match self.tokens.get(at) {
            Some((Token::Word(word), _)) => Some(word),
            _ => None,
        }
    }

    fn is_word(&self, word: &str) -> bool {
        self.word_at(self.at).is_some_and(|found| found.eq_ignore_ascii_case(word))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    /// Whether a sign that compares is there.
    fn compares(&self, at: usize) -> bool {
        matches!(self.tokens.get(at), Some((Token::Sign(sign), _)) if Sign::of(sign).is_some() || matches!(*sign, "~" | "!~"))
    }

    // Fields and values.

    /// A field's name.
    fn name(&mut self) -> Read<String> {
        let name = match self.tokens.get(self.at) {
            Some((Token::Word(name) | Token::Field(name), _)) => name.clone(),
            _ => return Err(self.expected("the name of a field")),
        };
        self.at += 1;
        Ok(name)
    }

    /// The number of a field or a column.
    fn field(&mut self) -> Read<usize> {
        let name = self.name()?;
        let Some(columns) = &self.columns else { return Ok(self.fields.number(Field::of(&name))) };
        columns.iter().position(|column| *column == name).ok_or_else(|| {
            self.before(format!("there is no column {name:?} after this stage; there are {}", columns.join(", ")))
        })
    }

    /// What a field or a column holds.
    fn kind(&self, number: usize) -> Kind {
        if self.columns.is_some() {
            return self.kinds.get(number).copied().unwrap_or(Kind::Other);
        }
        match self.fields.get(number) {
            Some(Field::Time) => Kind::Time,
            Some(Field::Level) => Kind::Level,
            _ => Kind::Other,
        }
    }

    /// Times are no texts.
    fn refuse_time(&self, field: usize) -> Read<()> {
        if self.kind(field) == Kind::Time { Err(self.expected("=, !=, <, <=, > or >= with a time")) } else { Ok(()) }
    }

    fn literal(&mut self) -> Read<Literal> {
        let literal = match self.tokens.get(self.at) {
            Some((Token::Word(word), _)) => Literal::of_word(word.clone()),
            Some((Token::Text(text), _)) => Literal::of_text(text.clone()),
            _ => return Err(self.expected("a value")),
        };
        self.at += 1;
        Ok(literal)
    }

    fn number(&mut self) -> Read<Option<usize>> {
        let Some(word) = self.word_at(self.at) else { return Ok(None) };
        if !word.starts_with(|first: char| first.is_ascii_digit()) {
            return Ok(None);
        }
        let number = word.parse().ok().filter(|number| (1..=1_000_000).contains(number));
        let number = number.ok_or_else(|| self.expected("a whole number from 1 to 1000000"))?;
        self.at += 1;
        Ok(Some(number))
    }

    // Conditions.

    fn condition(&mut self) -> Read<Condition> {
        let mut any = vec![self.all()?];
        while self.take_word("or") {
            any.push(self.all()?);
        }
        Ok(if any.len() == 1 { any.remove(0) } else { Condition::Any(any) })
    }

    fn all(&mut self) -> Read<Condition> {
        let mut all = vec![self.one()?];
        while self.take_word("and") {
            all.push(self.one()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Condition::All(all) })
    }

    fn one(&mut self) -> Read<Condition> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.expected("less deep nesting"));
        }
        let condition = self.one_below();
        self.depth -= 1;
        condition
    }

    fn one_below(&mut self) -> Read<Condition> {
        let is_before_expression = matches!(self.tokens.get(self.at + 1), Some((Token::Sign("~"), _)));
        if self.is_word("not") && (is_before_expression || !self.compares(self.at + 1)) {
            self.at += 1;
            return Ok(Condition::Not(Box::new(self.one()?)));
        }
        if self.take_sign("(") {
            let condition = self.condition()?;
            self.need_sign(")")?;
            return Ok(condition);
        }
        if self.is_word("*") && !self.compares(self.at + 1) {
            self.at += 1;
            return Ok(Condition::All(Vec::new()));
        }
        if self.is_word("exists") && matches!(self.tokens.get(self.at + 1), Some((Token::Sign("("), _))) {
            self.at += 2;
            let field = self.field()?;
            self.need_sign(")")?;
            return Ok(Condition::Exists(field));
        }
        if let Some((Token::Text(text), _)) = self.tokens.get(self.at) {
            if self.compares(self.at + 1) {
                return Err(self.expected("a field without quotes, or in backquotes,"));
            }
            if self.columns.is_some() {
                return Err(self.expected("a comparison with a column"));
            }
            let condition = Condition::Line(line_forms(text));
            self.at += 1;
            return Ok(condition);
        }
        if self.columns.is_none() && self.take_sign("~") {
            let pattern = self.literal()?.text;
            let regex = regex(&pattern).map_err(|what| self.before(what))?;
            return Ok(Condition::LineMatches(Box::new(regex)));
        }
        let field = self.field()?;
        self.comparison(field)
    }

    fn comparison(&mut self, field: usize) -> Read<Condition> {
        let is_not = self.take_word("not");
        let condition = if self.take_word("in") {
            self.need_sign("(")?;
            let mut any = vec![self.equal(field)?];
            while self.take_sign(",") {
                any.push(self.equal(field)?);
            }
            self.need_sign(")")?;
            if any.len() == 1 && !is_not {
                return Ok(any.remove(0));
            }
            let literals: Option<Vec<Literal>> = any
                .iter()
                .map(|one| match one {
                    Condition::Compare(_, Sign::Equal, literal) => Some(literal.clone()),
                    _ => None,
                })
                .collect();
            let found = literals.map_or(Condition::Any(any), |literals| Condition::In(field, literals));
            // As with `!=`, nothing holds of a field that is missing.
            return Ok(if is_not {
                Condition::All(vec![Condition::Exists(field), Condition::Not(Box::new(found))])
            } else {
                found
            });
        } else if self.take_word("exists") {
            Condition::Exists(field)
        } else if self.take_word("contains") {
            self.refuse_time(field)?;
            let literal = self.literal()?;
            let contains = Condition::Contains(field, Box::new(Finder::new(literal.text.as_bytes()).into_owned()));
            return Ok(if is_not { differs(field, contains) } else { contains });
        } else if is_not {
            return Err(self.expected("'in', 'exists' or 'contains'"));
        } else {
            return self.compare(field);
        };
        Ok(if is_not { Condition::Not(Box::new(condition)) } else { condition })
    }

    fn compare(&mut self, field: usize) -> Read<Condition> {
        let Some((Token::Sign(sign), _)) = self.tokens.get(self.at) else {
            return Err(self.expected("=, !=, <, <=, >, >=, ~, !~, 'in', 'contains' or 'exists'"));
        };
        let sign = *sign;
        if matches!(sign, "~" | "!~") {
            self.refuse_time(field)?;
            self.at += 1;
            let pattern = self.literal()?.text;
            let regex = regex(&pattern).map_err(|what| self.before(what))?;
            let matches = Condition::Matches(field, Box::new(regex));
            return Ok(if sign == "~" { matches } else { differs(field, matches) });
        }
        let Some(sign) = Sign::of(sign) else {
            return Err(self.expected("=, !=, <, <=, >, >=, ~, !~, 'in', 'contains' or 'exists'"));
        };
        self.at += 1;
        match sign {
            Sign::Equal => self.equal(field),
            Sign::Unequal => Ok(match self.equal(field)? {
                Condition::Compare(field, _, literal) => Condition::Compare(field, Sign::Unequal, literal),
                // A level that nobody knows is another one, too.
                equal => differs(field, equal),
            }),
            _ if self.kind(field) == Kind::Level => {
                let literal = self.literal()?;
                let number = self.level(&literal).ok_or_else(|| self.before(format!("{LEVELS} should stand here")))?;
                Ok(Condition::Level(field, sign, number))
            }
            _ => {
                if self.kind(field) != Kind::Time && self.word_at(self.at).is_some_and(has_unit) {
                    return Err(
                        self.expected("a number without a unit: the field has its own, as in latency_ms > 5000")
                    );
                }
                let literal = self.value_of(field)?;
                if literal.truth.is_some() || literal.is_null {
                    return Err(self.before("true, false and null have no order: use = or !="));
                }
                Ok(Condition::Compare(field, sign, literal))
            }
        }
    }

    /// A value that a field is to have.
    fn equal(&mut self, field: usize) -> Read<Condition> {
        let pattern = self.word_at(self.at).filter(|word| Glob::is(word)).map(Glob::of);
        if let Some(glob) = pattern {
            self.refuse_time(field)?;
            self.at += 1;
            return Ok(Condition::Glob(field, Box::new(glob)));
        }
        if self.kind(field) == Kind::Level {
            let literal = self.literal()?;
            return Ok(match self.level(&literal) {
                Some(number) => Condition::Level(field, Sign::Equal, number),
                None => Condition::Compare(field, Sign::Equal, literal),
            });
        }
        Ok(Condition::Compare(field, Sign::Equal, self.value_of(field)?))
    }

    /// A value to compare a field with. A time is a number then.
    fn value_of(&mut self, field: usize) -> Read<Literal> {
        let literal = self.literal()?;
        if self.kind(field) != Kind::Time {
            return Ok(literal);
        }
        let time = self.now.time(&literal.text).ok_or_else(|| self.before(format!("{TIMES} should stand here")))?;
        Ok(Literal { number: Some(Number::Integer(time.into())), ..literal })
    }

    fn level(&self, literal: &Literal) -> Option<i32> {
        let keys = Keys { levels: self.now.levels.clone(), ..Keys::default() };
        keys.level_number(&literal.text)
    }

    // Stages.

    fn is_stage(&self) -> bool {
        let Some(word) = self.word_at(self.at) else { return false };
        let is_stage = what(word).is_some()
            || matches!(
                &*word.to_ascii_lowercase(),
                "where" | "fields" | "describe" | "uniq" | "sort" | "top" | "head" | "tail"
            );
        let is_filter = ["in", "not", "exists", "contains"]
            .iter()
            .any(|word| self.word_at(self.at + 1).is_some_and(|next| next.eq_ignore_ascii_case(word)));
        is_stage && !self.compares(self.at + 1) && !is_filter
    }

    fn stage(&mut self, steps: &mut Vec<Step>, sink: &mut Sink, table: &mut Vec<TableStep>) -> Read<()> {
        if self.columns.is_none() && !matches!(sink, Sink::Lines) {
            return Err(Wrong {
                place: self.place(),
                what: "sort, top and tail of whole records are the last stage: put 'fields …' before them for a table that goes on".into(),
            });
        }
        let Some(word) = self.word_at(self.at).map(str::to_ascii_lowercase) else {
            return Err(self.expected(STAGES));
        };
        if let Some(what) = what(&word) {
            if self.columns.is_some() {
                return Err(self.expected("where, fields, uniq, sort, top, head or tail"));
            }
            *sink = Sink::Groups(self.aggregates(what)?);
            return Ok(());
        }
        self.at += 1;
        let is_table = self.columns.is_some();
        match &*word {
            "where" => {
                let condition = self.condition()?;
                if is_table { table.push(TableStep::Where(condition)) } else { steps.push(Step::Where(condition)) }
            }
            "head" => {
                let most = self.number()?.unwrap_or(ROWS);
                if is_table { table.push(TableStep::Head(most)) } else { steps.push(Step::Head(most)) }
            }
            "tail" => {
                let most = self.number()?.unwrap_or(ROWS);
                if is_table { table.push(TableStep::Tail(most)) } else { *sink = Sink::LastLines(most) }
            }
            "uniq" => {
                let fields = if self.at == self.tokens.len() || self.is_sign("|") {
                    if !is_table {
                        return Err(self.expected("the fields whose values are to differ"));
                    }
                    (0..self.columns.as_ref().map_or(0, Vec::len)).collect()
                } else {
                    self.list(Self::field)?
                };
                if is_table { table.push(TableStep::Unique(fields)) } else { steps.push(Step::Unique(fields)) }
            }
            "fields" => {
                let start = self.at;
                let fields = self.list(Self::field)?;
                self.at = start;
                let names = self.list(Self::name)?;
                let kinds = fields.iter().map(|field| self.kind(*field)).collect();
                if is_table {
                    table.push(TableStep::Columns(fields))
                } else {
                    *sink = Sink::Rows(fields)
                }
                self.set_columns(names, kinds)?;
                self.keys = 0;
            }
            "describe" => {
                if is_table {
                    return Err(self.before("describe takes records: a table has its columns"));
                }
                *sink = Sink::Described;
                let names = COLUMNS.map(str::to_owned).to_vec();
                self.set_columns(names, vec![Kind::Other; COLUMNS.len()])?;
                self.keys = 1;
            }
            "sort" => {
                self.take_word("by");
                let by = self.list(Self::order)?;
                if is_table { table.push(TableStep::Sort(by)) } else { *sink = Sink::OrderedLines { by, most: None } }
            }
            "top" => {
                let most = self.number()?.unwrap_or(ROWS);
                let is_named = self.take_word("by") || !(self.at == self.tokens.len() || self.is_sign("|"));
                let by = if is_named {
                    self.field()?
                } else if is_table && self.keys < self.columns.as_ref().map_or(0, Vec::len) {
                    self.keys
                } else {
                    return Err(self.expected("the field with the largest values"));
                };
                if is_table {
                    table.extend([TableStep::Sort(vec![(by, true)]), TableStep::Head(most)]);
                } else {
                    *sink = Sink::OrderedLines { by: vec![(by, true)], most: Some(most) };
                }
            }
            _ => {
                self.at -= 1;
                return Err(self.expected(STAGES));
            }
        }
        Ok(())
    }

    fn list<T>(&mut self, one: impl Fn(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let mut all = vec![one(self)?];
        while self.take_sign(",") {
            all.push(one(self)?);
        }
        Ok(all)
    }

    /// A field to sort by, and whether the largest comes first.
    fn order(&mut self) -> Read<(usize, bool)> {
        let field = self.field()?;
        let is_descending = self.take_word("desc");
        if !is_descending {
            self.take_word("asc");
        }
        Ok((field, is_descending))
    }

    fn set_columns(&mut self, names: Vec<String>, kinds: Vec<Kind>) -> Read<()> {
        if let Some(twice) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            return Err(self.before(format!("two columns would be called {:?}: name one with 'as'", twice.1)));
        }
        (self.columns, self.kinds) = (Some(names), kinds);
        Ok(())
    }

    fn aggregates(&mut self, first: What) -> Read<Grouping> {
        let (mut aggregates, mut names) = (Vec::new(), Vec::new());
        let mut next = first;
        loop {
            let called = self.name()?.to_ascii_lowercase();
            let (field, name) = self.of_field(next, &called)?;
            aggregates.push((next, field));
            names.push(name);
            if !self.take_sign(",") {
                break;
            }
            let word = self.word_at(self.at).unwrap_or_default();
            next = what(word).ok_or_else(|| self.expected("count, sum, avg, min, max, median, p99 or distinct"))?;
        }
        let mut by = Vec::new();
        let mut columns = Vec::new();
        if self.take_word("by") {
            for (key, name) in self.list(Self::key)? {
                by.push(key);
                columns.push(name);
            }
        }
        self.keys = by.len();
        columns.extend(names);
        let of_key = |key: &Key| match key {
            Key::Field(field) => self.kind(*field),
            Key::Span(..) => Kind::Time,
        };
        let of_aggregate = |(what, field): &(What, Option<usize>)| match (what, field) {
            (What::Least | What::Most | What::First | What::Last, Some(field)) => self.kind(*field),
            _ => Kind::Other,
        };
        let kinds = by.iter().map(of_key).chain(aggregates.iter().map(of_aggregate)).collect();
        self.set_columns(columns, kinds)?;
        Ok(Grouping { aggregates, by })
    }

    /// The field of an aggregate, and the name of its column.
    fn of_field(&mut self, what: What, called: &str) -> Read<(Option<usize>, String)> {
        let is_in_brackets = self.take_sign("(");
        let is_named = is_in_brackets
            || self.take_word("of")
            || (!["by", "as"].iter().any(|word| self.is_word(word))
                && matches!(self.tokens.get(self.at), Some((Token::Word(_) | Token::Field(_), _))));
        let (field, mut name) = if is_named {
            let start = self.at;
            let field = self.field()?;
            self.at = start;
            let name = self.name()?;
            if is_in_brackets {
                self.need_sign(")")?;
            }
            (Some(field), format!("{called}_{name}"))
        } else if what == What::Count {
            (None, called.to_owned())
        } else {
            return Err(self.expected(&format!("the field of {called}")));
        };
        if self.take_word("as") {
            name = self.name()?;
        }
        Ok((field, name))
    }

    fn key(&mut self) -> Read<(Key, String)> {
        if let Some(length) = self.word_at(self.at).and_then(span) {
            self.at += 1;
            return Ok((Key::Span(self.fields.number(Field::Time), length), "time".into()));
        }
        let start = self.at;
        let field = self.field()?;
        self.at = start;
        let mut name = self.name()?;
        if self.take_word("as") {
            name = self.name()?;
        }
        Ok((Key::Field(field), name))
    }
}

/// Nothing holds of a field that is missing.
fn differs(field: usize, equal: Condition) -> Condition {
    Condition::All(vec![Condition::Exists(field), Condition::Not(Box::new(equal))])
}

fn what(word: &str) -> Option<What> {
    Some(match &*word.to_ascii_lowercase() {
        "count" => What::Count,
        "distinct" => What::Distinct,
        "sum" => What::Sum,
        "avg" | "mean" => What::Average,
        "min" => What::Least,
        "max" => What::Most,
        "median" => What::Quantile(0.5),
        "first" => What::First,
        "last" => What::Last,
        other => {
            let digits = other.strip_prefix('p')?;
            let percent: f64 =
                digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))?;
            // `p999` is 99.9.
            let percent = if percent > 100.0 && digits.starts_with('9') && digits.len() <= 6 {
                format!("{}.{}", &digits[..2], &digits[2..]).parse().ok()?
            } else {
                percent
            };
            What::Quantile(Some(percent / 100.0).filter(|part| (0.0..=1.0).contains(part))?)
        }
    })
}

/// The forms in which a text may stand in a line.
fn line_forms(text: &str) -> Vec<Finder<'static>> {
    let mut forms = vec![text.to_owned()];
    if let Ok(quoted) = serde_json::to_string(text) {
        let inner = &quoted[1..quoted.len() - 1];
        if inner != text {
            forms.push(inner.to_owned());
        }
    }
    forms.into_iter().map(|form| Finder::new(form.as_bytes()).into_owned()).collect()
}

/// A regular expression, or what is wrong with it in a sentence.
pub fn regex(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).map_err(|error| {
        let told = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
        let last = told.lines().last().unwrap_or_default();
        format!("no regular expression: {}", last.strip_prefix("error: ").unwrap_or(last))
    })
}

/// Whether a word is a number with a unit, such as `5s`. No field has such values in an order that is meant.
fn has_unit(word: &str) -> bool {
    const UNITS: [&str; 14] = ["ns", "us", "µs", "ms", "s", "m", "min", "h", "d", "b", "kb", "mb", "gb", "%"];
    let unit = word.trim_start_matches(|character: char| character.is_ascii_digit() || character == '.');
    unit.len() < word.len() && UNITS.iter().any(|known| unit.eq_ignore_ascii_case(known))
}
