//! Counts, sums and the like, of all records or by values of their fields.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use super::cell::Cell;
use super::plan::owned;
use super::quantile::Values;
use super::table::order;
use super::when::Now;

/// So many groups are told apart; the records of further ones are counted as left out.
const MOST_GROUPS: usize = 100_000;
/// So many values are kept for quantiles in all groups together, and so many to count different ones.
const MOST_VALUES: usize = 2_000_000;
const MOST_DISTINCT: usize = 1_000_000;
/// Bytes of the values by which groups, and different values, are told apart.
const MOST_BYTES: usize = 32 << 20;

/// What is worked out of the records of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    Count,
    /// How many different values there are.
    Distinct,
    Sum,
    Average,
    Least,
    Most,
    /// A part of all values, such as 0.99.
    Quantile(f64),
    First,
    Last,
}

/// By what records are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Field(usize),
    /// Spans of this length, of the time that is this field.
    Span(usize, i64),
}

/// Aggregates by keys. A field of `None` is the record itself.
#[derive(Clone, Debug)]
pub struct Grouping {
    pub aggregates: Vec<(What, Option<usize>)>,
    pub by: Vec<Key>,
}

#[derive(Clone, Debug)]
enum State {
    Count(u64),
    Distinct(HashSet<Box<[u8]>>),
    /// The integers, the others with what their sum has lost, and how many there were.
    Sum {
        whole: i128,
        real: f64,
        lost: f64,
        has_reals: bool,
        count: u64,
    },
    Extreme(Option<Cell<'static>>),
    Quantile(Values),
}

impl State {
    fn of(what: What) -> Self {
        match what {
            What::Count => Self::Count(0),
            What::Distinct => Self::Distinct(HashSet::new()),
            What::Sum | What::Average => Self::Sum { whole: 0, real: 0.0, lost: 0.0, has_reals: false, count: 0 },
            What::Least | What::Most | What::First | What::Last => Self::Extreme(None),
            What::Quantile(_) => Self::Quantile(Values::default()),
        }
    }
}

#[derive(Debug)]
struct Group {
    keys: Vec<Cell<'static>>,
    states: Vec<State>,
}

/// The groups of a question that is being answered.
#[derive(Debug)]
pub struct Groups {
    grouping: Grouping,
    groups: HashMap<Box<[u8]>, Group>,
    key: Vec<u8>,
    values: usize,
    distinct: usize,
    bytes: usize,
    /// Records whose group had no room.
    pub left_out: u64,
    /// Whether quantiles, and counts of different values, are not exact any more.
    pub is_rounded: bool,
    pub is_short: bool,
}

impl Groups {
    pub fn new(grouping: &Grouping) -> Self {
        let mut groups = Self {
            grouping: grouping.clone(),
            groups: HashMap::new(),
            key: Vec::new(),
            values: 0,
            distinct: 0,
            bytes: 0,
            left_out: 0,
            is_rounded: false,
            is_short: false,
        };
        if grouping.by.is_empty() {
            // No records are counted as none.
            groups.groups.insert(Box::default(), groups.group(Vec::new()));
        }
        groups
    }

    fn group(&self, keys: Vec<Cell<'static>>) -> Group {
        Group { keys, states: self.grouping.aggregates.iter().map(|(what, _)| State::of(*what)).collect() }
    }

    /// Takes the fields of a record.
    pub fn add(&mut self, cells: &[Option<Cell<'_>>], now: &Now) {
        let value_of = |key: &Key| match key {
            Key::Field(field) => cells[*field].clone().unwrap_or(Cell::Nothing),
            Key::Span(field, span) => match &cells[*field] {
                Some(Cell::Time(time)) => Cell::Time(now.floor(*time, *span)),
                _ => Cell::Nothing,
            },
        };
        self.key.clear();
        for key in &self.grouping.by {
            match key {
                Key::Field(field) => match &cells[*field] {
                    Some(cell) => cell.put_key(&mut self.key),
                    None => Cell::Nothing.put_key(&mut self.key),
                },
                Key::Span(..) => value_of(key).put_key(&mut self.key),
            }
        }
        if !self.groups.contains_key(&*self.key) {
            if self.groups.len() >= MOST_GROUPS || self.bytes + 2 * self.key.len() > MOST_BYTES {
                self.left_out += 1;
                return;
            }
            self.bytes += 2 * self.key.len();
            let keys = self.grouping.by.iter().map(|key| value_of(key).owned()).collect();
            let group = self.group(keys);
            self.groups.insert(self.key.as_slice().into(), group);
        }
        let Some(group) = self.groups.get_mut(&*self.key) else { return };
        for (state, (what, field)) in group.states.iter_mut().zip(&self.grouping.aggregates) {
            let cell = field.map_or(Some(&Cell::Nothing), |field| cells[field].as_ref());
            let Some(cell) = cell else { continue };
            if field.is_some() && *cell == Cell::Nothing {
                continue;
            }
            match state {
                State::Count(count) => *count += 1,
                State::Distinct(seen) => {
                    let mut key = Vec::new();
                    cell.put_key(&mut key);
                    if seen.contains(&*key) {
                        continue;
                    }
                    if self.distinct >= MOST_DISTINCT || self.bytes + key.len() > MOST_BYTES {
                        self.is_short = true;
                        continue;
                    }
                    self.bytes += key.len();
                    self.distinct += 1;
                    seen.insert(key.into());
                }
                State::Sum { whole, real, lost, has_reals, count } => match cell {
                    Cell::Integer(integer) => {
                        *whole = whole.saturating_add(*integer);
                        *count += 1;
                    }
                    Cell::Real(value) => {
                        // As Neumaier adds: what a sum loses is added in the end.
                        let sum = *real + value;
                        *lost += if real.abs() >= value.abs() { (*real - sum) + value } else { (value - sum) + *real };
                        (*real, *has_reals) = (sum, true);
                        *count += 1;
                    }
                    _ => {}
                },
                State::Extreme(kept) => {
                    let is_better = match (&kept, what) {
                        (None, _) | (_, What::Last) => true,
                        (_, What::First) => false,
                        (Some(kept), What::Least) => cell.order(kept) == Ordering::Less,
                        (Some(kept), _) => cell.order(kept) == Ordering::Greater,
                    };
                    if is_better {
                        *kept = Some(cell.owned());
                    }
                }
                State::Quantile(values) => {
                    if let Some(value) = cell.as_real() {
                        let before = values.kept();
                        values.add(value);
                        self.values += values.kept() - before;
                    }
                }
            }
        }
        if self.values > MOST_VALUES {
            self.narrow();
        }
    }

    /// Keeps ranges in place of values.
    fn narrow(&mut self) {
        self.is_rounded = true;
        for state in self.groups.values_mut().flat_map(|group| &mut group.states) {
            if let State::Quantile(values) = state {
                values.narrow();
            }
        }
        self.values = 0;
    }

    /// Rows of keys and aggregates: in the order of time where a key is one, else the largest first, then by their keys.
    pub fn rows(&self) -> Vec<Vec<Cell<'static>>> {
        let keys = self.grouping.by.len();
        let mut rows: Vec<Vec<Cell<'static>>> = self
            .groups
            .values()
            .map(|group| {
                let aggregates = group.states.iter().zip(&self.grouping.aggregates);
                group.keys.iter().cloned().chain(aggregates.map(|(state, (what, _))| result(state, *what))).collect()
            })
            .collect();
        let spans: Vec<usize> = (0..keys).filter(|at| matches!(self.grouping.by[*at], Key::Span(..))).collect();
        rows.sort_by(|one, other| {
            let by_time = spans.iter().map(|at| one[*at].order(&other[*at])).find(|order| order.is_ne());
            by_time.unwrap_or_else(|| order(one, other, &[(keys, true)])).then_with(|| {
                (0..keys).map(|at| one[at].order(&other[at])).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
            })
        });
        rows
    }
}

/// What is beyond all numbers has lost nothing that could be given back.
fn sum(real: f64, lost: f64) -> f64 {
    if lost.is_finite() { real + lost } else { real }
}

#[allow(clippy::cast_precision_loss, reason = "sums of numbers as people read them")]
fn result(state: &State, what: What) -> Cell<'static> {
    match state {
        State::Count(count) => Cell::Integer((*count).into()),
        State::Distinct(seen) => Cell::Integer(seen.len() as i128),
        State::Sum { count: 0, .. } => Cell::Nothing,
        State::Sum { whole, real, lost, has_reals, count } => match what {
            What::Average => Cell::real((*whole as f64 + sum(*real, *lost)) / *count as f64),
            _ if *has_reals => Cell::real(*whole as f64 + sum(*real, *lost)),
            _ => Cell::Integer(*whole),
        },
        State::Extreme(kept) => owned(kept.as_ref()),
        State::Quantile(values) => {
            let What::Quantile(part) = what else { return Cell::Nothing };
            values.clone().quantile(part).map_or(Cell::Nothing, Cell::real)
        }
    }
}
