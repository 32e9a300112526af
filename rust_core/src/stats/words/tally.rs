//! Counts by level that agree with the records of a black box to the unit, also when the process is killed.
//!
//! The writer counts the records that it has taken, and notes up to which position in the order of writing. Both are changed in one step. So
//! a recovery knows of each record in the box whether it is counted already.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Block, How, Words};
use crate::level;

/// The name of the entry. Its values become one series for each level.
const NAME: &str = "records_accepted_total";
/// Calls that were left out, and that these records tell of.
pub const TOLD: &str = "sampling_told_total";
/// A position, a count for each level, and one of calls that were left out.
const BANK: usize = 1 + COUNTS;
/// Counts of a bank.
pub const COUNTS: usize = level::NAMES.len() + 1;
/// Which bank counts, and both of them.
const WORDS: usize = 1 + 2 * BANK;

/// The records that the writer has taken, by level.
#[derive(Clone, Copy, Debug)]
pub struct Tally {
    words: &'static [AtomicU64],
    /// What was told of in blocks before this one.
    before: &'static AtomicU64,
}

impl Tally {
    pub(in crate::stats) fn at(words: &'static Words) -> Self {
        let (words, before) = words.find(NAME, How::ByLevel, WORDS);
        Self { words, before: &before[0] }
    }

    /// Adds records that were taken since the last time, by level, up to this position. One at a time.
    pub fn add(self, upto: u64, levels: [u64; COUNTS]) {
        let which = self.words[0].load(Ordering::Relaxed) & 1;
        let bank = |which: u64| &self.words[1 + BANK * usize::from(which == 1)..][..BANK];
        let (now, next) = (bank(which), bank(which ^ 1));
        next[0].store(upto, Ordering::Relaxed);
        for ((next, now), added) in next[1..].iter().zip(&now[1..]).zip(levels) {
            next.store(now.load(Ordering::Relaxed) + added, Ordering::Relaxed);
        }
        self.words[0].store(which ^ 1, Ordering::Release);
    }

    /// Adds calls that were left out and that the library itself tells of.
    pub fn tell(self, calls: u64) {
        let which = self.words[0].load(Ordering::Relaxed) & 1;
        let mut counts = [0; COUNTS];
        counts[COUNTS - 1] = calls;
        self.add(self.words[1 + BANK * usize::from(which == 1)].load(Ordering::Relaxed), counts);
    }

    /// How many calls that were left out are told of since the process began.
    pub fn told_of_process(self) -> u64 {
        super::count::read(|| self.before.load(Ordering::Relaxed).wrapping_add(self.told()))
    }

    /// How many of the present block are told of.
    pub fn told(self) -> u64 {
        let which = usize::from(self.words[0].load(Ordering::Acquire) & 1 == 1);
        self.words[BANK * (which + 1)].load(Ordering::Relaxed)
    }
}

/// What an entry of this kind says: up to which position, and how many records of each level. `None` if it is damaged.
pub fn read(values: &[u64]) -> Option<(u64, &[u64])> {
    let bank = values.get(1..)?.chunks_exact(BANK).nth(usize::from(values[0] & 1 == 1))?;
    bank.split_first().map(|(upto, levels)| (*upto, levels))
}

/// The name of the series of a count.
#[must_use]
pub fn series(level: usize) -> String {
    level::NAMES.get(level).map_or_else(|| TOLD.into(), |name| format!("{NAME}{{level=\"{name}\"}}"))
}

/// Adds records to the copy of a block that does not count them yet.
pub fn add_to(words: &mut [u64], levels: [u64; COUNTS]) {
    let found = Block::of(words).and_then(|block| block.entries().find(|entry| entry.how == How::ByLevel));
    let Some(at) = found.filter(|entry| entry.values.len() == WORDS).map(|entry| entry.at) else { return };
    let bank = at + 1 + BANK * usize::from(words[at] & 1 == 1);
    for (word, added) in words[bank + 1..bank + BANK].iter_mut().zip(levels) {
        *word = word.wrapping_add(added);
    }
}

/// How many calls that were left out are told of.
#[must_use]
pub fn told(words: &[u64]) -> u64 {
    let found = Block::of(words).and_then(|block| block.entries().find(|entry| entry.how == How::ByLevel));
    found.map_or(0, |entry| told_by(entry.values))
}

/// The same of the values of the entry.
pub(super) fn told_by(values: &[u64]) -> u64 {
    read(values).and_then(|(_, counts)| counts.last().copied()).unwrap_or(0)
}

/// Up to which position a block counts records by level.
#[must_use]
pub fn upto(words: &[u64]) -> u64 {
    let found = Block::of(words).and_then(|block| block.entries().find(|entry| entry.how == How::ByLevel));
    found.and_then(|entry| read(entry.values)).map_or(0, |(upto, _)| upto)
}

/// Adds calls that were left out and that are told of now to the copy of a block.
pub fn tell(words: &mut [u64], calls: u64) {
    let mut counts = [0; COUNTS];
    counts[COUNTS - 1] = calls;
    add_to(words, counts);
}
