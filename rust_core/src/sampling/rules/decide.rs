//! The decision on a call, by the first rule that applies to it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::keys::{Found, Keys, Known};
use super::spec::{Condition, Keyed, RuleSpec, Scalar, Spec, Way, mix};
use super::summary::{self, Told};
use crate::level;
use crate::platform;
use crate::stats::{Count, LeftOut, Stats};

/// A call, as rules ask about it. Nothing of it runs code of the program.
pub trait Asked {
    fn level(&self) -> i32;
    fn logger(&self) -> Cow<'_, str>;
    /// A number that calls of one site have in common.
    fn site(&self) -> u64;
    /// The same, with its arguments and fields.
    fn call(&self) -> u64;
    /// The value of a field of the call, its logger or its context. `None` if it has none, or one that is no scalar.
    fn field(&self, name: &str) -> Option<Scalar<Cow<'_, str>>>;
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// It is as if there were no rules.
    Pass,
    /// It becomes a record that tells of others.
    Keep(Tells),
    /// It has no record, and is counted.
    LeaveOut,
    /// It would be left out, by the rule of this index.
    Mark(usize),
}

/// What a record tells of calls that have none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tells {
    /// Calls of its key that were left out since the record before it.
    pub suppressed: u64,
    /// How many calls it stands for, itself included. 1 where chance has no part.
    pub sample_rate: f64,
}

impl Tells {
    const NOTHING: Self = Self { suppressed: 0, sample_rate: 1.0 };
}

#[derive(Debug)]
struct Rule {
    name: &'static str,
    most: i32,
    logger: String,
    conditions: Vec<Condition>,
    key: Keyed,
    way: Way,
    kept: Count,
    left_out: LeftOut,
}

#[derive(Debug)]
pub struct Sampler {
    rules: Vec<Rule>,
    keys: Keys,
    dry_run: bool,
    chance: AtomicU64,
    pub(super) told: Told,
    evicted: Count,
}

impl Sampler {
    #[must_use]
    pub fn new(spec: &Spec, stats: &Stats) -> Self {
        let rules = spec.rules.iter().map(|rule| Rule::new(rule, stats)).collect();
        let seed =
            spec.seed.unwrap_or_else(|| crate::clock::now().cast_unsigned() ^ u64::from(std::process::id()) << 32);
        Self {
            rules,
            keys: Keys::new(spec.max_keys),
            dry_run: spec.dry_run,
            chance: AtomicU64::new(seed),
            told: Told::new(Instant::now(), stats.rotations()),
            evicted: stats.keys_evicted,
        }
    }

    /// Whether some rule may apply to calls of a logger at these levels, from one standard level to the next.
    #[must_use]
    pub fn wants(&self, logger: &str, least: i32) -> bool {
        least < level::ERROR && self.rules.iter().any(|rule| least <= rule.most && rule.is_of(logger))
    }

    #[must_use]
    pub fn name(&self, rule: usize) -> &'static str {
        self.rules.get(rule).map_or("", |rule| rule.name)
    }

    pub fn decide(&self, call: &impl Asked) -> Verdict {
        if call.level() >= level::ERROR {
            return Verdict::Pass;
        }
        let mut rules = self.rules.iter().enumerate();
        let Some((index, rule)) = rules.find(|(_, rule)| rule.applies_to(call)) else { return Verdict::Pass };
        let (tells, is_counted) = match rule.way {
            Way::All {} => return Verdict::Pass,
            _ => self.ask(index, rule, call),
        };
        match tells {
            Some(tells) => {
                rule.kept.add(1);
                if tells == Tells::NOTHING { Verdict::Pass } else { Verdict::Keep(tells) }
            }
            None => {
                if self.dry_run {
                    rule.left_out.marked.add(1);
                    return Verdict::Mark(index);
                }
                if is_counted { rule.left_out.by_count } else { rule.left_out.by_chance }.add(1);
                Verdict::LeaveOut
            }
        }
    }

    /// What the record of a call tells, or none if it is left out; and whether records tell of those that are.
    fn ask(&self, index: usize, rule: &Rule, call: &impl Asked) -> (Option<Tells>, bool) {
        let key = match &rule.key {
            Keyed::Site => call.site(),
            Keyed::Call => call.call(),
            Keyed::Fields(names) => names.iter().fold(7, |key, name| match call.field(name) {
                Some(value) => value.mixed_into(key),
                None => mix(key, 0),
            }),
            Keyed::One => 1,
        };
        let now = platform::coarse_milliseconds();
        let (known, is_new) = match self.keys.find(mix(key, index as u64), index, now) {
            Found::Known(known) => (known, false),
            Found::New(known) => {
                self.evicted.set(self.keys.evicted.load(Relaxed));
                (known, true)
            }
            Found::Nowhere => return (Some(Tells::NOTHING), false),
        };
        let count = |is_kept: bool| {
            if is_kept {
                let suppressed = if self.dry_run { 0 } else { known.take_suppressed() };
                return (Some(Tells { suppressed, ..Tells::NOTHING }), true);
            }
            if !self.dry_run {
                known.suppress();
            }
            (None, true)
        };
        match rule.way {
            Way::First { first, then_every, interval_ms } => {
                let began = known.began.load(Relaxed);
                let is_over = is_new || now.wrapping_sub(began) >= interval_ms;
                let number = if is_over { 1 } else { known.count.load(Relaxed).saturating_add(1) };
                if is_over {
                    known.began.store(now, Relaxed);
                }
                known.count.store(number, Relaxed);
                let is_kept =
                    number <= first || is_new || then_every > 0 && (number - first).is_multiple_of(then_every);
                count(is_kept)
            }
            Way::PerSecond { per_second, burst } => count(has_token(known, is_new, now, per_second, burst)),
            Way::Nothing {} => count(is_new),
            Way::Rate { rate } => (self.by_chance(is_new, rate, 1.0 / rate), false),
            Way::Target { .. } => {
                known.count.store(known.count.load(Relaxed).saturating_add(1), Relaxed);
                let stands_for = f64::from(known.level()).max(1.0);
                (self.by_chance(is_new, 1.0 / stands_for, stands_for), false)
            }
            Way::All {} => (Some(Tells::NOTHING), false),
        }
    }

    fn by_chance(&self, is_new: bool, rate: f64, stands_for: f64) -> Option<Tells> {
        if is_new {
            return Some(Tells::NOTHING);
        }
        #[allow(clippy::cast_precision_loss, reason = "53 bits of chance")]
        let chance = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        (chance < rate).then_some(Tells { suppressed: 0, sample_rate: stands_for })
    }

    /// The next random number (SplitMix64, <https://doi.org/10.1145/2660193.2660195>).
    fn next(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let state = self.chance.load(Relaxed).wrapping_add(STEP);
        self.chance.store(state, Relaxed);
        let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// Works out anew how many calls a record of each key stands for, so that all keys of a rule together come to its target.
    pub(super) fn set_rates(&self, seconds: f64) {
        for (index, rule) in self.rules.iter().enumerate() {
            let Way::Target { target_per_second } = rule.way else { continue };
            let of_rule = || self.keys.iter().filter(|known| known.rule() == Some(index));
            summary::set_rates(of_rule, target_per_second * seconds);
        }
    }

    /// Takes what was left out of keys, all of them or those that have been quiet for so long, in milliseconds. Returns how many, by rule.
    pub(super) fn take_suppressed(&self, quiet: Option<u32>) -> Vec<u64> {
        let now = platform::coarse_milliseconds();
        let is_due = |known: &&Known| {
            known.has_suppressed() && quiet.is_none_or(|quiet| now.wrapping_sub(known.used.load(Relaxed)) >= quiet)
        };
        let mut of_rules = vec![0; self.rules.len() + 1];
        for known in self.keys.iter().filter(is_due) {
            let rule = known.rule().filter(|rule| *rule < self.rules.len()).unwrap_or(self.rules.len());
            of_rules[rule] += known.take_suppressed();
        }
        if self.keys.orphaned.load(Relaxed) > 0 {
            of_rules[self.rules.len()] += self.keys.orphaned.swap(0, Relaxed);
        }
        of_rules
    }

    /// Takes back calls that a summary could not tell of.
    pub fn give_back(&self, count: u64) {
        self.keys.orphaned.fetch_add(count, Relaxed);
    }
}

/// Whether a bucket that fills at this rate has a token left, which is taken.
#[allow(clippy::cast_possible_truncation, reason = "tokens are few")]
fn has_token(known: &Known, is_new: bool, now: u32, per_second: f64, burst: f64) -> bool {
    let began = known.began.load(Relaxed);
    known.began.store(now, Relaxed);
    let passed = f64::from(now.wrapping_sub(began)) / 1_000.0;
    let tokens = if is_new { burst } else { passed.mul_add(per_second, f64::from(known.level())).min(burst) };
    let has_one = tokens >= 1.0 || is_new;
    known.set_level(if has_one { (tokens - 1.0).max(0.0) } else { tokens } as f32);
    has_one
}

/// A name that records may have after its rule is gone. Each is kept once, however often rules are read anew.
fn kept_for_ever(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let kept = Box::leak(name.to_owned().into_boxed_str());
    names.insert(kept);
    kept
}

impl Rule {
    fn new(spec: &RuleSpec, stats: &Stats) -> Self {
        let RuleSpec { name, level: most, logger, conditions, key, way } = spec.clone();
        let of_rule = stats.rules.of(&name);
        let (kept, left_out) = (of_rule.kept, stats.left_out_by(&of_rule));
        Self { name: kept_for_ever(&name), most, logger, conditions, key, way, kept, left_out }
    }

    fn is_of(&self, logger: &str) -> bool {
        // Lengths and one byte tell most loggers apart, without a comparison of names.
        let (own, logger) = (self.logger.as_bytes(), logger.as_bytes());
        own.is_empty()
            || logger.len() >= own.len()
                && logger.get(own.len()).is_none_or(|next| *next == b'.')
                && logger.starts_with(own)
    }

    fn applies_to(&self, call: &impl Asked) -> bool {
        call.level() <= self.most
            && (self.logger.is_empty() || self.is_of(&call.logger()))
            && self.conditions.iter().all(|condition| {
                let value = call.field(&condition.field);
                value.is_some_and(|value| condition.values.iter().any(|wanted| value.is(wanted)))
            })
    }
}
