//! What the writer does for sampling now and then: it tells of calls that no record has told of, and sets the rates of keys.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::Sampler;
use super::keys::Known;
use crate::stats::{Stats, left_out, tally};
use crate::value::Value;

/// Time between two looks at the keys, and how long a key must have been quiet before the summary tells of it.
const INTERVAL: Duration = Duration::from_secs(10);
/// Time between two settings of rates.
const PERIOD: Duration = Duration::from_secs(2);
/// The weight of the last period in the average.
const WEIGHT: f32 = 0.5;

#[derive(Debug)]
pub(super) struct Told(Mutex<Times>);

#[derive(Debug)]
struct Times {
    told: Instant,
    rates: Instant,
    /// How often files had been rotated at the last look. Those before this sampler are not its own.
    rotations: u64,
}

impl Told {
    pub fn new(now: Instant, rotations: u64) -> Self {
        Self(Mutex::new(Times { told: now, rates: now, rotations }))
    }
}

/// Calls that were left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    pub total: u64,
    /// The name of the rule. None where it is not known any more.
    pub rule: Option<&'static str>,
}

impl Sampler {
    /// What is to be told now, if anything. `rotations` is how often files were rotated: what was left out before is told then.
    pub fn look_after(&self, now: Instant, rotations: u64) -> Vec<Summary> {
        let Ok(mut times) = self.told.0.try_lock() else { return Vec::new() };
        let passed = now.saturating_duration_since(times.rates);
        if passed >= PERIOD {
            times.rates = now;
            self.set_rates(passed.as_secs_f64());
        }
        let is_rotated = std::mem::replace(&mut times.rotations, rotations) != rotations;
        if !is_rotated && now.saturating_duration_since(times.told) < INTERVAL {
            return Vec::new();
        }
        times.told = now;
        drop(times);
        let quiet = u32::try_from(INTERVAL.as_millis()).unwrap_or(u32::MAX);
        self.summaries((!is_rotated).then_some(quiet))
    }

    /// Everything that no record has told of.
    #[must_use]
    pub fn rest(&self) -> Vec<Summary> {
        self.summaries(None)
    }

    /// One for each rule.
    fn summaries(&self, quiet: Option<u32>) -> Vec<Summary> {
        let counts = self.take_suppressed(quiet);
        let of_rules = counts.into_iter().enumerate().filter(|(_, count)| *count > 0);
        of_rules
            .map(|(rule, total)| Summary { total, rule: Some(self.name(rule)).filter(|name| !name.is_empty()) })
            .collect()
    }
}

/// How many calls of this process were left out by count, and neither a record nor a summary has told of.
#[must_use]
pub fn untold(stats: &Stats) -> u64 {
    stats.suppressed_here().saturating_sub(stats.taken.told())
}

/// The same of the block of a process that is gone.
#[must_use]
pub fn untold_of(block: &[u64]) -> u64 {
    left_out::suppressed(block).saturating_sub(tally::told(block))
}

/// The function that summaries come from.
pub const FUNCTION: &str = "sampling";

/// The message and the fields of a summary.
pub fn build_summary<R>(summary: &Summary, build: impl FnOnce(&str, &[(&str, Value<'_>)]) -> R) -> R {
    let integer = |count: u64| Value::Integer(i64::try_from(count).unwrap_or(i64::MAX));
    let calls = if summary.total == 1 { "call" } else { "calls" };
    let message = format!("{} {calls} left out by sampling", summary.total);
    let rule = [("suppressed", integer(summary.total)), ("rule", Value::Text(summary.rule.unwrap_or_default()))];
    let fields = if summary.rule.is_some() { &rule[..] } else { &rule[..1] };
    build(&message, fields)
}

/// Sets how many calls a record of each key stands for. Each key has a share of the target by the logarithm of its calls, so that a key with
/// few calls keeps most of them (the method of dynsampler-go's `EMASampleRate`).
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "estimates")]
pub(super) fn set_rates<'k, I: Iterator<Item = &'k Known>>(keys: impl Fn() -> I, target: f64) {
    let mut shares = 0.0;
    for known in keys() {
        let count = known.count.swap(0, std::sync::atomic::Ordering::Relaxed) as f32;
        let before = known.average();
        let average = if before == 0.0 { count } else { WEIGHT.mul_add(count - before, before) };
        known.set_average(average);
        shares += share(average);
    }
    if shares == 0.0 {
        return;
    }
    for known in keys() {
        let average = known.average();
        let goal = (target * share(average) / shares).max(f64::MIN_POSITIVE);
        known.set_level(((f64::from(average) / goal).round().max(1.0)) as f32);
    }
}

fn share(calls: f32) -> f64 {
    if calls < 1.0 { 0.0 } else { f64::from(calls).log10().max(0.1) }
}
