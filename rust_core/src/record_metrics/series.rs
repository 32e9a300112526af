//! The series of one metric, and its bounds.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use super::Place;
use super::hash::Quick;
use super::rule::{LEVEL, LOGGER, Rule};
use crate::clock;
use crate::redaction::{Replaced, Scanner};
use crate::stats::observed::{Exemplar, Form, OTHERS};
use crate::stats::{Blank, How, METRIC_COUNTS, labelled, labels};
use crate::value::Value;

/// Between the values of labels.
pub const SEPARATOR: char = '\u{1f}';
/// Bytes of the value of a label. Longer ones have no series of their own.
const LONGEST: usize = 200;

/// What is counted of the metric itself. None where there is no room.
#[derive(Debug)]
struct Counts<'w>([Option<&'w AtomicU64>; METRIC_COUNTS.len()]);

impl<'w> Counts<'w> {
    fn at(rule: &Rule, place: &impl Place<'w>) -> Self {
        let labels = labels("metric", &rule.name);
        Self(std::array::from_fn(|index| {
            let name = format!("{}{labels}", METRIC_COUNTS[index].metric);
            place.place(&name, METRIC_COUNTS[index].how, 1).map(|words| &words[0])
        }))
    }

    fn add(&self, index: usize) {
        if let Some(count) = self.0[index] {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counted(&self) {
        self.add(0);
    }

    fn ignored(&self) {
        self.add(1);
    }

    fn folded(&self) {
        self.add(2);
    }
}

/// What a record changes of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Change<'w> {
    /// Which of the metrics it is.
    pub of: usize,
    /// None for a value that is ignored.
    pub value: Option<f64>,
    pub words: Option<&'w [AtomicU64]>,
    /// Whether the words are those of the others.
    pub is_folded: bool,
}

#[derive(Debug)]
pub struct Series<'w> {
    pub rule: Rule,
    counts: Counts<'w>,
    form: Form,
    /// The words of each, by the values of its labels.
    known: HashMap<String, &'w [AtomicU64], Quick>,
    /// The different values of each label that has a bound.
    values: Vec<HashSet<String>>,
    /// That of the others. None if there is no room even for that.
    others: Option<&'w [AtomicU64]>,
}

impl<'w> Series<'w> {
    pub fn new(rule: Rule, place: &impl Place<'w>) -> Self {
        let form = rule.form();
        let described = format!("{}\n{}\n{}", rule.name, form.shown.letter(), rule.help);
        if let Some(words) = place.place(&described, How::Described, 2) {
            words[0].store(clock::now().max(1).cast_unsigned(), Ordering::Relaxed);
            words[1].store(u64::from(rule.bound), Ordering::Relaxed);
        }
        let values = vec![HashSet::new(); rule.labels.len()];
        let counts = Counts::at(&rule, place);
        let mut series = Self { rule, counts, form, known: HashMap::default(), values, others: None };
        let others = vec![OTHERS; series.rule.labels.len()];
        // Before all others: there is room for it.
        series.others = series.make(&others, place);
        if series.rule.known_series().is_some_and(|count| count <= series.rule.bound as usize) {
            series.make_known(place);
        }
        series
    }

    /// Makes the series of all values that labels may have.
    fn make_known(&mut self, place: &impl Place<'w>) {
        let labels = self.rule.labels.iter().map(|label| label.known(&self.rule.select).unwrap_or_default());
        let all = labels.fold(vec![vec![]], |all: Vec<Vec<String>>, values| {
            all.iter()
                .flat_map(|one| values.iter().map(|value| [&one[..], std::slice::from_ref(value)].concat()))
                .collect()
        });
        for values in all {
            let key: String = values.iter().flat_map(|value| [value.as_str(), "\u{1f}"]).collect();
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            if let Some(words) = self.make(&values, place) {
                self.known.insert(key, words);
            }
        }
    }

    fn make(&self, values: &[&str], place: &impl Place<'w>) -> Option<&'w [AtomicU64]> {
        let labels: Vec<_> = self.rule.labels.iter().map(|label| &*label.name).zip(values.iter().copied()).collect();
        let name = self.form.name(&format!("{}{}", self.rule.name, labelled(&labels)));
        place.place(&name, How::Observed, self.form.words())
    }

    /// The words of the series whose labels have these values, and whether they are those of the others.
    pub fn find(
        &mut self,
        key: &str,
        place: &impl Place<'w>,
        scanner: Option<&mut Scanner>,
    ) -> (Option<&'w [AtomicU64]>, bool) {
        match self.known.get(key) {
            Some(words) => (Some(*words), false),
            None => match self.add(key, place, scanner) {
                Some(words) => (Some(words), false),
                None => (self.others, true),
            },
        }
    }

    /// The words that a record changes.
    pub fn changing<'s>(&'s self, change: &Change<'w>) -> impl Iterator<Item = &'w AtomicU64> + use<'s, 'w> {
        let of_value = change.words.zip(change.value).map(|(words, value)| self.form.changing(words, value));
        let [counted, ignored, folded] = self.counts.0;
        let is_counted = change.value.is_some();
        let counts =
            [counted.filter(|_| is_counted), ignored.filter(|_| !is_counted), folded.filter(|_| change.is_folded)];
        counts.into_iter().flatten().chain(of_value.into_iter().flatten())
    }

    /// Counts a record.
    pub fn apply(&self, change: &Change<'w>, exemplar: Option<Exemplar<'_>>) {
        let Some(value) = change.value else { return self.counts.ignored() };
        self.counts.counted();
        if change.is_folded {
            self.counts.folded();
        }
        if let Some(words) = change.words {
            self.form.observe(words, value, exemplar);
        }
    }

    /// A series for values that were not there before. None if they have none of their own.
    #[cold]
    fn add(&mut self, key: &str, place: &impl Place<'w>, scanner: Option<&mut Scanner>) -> Option<&'w [AtomicU64]> {
        if self.known.len() >= self.rule.bound as usize {
            return None;
        }
        let values: Vec<&str> = key.split_terminator(SEPARATOR).collect();
        for (index, (label, value)) in self.rule.labels.iter().zip(&values).enumerate() {
            let is_known = label.values.as_ref().is_none_or(|known| known.iter().any(|known| known == value));
            let is_within = self.values[index].contains(*value)
                || label.bound.is_none_or(|bound| self.values[index].len() < bound as usize);
            if !is_known || !is_within || value.len() > LONGEST {
                return None;
            }
        }
        let shown = self.without_secrets(&values, scanner);
        let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
        let words = self.make(&shown, place)?;
        self.known.insert(key.to_owned(), words);
        for (index, value) in values.iter().enumerate() {
            self.values[index].insert((*value).to_owned());
        }
        Some(words)
    }

    /// The values as lines have them.
    fn without_secrets(&self, values: &[&str], mut scanner: Option<&mut Scanner>) -> Vec<String> {
        let labels = self.rule.labels.iter().zip(values);
        labels
            .map(|(label, value)| {
                let scanner = scanner.as_mut().filter(|_| label.values.is_none() && label.field != LEVEL);
                let replaced = scanner.and_then(|scanner| {
                    if label.field == LOGGER {
                        return scanner.text(value);
                    }
                    let treatment = scanner.field_treatment(&label.field);
                    scanner
                        .value(Value::Text(value), treatment)
                        .map(|(Replaced::Text(text) | Replaced::Json(text))| text)
                });
                replaced.unwrap_or_else(|| (*value).to_owned())
            })
            .collect()
    }
}

/// Words of a block of its own, for records of a process that is gone.
#[derive(Debug, Default)]
pub struct Block(Blank);

impl<'w> Place<'w> for &'w Block {
    fn place(&self, name: &str, how: How, words: usize) -> Option<&'w [AtomicU64]> {
        self.0.place(name, how, words)
    }

    fn number(&self, _: &AtomicU64) -> Option<u64> {
        None
    }
}

impl Block {
    #[must_use]
    pub fn copy(&self) -> Vec<u64> {
        self.0.copy()
    }
}
