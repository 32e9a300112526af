//! Calls that a rule of sampling left out, each counted in one step.
//!
//! A call that is left out belongs to three counts: those of its rule, of all that were kept out, and of all that some record is to tell of.
//! One word says all three: which of them a call belongs to follows from the word that it is counted in. So a call costs one step, and no
//! process that is killed leaves the counts at odds.

use super::{Block, Count, Entry, How, Words};

/// All that were kept out, and all that some record is to tell of.
pub const FILTERED: &str = "records_filtered_total";
pub const SUPPRESSED: &str = "sampling_suppressed_total";
/// The entry of rules that found no room for one of their own.
const UNPLACED: &str = "sampling_left_out";
/// Words of an entry, in the order of the fields below.
const WORDS: usize = 3;

/// The calls that one rule left out.
#[derive(Clone, Copy, Debug)]
pub struct LeftOut {
    /// They have records all the same: it was a dry run.
    pub marked: Count,
    /// By chance.
    pub by_chance: Count,
    /// By count: some record tells of each.
    pub by_count: Count,
}

impl LeftOut {
    pub(in crate::stats) fn at(words: &'static Words, name: &str) -> Self {
        let counts = words.counts(name, How::LeftOut, WORDS);
        Self { marked: counts[0], by_chance: counts[1], by_count: counts[2] }
    }

    /// Those of rules that found no room.
    pub(in crate::stats) fn unplaced(words: &'static Words) -> Self {
        Self::at(words, UNPLACED)
    }

    /// Whether there was room for it.
    #[must_use]
    pub fn is_placed(&self) -> bool {
        !self.by_count.is_spare()
    }

    /// All of them.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.marked.get() + self.filtered()
    }

    /// Those that have no record.
    #[must_use]
    pub fn filtered(&self) -> u64 {
        self.by_chance.get() + self.by_count.get()
    }
}

/// What an entry says of a rule, of all that were kept out, and of all that some record is to tell of. `None` for a rule without a name.
pub fn read(entry: &Entry<'_, u64>) -> (Option<u64>, u64, u64) {
    let [marked, by_chance, by_count]: [u64; WORDS] =
        std::array::from_fn(|index| entry.values.get(index).copied().unwrap_or(0));
    let filtered = by_chance.wrapping_add(by_count);
    ((entry.name != UNPLACED).then_some(marked.wrapping_add(filtered)), filtered, by_count)
}

/// How many calls a block has that some record is to tell of.
#[must_use]
pub fn suppressed(words: &[u64]) -> u64 {
    let entries = Block::of(words).into_iter().flat_map(|block| block.entries());
    entries.filter(|entry| entry.how == How::LeftOut).fold(0, |sum, entry| sum.wrapping_add(read(&entry).2))
}
