//! What is known of keys: a bounded table, four places a set. A key that finds none takes that of the key that was longest unused.
//!
//! Calls come one at a time, under the interpreter's lock; the writer only takes what was left out, and sets rates. So each word is changed
//! by one thread at a time but for `told`: calls and the writer may both take what was left out.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::sync::atomic::{AtomicU32, AtomicU64};

use crate::memory;

const WAYS: usize = 4;
/// A place that has never had a key.
const FREE: u64 = 0;

#[derive(Debug, Default)]
pub struct Known {
    key: AtomicU64,
    /// When it was last asked for, in milliseconds.
    pub used: AtomicU32,
    /// When the interval began, or tokens were added.
    pub began: AtomicU32,
    /// Calls in the interval.
    pub count: AtomicU32,
    /// Calls that were left out since the place was made. It begins anew after 2³², and only calls change it.
    left_out: AtomicU32,
    /// Those of them that somebody has taken to tell of.
    told: AtomicU32,
    /// Tokens, or the rate: the bits of an `f32`.
    level: AtomicU32,
    /// The rule that the key is of, and one more.
    rule: AtomicU32,
    /// The average number of calls in a period: the bits of an `f32`.
    average: AtomicU32,
}

impl Known {
    pub fn level(&self) -> f32 {
        f32::from_bits(self.level.load(Relaxed))
    }

    pub fn set_level(&self, level: f32) {
        self.level.store(level.to_bits(), Relaxed);
    }

    pub fn average(&self) -> f32 {
        f32::from_bits(self.average.load(Relaxed))
    }

    pub fn set_average(&self, average: f32) {
        self.average.store(average.to_bits(), Relaxed);
    }

    /// Notes one call that is left out. Calls come one at a time, so this needs no step that others cannot come between.
    #[inline]
    pub fn suppress(&self) {
        self.left_out.store(self.left_out.load(Relaxed).wrapping_add(1), Relaxed);
    }

    /// The calls that were left out, for somebody who tells of them. Each is taken once.
    #[inline]
    pub fn take_suppressed(&self) -> u64 {
        let mut told = self.told.load(Acquire);
        loop {
            // Read after `told`, it is never behind it.
            let left_out = self.left_out.load(Relaxed);
            if left_out == told {
                return 0;
            }
            match self.told.compare_exchange(told, left_out, AcqRel, Acquire) {
                Ok(_) => return left_out.wrapping_sub(told).into(),
                Err(now) => told = now,
            }
        }
    }

    pub fn has_suppressed(&self) -> bool {
        self.left_out.load(Relaxed) != self.told.load(Relaxed)
    }

    pub fn rule(&self) -> Option<usize> {
        (self.rule.load(Relaxed) as usize).checked_sub(1)
    }
}

#[derive(Debug)]
pub struct Keys {
    sets: Box<[[Known; WAYS]]>,
    /// Keys that had to go, and calls left out of which only the summary can tell.
    pub evicted: AtomicU64,
    pub orphaned: AtomicU64,
}

/// What the table has of a key.
pub enum Found<'a> {
    Known(&'a Known),
    /// It is the first of its kind, or it was forgotten.
    New(&'a Known),
    /// There is no memory for the table.
    Nowhere,
}

impl Keys {
    pub fn new(most: usize) -> Self {
        let sets = most.div_ceil(WAYS).max(1).next_power_of_two();
        let mut made = Vec::new();
        if memory::has(sets * size_of::<[Known; WAYS]>()) && made.try_reserve_exact(sets).is_ok() {
            made.resize_with(sets, Default::default);
        }
        Self { sets: made.into_boxed_slice(), evicted: AtomicU64::new(0), orphaned: AtomicU64::new(0) }
    }

    /// The place of a key of this rule.
    #[inline]
    pub fn find(&self, key: u64, rule: usize, now: u32) -> Found<'_> {
        let key = if key == FREE { 1 } else { key };
        #[allow(clippy::cast_possible_truncation, reason = "the low bits are wanted")]
        let index = (key as usize) & self.sets.len().wrapping_sub(1);
        let Some(set) = self.sets.get(index) else { return Found::Nowhere };
        for known in set {
            if known.key.load(Relaxed) == key {
                known.used.store(now, Relaxed);
                return Found::Known(known);
            }
        }
        Found::New(self.make(set, key, rule, now))
    }

    #[cold]
    fn make<'a>(&self, set: &'a [Known; WAYS], key: u64, rule: usize, now: u32) -> &'a Known {
        let is_free = |known: &&Known| known.key.load(Relaxed) == FREE;
        let unused = |known: &&Known| now.wrapping_sub(known.used.load(Relaxed));
        let place = set.iter().find(is_free).or_else(|| set.iter().max_by_key(unused)).unwrap_or(&set[0]);
        if place.key.load(Relaxed) != FREE {
            self.evicted.fetch_add(1, Relaxed);
            self.orphaned.fetch_add(place.take_suppressed(), Relaxed);
        }
        place.count.store(0, Relaxed);
        place.set_level(0.0);
        place.set_average(0.0);
        place.began.store(now, Relaxed);
        place.used.store(now, Relaxed);
        place.rule.store(u32::try_from(rule + 1).unwrap_or(0), Relaxed);
        place.key.store(key, Relaxed);
        place
    }

    pub fn iter(&self) -> impl Iterator<Item = &Known> {
        self.sets.iter().flatten().filter(|known| known.key.load(Relaxed) != FREE)
    }
}
