//! A block in memory of its own, for what is added to the counts of a process that is gone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{How, WORDS, entries};

#[derive(Debug)]
pub struct Blank {
    words: Box<[AtomicU64]>,
    places: Mutex<HashMap<String, usize>>,
}

impl Default for Blank {
    fn default() -> Self {
        let words: Box<[_]> = std::iter::repeat_with(|| AtomicU64::new(0)).take(WORDS).collect();
        entries::begin(&words);
        Self { words, places: Mutex::default() }
    }
}

impl Blank {
    /// The words of an entry, which is added unless it is there. None if there is no room.
    pub fn place(&self, name: &str, how: How, count: usize) -> Option<&[AtomicU64]> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let at = match places.get(name) {
            Some(at) => *at,
            None => {
                let at = entries::add(&self.words, name, how, count)?;
                places.insert(name.to_owned(), at);
                at
            }
        };
        Some(&self.words[at..at + count])
    }

    #[must_use]
    pub fn copy(&self) -> Vec<u64> {
        self.words.iter().map(|word| word.load(Ordering::Relaxed)).collect()
    }
}
