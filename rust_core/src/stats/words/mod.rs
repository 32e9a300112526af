//! The words in which counts are kept: one block a process, which lies in its black box while there is one.
//!
//! So other processes read the counts of this one while it lives, and what it counted is there after it was killed. A block is a list of
//! entries, each with a name of its own: whoever adds blocks up needs to know nothing else.

mod blank;
mod count;
mod entries;
pub mod left_out;
pub mod observed;
mod place;
pub mod tally;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};

use crate::platform::{Identity, Mapping, Region};
use crate::table::lock_briefly;

pub use blank::Blank;
pub use count::{Count, Early};
pub use entries::{Block, Entry, How};
pub use place::Left;

/// Bytes of a block.
pub const LENGTH: usize = 512 << 10;
/// Words of a block.
const WORDS: usize = LENGTH / 8;

/// Where the words of one process's counts are. They stay at their addresses, while the memory behind these changes.
#[derive(Debug)]
pub struct Words {
    /// The words themselves.
    region: Region,
    /// For each of them: what was counted in blocks before this one.
    before: Mapping,
    /// Held while an entry is added, and while the words move.
    known: Mutex<Known>,
    /// Words for entries that find no room. Nobody reads them.
    spare: Box<[AtomicU64]>,
}

/// What is known of the words.
#[derive(Debug, Default)]
struct Known {
    /// Where each entry is, by its name.
    places: HashMap<String, usize>,
    /// The file that they are in.
    file: Option<Identity>,
}

/// An entry has at most as many words.
const MOST: usize = 255;

impl Words {
    /// Words of their own, which are never given back.
    ///
    /// # Panics
    /// When the system has no memory.
    #[must_use]
    pub fn apart() -> &'static Self {
        let region = Region::new(LENGTH).expect("memory for counts");
        // Pages that nothing is counted in are never there.
        let before = Mapping::anonymous(LENGTH).expect("memory for counts");
        let spare = std::iter::repeat_with(|| AtomicU64::new(0)).take(MOST).collect();
        let words = Box::leak(Box::new(Self { region, before, known: Mutex::default(), spare }));
        entries::begin(words.all());
        words
    }

    /// Those of this process.
    ///
    /// # Panics
    /// When the system has no memory at their first use.
    #[must_use]
    pub fn here() -> &'static Self {
        static HERE: OnceLock<&'static Words> = OnceLock::new();
        HERE.get_or_init(Self::apart)
    }

    fn all(&self) -> &[AtomicU64] {
        // SAFETY: as many words are mapped as long as the process lives, aligned to a page, and only ever used as atomics.
        unsafe { std::slice::from_raw_parts(self.region.start().as_ptr().cast(), WORDS) }
    }

    /// For each word: what was counted in blocks before this one.
    fn before(&self) -> &[AtomicU64] {
        // SAFETY: as in `all`; zeroed memory.
        unsafe { std::slice::from_raw_parts(self.before.start().as_ptr().cast(), WORDS) }
    }

    /// A forked child may find it held by a thread that it does not have.
    fn known(&self) -> Option<MutexGuard<'_, Known>> {
        lock_briefly(&self.known)
    }

    /// The count of this name, which is added unless it is there. Where there is no room for it, it goes into words that nobody reads.
    pub fn count(&'static self, name: &str, how: How) -> Count {
        self.counts(name, how, 1)[0]
    }

    /// The same of several counts of one name.
    ///
    /// # Panics
    /// For more counts than an entry has.
    pub fn counts(&'static self, name: &str, how: How, count: usize) -> Vec<Count> {
        let (words, before) = self.find(name, how, count);
        words.iter().zip(before).map(|(word, before)| Count::new(word, before)).collect()
    }

    /// The words of an entry that is no plain count. None if there is no room for them.
    pub fn place(&'static self, name: &str, how: How, count: usize) -> Option<&'static [AtomicU64]> {
        let (words, _) = self.find(name, how, count);
        (!std::ptr::eq(words.as_ptr(), self.spare.as_ptr())).then_some(words)
    }

    /// The place of a word in its block.
    #[must_use]
    pub fn place_of(&self, word: &AtomicU64) -> Option<u64> {
        let first = self.all().as_ptr().addr();
        let at = std::ptr::from_ref(word).addr().checked_sub(first)? / size_of::<AtomicU64>();
        (at < WORDS).then_some(at as u64)
    }

    fn find(&'static self, name: &str, how: How, count: usize) -> (&'static [AtomicU64], &'static [AtomicU64]) {
        assert!(count <= MOST);
        let found = self.known().and_then(|mut known| {
            if let Some(at) = known.places.get(name) {
                return Some(*at);
            }
            let at = entries::add(self.all(), name, how, count)?;
            known.places.insert(name.to_owned(), at);
            Some(at)
        });
        match found {
            Some(at) => (&self.all()[at..at + count], &self.before()[at..at + count]),
            None => (&self.spare[..count], &self.spare[..count]),
        }
    }

    /// A copy of the words of the present block that are in use.
    pub fn copy_used(&self) -> Vec<u64> {
        let _guard = self.known();
        let used = &self.all()[..entries::used(self.all())];
        used.iter().map(|word| word.load(Ordering::Relaxed)).collect()
    }

    /// A copy of what is counted in the present block.
    #[must_use]
    pub fn copy(&self) -> Vec<u64> {
        let _guard = self.known();
        self.all().iter().map(|word| word.load(Ordering::Relaxed)).collect()
    }
}

#[cfg(test)]
mod tests;
