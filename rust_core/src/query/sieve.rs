//! The conditions of a question that are asked where lines are read.

use std::sync::atomic::{AtomicU64, Ordering};

use super::fields::Fields;
use super::filter::{Asked, Condition};
use super::when::Now;
use crate::archive::Keys;
use crate::follow::{self, Seen};

/// Lets the lines through for which a condition holds.
#[derive(Debug)]
pub struct Sieve {
    condition: Condition,
    fields: Fields,
    levels: Keys,
    asked: AtomicU64,
}

impl Sieve {
    pub(super) fn new(condition: Condition, fields: &Fields, now: &Now) -> Self {
        let mut wanted = Vec::new();
        condition.fields(&mut wanted);
        let levels = Keys { levels: now.levels.clone(), ..Keys::default() };
        Self { condition, fields: fields.only(&wanted), levels, asked: AtomicU64::new(0) }
    }

    /// How many lines were asked.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

impl follow::Sieve for Sieve {
    fn lets_through(&self, seen: &Seen<'_>) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut cells = Vec::with_capacity(self.fields.len());
        self.fields.read(seen, &mut cells);
        self.condition.holds(Asked { cells: &cells, line: seen.line, levels: &self.levels })
    }
}
