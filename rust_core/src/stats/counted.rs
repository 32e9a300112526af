//! What a line of a list of counts has, and how a number is found by it.

use super::named::Split;
use super::observed::Histogram;
use super::{Count, How, Words};

/// What a number means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It is what it is now, or was at most.
    Gauge,
    /// How many there were, and in the metric, how long each took.
    Histogram,
}

impl Kind {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Where a number is found.
#[derive(Clone, Copy)]
pub enum Source<S> {
    Count(fn(&S) -> Count),
    /// The same, and what others have that belongs to it.
    CountAnd(fn(&S) -> Count, fn(&S) -> u64),
    /// A state, which a forked child does not begin anew.
    State(fn(&S) -> Count),
    /// Made of others.
    Derived(fn(&S) -> u64),
    Timed(fn(&S) -> &Histogram),
}

pub struct Counted<S> {
    pub name: &'static str,
    /// The name of the words that hold it in the block of the process. Empty for what is made of others.
    pub metric: &'static str,
    /// How the words of several processes become one number.
    pub how: How,
    pub kind: Kind,
    /// What is counted: records, bytes, microseconds …
    pub unit: &'static str,
    pub help: &'static str,
    pub source: Source<S>,
}

impl<S> Counted<S> {
    pub fn read(&self, stats: &S) -> u64 {
        match self.source {
            Source::Count(count) | Source::State(count) => count(stats).get(),
            Source::CountAnd(count, others) => count(stats).get() + others(stats),
            Source::Derived(read) => read(stats),
            Source::Timed(histogram) => histogram(stats).count(),
        }
    }

    /// Counts one more. False for what is made of others, or is a state.
    #[must_use]
    pub fn add_one(&self, stats: &S) -> bool {
        let (Source::Count(count) | Source::CountAnd(count, _)) = self.source else { return false };
        count(stats).add(1);
        true
    }
}

/// Finds the words of what a list names.
#[derive(Clone)]
pub(super) struct Placing<S: 'static> {
    pub words: &'static Words,
    pub list: &'static [Counted<S>],
    /// As they follow the name of a metric, with their braces.
    pub labels: String,
}

impl<S> Placing<S> {
    fn line(&self, name: &str) -> &'static Counted<S> {
        let counted = self.list.iter().find(|counted| counted.name == name);
        counted.unwrap_or_else(|| panic!("{name} is in no line of the list"))
    }

    /// # Panics
    /// When the list has no such line.
    pub fn count(&self, name: &str) -> Count {
        let line = self.line(name);
        self.words.count(&format!("{}{}", line.metric, self.labels), line.how)
    }

    /// The same with a further label.
    pub fn part(&self, name: &str, label: &str, value: &str) -> Count {
        self.words.count(&self.labelled(name, label, value), self.line(name).how)
    }

    /// The name of its words.
    pub fn labelled(&self, name: &str, label: &str, value: &str) -> String {
        format!("{}{},{label}=\"{value}\"}}", self.line(name).metric, self.labels.trim_end_matches('}'))
    }

    /// Several counts of one line, told apart by a label.
    pub fn split<const N: usize>(&self, name: &str, label: &str, values: [&str; N]) -> Split<N> {
        Split::new(values.map(|value| self.part(name, label, value)))
    }

    pub fn histogram(&self, name: &str, bounds: &[f64]) -> Histogram {
        Histogram::at(self.words, self.line(name).metric, bounds)
    }
}

pub(super) const fn counter<S>(
    name: &'static str,
    metric: &'static str,
    unit: &'static str,
    help: &'static str,
    count: fn(&S) -> Count,
) -> Counted<S> {
    Counted { name, metric, how: How::Sum, kind: Kind::Counter, unit, help, source: Source::Count(count) }
}

/// A count, and what others have that belongs to it.
pub(super) const fn counter_and<S>(
    name: &'static str,
    metric: &'static str,
    unit: &'static str,
    help: &'static str,
    count: fn(&S) -> Count,
    others: fn(&S) -> u64,
) -> Counted<S> {
    Counted { name, metric, how: How::Sum, kind: Kind::Counter, unit, help, source: Source::CountAnd(count, others) }
}

pub(super) const fn gauge<S>(
    name: &'static str,
    metric: &'static str,
    how: How,
    unit: &'static str,
    help: &'static str,
    source: Source<S>,
) -> Counted<S> {
    Counted { name, metric, how, kind: Kind::Gauge, unit, help, source }
}

/// Made of parts that have words of their own.
pub(super) const fn split<S>(
    name: &'static str,
    metric: &'static str,
    unit: &'static str,
    help: &'static str,
    read: fn(&S) -> u64,
) -> Counted<S> {
    Counted { name, metric, how: How::Sum, kind: Kind::Counter, unit, help, source: Source::Derived(read) }
}

pub(super) const fn derived<S>(
    name: &'static str,
    unit: &'static str,
    help: &'static str,
    read: fn(&S) -> u64,
) -> Counted<S> {
    Counted { name, metric: "", how: How::Sum, kind: Kind::Counter, unit, help, source: Source::Derived(read) }
}

pub(super) const fn timed<S>(
    name: &'static str,
    metric: &'static str,
    unit: &'static str,
    help: &'static str,
    histogram: fn(&S) -> &Histogram,
) -> Counted<S> {
    Counted { name, metric, how: How::Observed, kind: Kind::Histogram, unit, help, source: Source::Timed(histogram) }
}
