//! Metrics that records make by configuration: how many there are, the sum of a field, or how often it is how large.
//!
//! The writer counts each record that it takes, before it is routed and whatever the levels of files are. Then it notes up to which record
//! it has counted. So a recovery counts those that the writer of a dead process had not come to.

mod fields;
mod hash;
mod interest;
mod progress;
mod rule;
mod series;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::names::Names;
use crate::record::{Context, Record, Site};
use crate::redaction::{Rules, Scanner};
use crate::router::{AiLoggers, Route, Router};
use crate::stats::observed::Exemplar;
use crate::stats::{How, Words};
use crate::table::View;
use crate::value::Value;

use fields::{Found, Plan};
pub use interest::Interest;
use progress::Progress;
pub use progress::{undo, upto};
pub use rule::{Kind, Label, MOST, Rule};
pub use series::Block;
use series::{Change, SEPARATOR, Series};

/// Where the words of series are.
pub trait Place<'w> {
    /// The words of an entry, which is added unless it is there. None if there is no room.
    fn place(&self, name: &str, how: How, words: usize) -> Option<&'w [AtomicU64]>;

    /// The number of a word in its block, if a recovery may read that.
    fn number(&self, word: &AtomicU64) -> Option<u64>;
}

impl Place<'static> for &'static Words {
    fn place(&self, name: &str, how: How, words: usize) -> Option<&'static [AtomicU64]> {
        Words::place(self, name, how, words)
    }

    fn number(&self, word: &AtomicU64) -> Option<u64> {
        self.place_of(word)
    }
}

/// All metrics that records of one process make.
#[derive(Debug)]
pub struct RecordMetrics<'w> {
    all: Vec<Series<'w>>,
    router: Router,
    names: Arc<Names>,
    sites: View<Site, Plan>,
    /// For records without a call site.
    elsewhere: Plan,
    loggers: View<String, ()>,
    scanner: Option<Scanner>,
    progress: Progress<'w>,
    /// What a record changes.
    changes: Vec<Change<'w>>,
    /// The values of the labels of a record.
    key: String,
}

impl<'w> RecordMetrics<'w> {
    /// None where nothing is configured. Every series whose labels have known values is there at once.
    #[must_use]
    pub fn open(
        rules: &[Rule],
        ai: &AiLoggers,
        place: &impl Place<'w>,
        redaction: Option<Arc<Rules>>,
        names: &Arc<Names>,
    ) -> Option<Self> {
        if rules.is_empty() {
            return None;
        }
        let rules = &rules[..rules.len().min(MOST)];
        let selectors = rules.iter().map(|rule| rule.select.clone()).collect();
        Some(Self {
            all: rules.iter().map(|rule| Series::new(rule.clone(), place)).collect(),
            router: Router::new(Arc::clone(names), selectors, ai.clone()),
            names: Arc::clone(names),
            sites: View::new(),
            elsewhere: Plan::without_site(rules.iter()),
            loggers: View::new(),
            scanner: redaction.map(Scanner::new),
            progress: Progress::begin(place),
            changes: Vec::new(),
            key: String::new(),
        })
    }

    /// Counts a record of the application, which has this position in the order of writing.
    pub fn count(&mut self, record: &Record<'_>, position: u64, place: &impl Place<'w>) {
        let route = self.router.route(record);
        if route != 0 {
            self.find_changes(route, record, place);
            let Self { all, changes, progress, .. } = self;
            let words = changes.iter().flat_map(|change| all[change.of].changing(change));
            let old = words.filter_map(|word| Some((place.number(word)?, word.load(Ordering::Relaxed))));
            progress.note(position, old);
            let trace_id = record.context.and_then(Context::read).and_then(|context| context.trace_id);
            let trace_id = trace_id.filter(|id| is_harmless(id, self.scanner.as_mut()));
            for change in changes.drain(..) {
                let exemplar = |value| Some(Exemplar { trace_id: trace_id?, value, time: record.header.time });
                all[change.of].apply(&change, change.value.and_then(exemplar));
            }
        }
        self.progress.pass(position);
    }

    fn find_changes(&mut self, mut route: Route, record: &Record<'_>, place: &impl Place<'w>) {
        let Self { all, names, sites, loggers, scanner, key, elsewhere, changes, .. } = self;
        changes.clear();
        let plan = sites.get(&names.sites, record.header.site, |site| Plan::new(all.iter().map(|one| &one.rule), site));
        let plan = plan.map_or(&*elsewhere, |(_, plan)| plan);
        let logger = match record.logger {
            Some(name) => name,
            None => loggers.get(&names.loggers, record.header.logger, |_| ()).map_or("", |(name, ())| name.as_str()),
        };
        let found = Found::new(record, plan, logger);
        while route != 0 {
            let index = route.trailing_zeros() as usize;
            route &= route - 1;
            let (one, fields) = (&mut all[index], &plan.of[index]);
            let value = match (fields.value, &one.rule.field) {
                (Some(at), Some(field)) => {
                    let Some(value) = found.get(at, field) else { continue };
                    let Some(number) = number(value) else {
                        changes.push(Change { of: index, value: None, words: None, is_folded: false });
                        continue;
                    };
                    number * one.rule.scale
                }
                _ => 1.0,
            };
            key.clear();
            for (label, at) in one.rule.labels.iter().zip(&fields.labels) {
                if let Some(value) = found.get(*at, &label.field) {
                    put_text(value, key);
                }
                key.push(SEPARATOR);
            }
            let (words, is_folded) = one.find(key, place, scanner.as_mut());
            changes.push(Change { of: index, value: Some(value), words, is_folded });
        }
    }
}

/// Whether the id of a trace may be shown as lines show it.
fn is_harmless(id: &str, scanner: Option<&mut Scanner>) -> bool {
    let is_plain = || id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    scanner.is_none_or(|scanner| is_plain() || scanner.is_clean(id))
}

/// A number that can be added up: a counter never runs backwards.
#[expect(clippy::cast_precision_loss, reason = "a metric is a float")]
fn number(value: Value<'_>) -> Option<f64> {
    let number = match value {
        Value::Integer(number) => number as f64,
        Value::Float(number) => number,
        // An integer that is too long for the machine is written as it stands.
        Value::Json(text) if text.starts_with(|first: char| first.is_ascii_digit()) => text.parse().ok()?,
        _ => return None,
    };
    (number.is_finite() && number >= 0.0).then_some(number)
}

/// Puts the value of a label.
fn put_text(value: Value<'_>, out: &mut String) {
    use std::fmt::Write;

    let _ = match value {
        Value::Null => Ok(()),
        Value::Bool(value) => write!(out, "{value}"),
        Value::Integer(value) => write!(out, "{value}"),
        Value::Float(value) => write!(out, "{value:?}"),
        Value::Text(text) | Value::Json(text) => {
            let start = out.len();
            out.push_str(text);
            if memchr::memchr(SEPARATOR as u8, &out.as_bytes()[start..]).is_some() {
                // No value that is configured has it.
                let own = out.split_off(start).replace(SEPARATOR, " ");
                out.push_str(&own);
            }
            Ok(())
        }
    };
}
