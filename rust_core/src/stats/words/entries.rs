//! The bytes of a block: entries one after the other, which other processes read while more are added.
//!
//! ```text
//! word 0  magic and version
//!      1  words in use
//!      2  when it was begun, nanoseconds since 1970 UTC
//!      3… entries: one word of words of the entry (32 bits), bytes of its name (16 bits) and how blocks are added up (8 bits),
//!         the name, filled up with zeros, and the values
//! ```

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::clock;

/// Begins every block. The last byte changes with the meaning of the words.
const MAGIC: u64 = u64::from_le_bytes(*b"ulcount\x01");
const USED: usize = 1;
const BEGUN: usize = 2;
const FIRST: usize = 3;
/// Longer names are refused.
const LONGEST: usize = 1_024;

/// How the words of several processes become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It only grows: that of processes that are gone is kept.
    Sum,
    /// What it was at most in any of them.
    Most,
    /// What it is now, in all that live.
    Now,
    /// What it is now in the one that lives and has most.
    MostNow,
    /// It only grows, and has several values; see `tally`.
    ByLevel,
    /// A sum and counts of values by size; see `observed`.
    Observed,
    /// When a metric was described that records make, and how many series it may have. The name says the rest.
    Described,
    /// Up to which position in the order of writing the records of a box are counted in the metrics that they make.
    Position,
    /// It only grows, and is what a rule of sampling left out, in several ways; see `left_out`.
    LeftOut,
}

impl How {
    const ALL: [Self; 9] = [
        Self::Sum,
        Self::Most,
        Self::Now,
        Self::MostNow,
        Self::ByLevel,
        Self::Observed,
        Self::Described,
        Self::Position,
        Self::LeftOut,
    ];

    /// One number of two.
    #[must_use]
    pub fn join(self, one: u64, other: u64) -> u64 {
        match self {
            Self::Sum | Self::Now | Self::ByLevel | Self::Observed | Self::LeftOut => one.wrapping_add(other),
            Self::Most | Self::MostNow | Self::Described | Self::Position => one.max(other),
        }
    }

    /// Whether it outlives its process.
    #[must_use]
    pub const fn stays(self) -> bool {
        matches!(self, Self::Sum | Self::Most | Self::ByLevel | Self::Observed | Self::Described | Self::LeftOut)
    }
}

/// An entry of a block.
#[derive(Debug)]
pub struct Entry<'b, W> {
    pub name: String,
    pub how: How,
    pub values: &'b [W],
    /// The place of the first value in the block.
    pub at: usize,
}

/// A block that is read: in memory, where others may add to it, or a copy.
#[derive(Debug)]
pub struct Block<'b, W>(&'b [W]);

/// A word of a block.
pub trait Word {
    fn get(&self) -> u64;
}

impl Word for AtomicU64 {
    fn get(&self) -> u64 {
        self.load(Ordering::Acquire)
    }
}

impl Word for u64 {
    fn get(&self) -> u64 {
        *self
    }
}

/// How many words of a block are in use.
pub fn used<W: Word>(words: &[W]) -> usize {
    usize::try_from(words[USED].get()).unwrap_or(usize::MAX).min(words.len())
}

impl<'b, W: Word> Block<'b, W> {
    /// `None` for words that are no block of this version.
    #[must_use]
    pub fn of(words: &'b [W]) -> Option<Self> {
        (words.len() >= FIRST && words[0].get() == MAGIC).then_some(Self(words))
    }

    /// When it was begun, in nanoseconds since 1970 UTC.
    #[must_use]
    pub fn begun(&self) -> i64 {
        self.0[BEGUN].get().cast_signed()
    }

    /// The entries, up to the first that is damaged.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'b, W>> + use<'b, W> {
        let words = self.0;
        let used = used(words);
        let mut next = FIRST;
        std::iter::from_fn(move || {
            loop {
                let (entry, end) = read(words, next, used)?;
                next = end;
                // A later version may add up in a way that this one does not know.
                if let Some(entry) = entry {
                    return Some(entry);
                }
            }
        })
    }

    /// Whether each entry can be read.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let used = usize::try_from(self.0[USED].get()).unwrap_or(usize::MAX);
        let mut end = FIRST;
        while let Some((_, next)) = read(self.0, end, used.min(self.0.len())) {
            end = next;
        }
        used == end
    }
}

/// The entry, unless it is of a kind that this version does not know, and where the next one begins.
#[expect(clippy::cast_possible_truncation, reason = "parts of a word")]
fn read<W: Word>(words: &[W], at: usize, used: usize) -> Option<(Option<Entry<'_, W>>, usize)> {
    if at >= used {
        return None;
    }
    let head = words[at].get();
    let (length, bytes) = (head as u32 as usize, (head >> 32) as u16 as usize);
    let values = at + 1 + bytes.div_ceil(8);
    if length == 0 || at + length > used || values > at + length {
        return None;
    }
    let Some(how) = How::ALL.get((head >> 48) as u8 as usize) else { return Some((None, at + length)) };
    let mut name: Vec<u8> = words[at + 1..values].iter().flat_map(|word| word.get().to_le_bytes()).collect();
    name.truncate(bytes);
    let entry =
        Entry { name: String::from_utf8(name).ok()?, how: *how, values: &words[values..at + length], at: values };
    Some((Some(entry), at + length))
}

/// Makes an empty block of zeros.
pub(super) fn begin(words: &[AtomicU64]) {
    words[BEGUN].store(clock::now().cast_unsigned(), Ordering::Relaxed);
    words[USED].store(FIRST as u64, Ordering::Relaxed);
    words[0].store(MAGIC, Ordering::Release);
}

/// Adds an entry, and tells where its values begin. `None` if there is no room. One at a time.
pub(super) fn add(words: &[AtomicU64], name: &str, how: How, values: usize) -> Option<usize> {
    let at = usize::try_from(words[USED].load(Ordering::Relaxed)).ok()?;
    let first = at.checked_add(1 + name.len().div_ceil(8))?;
    let end = first.checked_add(values)?;
    if end > words.len() || name.len() > LONGEST {
        return None;
    }
    let head = (end - at) as u64 | (name.len() as u64) << 32 | (how as u64) << 48;
    words[at].store(head, Ordering::Relaxed);
    for (word, bytes) in words[at + 1..first].iter().zip(name.as_bytes().chunks(8)) {
        let mut eight = [0; 8];
        eight[..bytes.len()].copy_from_slice(bytes);
        word.store(u64::from_le_bytes(eight), Ordering::Relaxed);
    }
    words[USED].store(end as u64, Ordering::Release);
    Some(first)
}
