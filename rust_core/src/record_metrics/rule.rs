//! What is made of records, as it is configured.

use serde::{Deserialize, Serialize};

use crate::level;
use crate::router::Selector;
use crate::stats::observed::{Form, MOST_BOUNDS, Shown};

/// The most metrics: as many as a router tells apart.
pub const MOST: usize = crate::router::OUTPUTS;
/// The most series of one metric.
const MOST_SERIES: u32 = 10_000;
/// The field that has the name of the level.
pub const LEVEL: &str = "level";
/// The field that has the name of the logger.
pub const LOGGER: &str = "logger";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// How many records there are.
    Count,
    /// The sum of a field.
    Sum,
    /// How often a field is how large.
    Histogram,
}

/// One metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Without `_total`.
    pub name: String,
    pub kind: Kind,
    pub help: String,
    /// Which records it is made of.
    pub select: Selector,
    /// The field whose values are added up.
    pub field: Option<String>,
    /// What each value is multiplied with.
    pub scale: f64,
    pub labels: Vec<Label>,
    /// The bounds of a histogram's buckets.
    pub buckets: Vec<f64>,
    /// The most series, that of `__other__` apart.
    pub bound: u32,
}

impl Eq for Rule {}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    pub name: String,
    /// The field whose value it has.
    pub field: String,
    /// The values that it may have. None for any.
    pub values: Option<Vec<String>>,
    /// The most different values. None for as many as there are series.
    pub bound: Option<u32>,
}

impl Label {
    /// The values that it may have, where they are known.
    pub fn known(&self, select: &Selector) -> Option<Vec<String>> {
        if self.field != LEVEL || self.values.is_some() {
            return self.values.clone();
        }
        let most = select.max_level.unwrap_or(i32::MAX);
        let levels = level::bucket(select.level)..=level::bucket(most);
        Some(level::NAMES[levels].iter().map(|name| (*name).to_owned()).collect())
    }
}

impl Rule {
    #[must_use]
    pub fn form(&self) -> Form {
        let (shown, bounds) = match self.kind {
            Kind::Count => (Shown::Count, vec![]),
            Kind::Sum => (Shown::Sum, vec![]),
            Kind::Histogram => (Shown::Histogram, self.buckets.clone()),
        };
        Form { shown, is_of_records: true, bounds }
    }

    /// How many series are there from the beginning, if all labels have known values.
    #[must_use]
    pub fn known_series(&self) -> Option<usize> {
        self.labels.iter().try_fold(1_usize, |all, label| Some(all.saturating_mul(label.known(&self.select)?.len())))
    }

    /// Whether a metric that comes from a black box does no harm. A box may be planted.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        let is_name = |name: &str| {
            name.len() <= 200
                && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':')
        };
        is_name(&self.name)
            && self.labels.iter().all(|label| is_name(&label.name) && !label.name.contains(':'))
            && self.labels.len() <= 10
            && self.help.len() <= 500
            && self.scale.is_finite()
            && self.scale > 0.0
            && self.buckets.len() <= MOST_BOUNDS
            && self.buckets.is_sorted()
            && self.buckets.iter().all(|bucket| bucket.is_finite())
            && self.bound <= MOST_SERIES
    }
}
