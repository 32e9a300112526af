//! How far the writer has counted, so that a recovery counts each record once.
//!
//! Before the words of a record change, their values are noted. A process that dies in between leaves a note of a position that it has not
//! passed, and the recovery puts these values back.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use super::Place;
use crate::stats::{self, How};

/// The name of the entry.
const NAME: &str = "record_metrics";
/// Words that can be noted. A record of more metrics than that notes the first of them.
const MOST: usize = 126;
/// The position up to which all is counted, that of the note, and how many words are noted. Then a place and a value of each.
const NOTE: usize = 3;
const WORDS: usize = NOTE + 2 * MOST;

#[derive(Debug)]
pub struct Progress<'w>(Option<&'w [AtomicU64]>);

impl<'w> Progress<'w> {
    /// Positions begin anew with each pipeline.
    pub fn begin(place: &impl Place<'w>) -> Self {
        let words = place.place(NAME, How::Position, WORDS);
        if let Some(words) = words {
            words[1].store(0, Ordering::Release);
            words[0].store(0, Ordering::Release);
        }
        Self(words)
    }

    /// Notes what words are before they change for the record of this position.
    pub fn note(&self, position: u64, changing: impl Iterator<Item = (u64, u64)>) {
        let Some(words) = self.0 else { return };
        let mut count = 0;
        for (pair, (at, value)) in words[NOTE..].chunks_exact(2).zip(changing) {
            pair[0].store(at, Ordering::Relaxed);
            pair[1].store(value, Ordering::Relaxed);
            count += 1;
        }
        words[2].store(count, Ordering::Relaxed);
        words[1].store(position, Ordering::Release);
        // Before any of the words changes.
        fence(Ordering::Release);
    }

    /// The record of this position is counted.
    pub fn pass(&self, position: u64) {
        if let Some(words) = self.0 {
            words[0].store(position, Ordering::Release);
        }
    }
}

/// Up to which position the records of a box are counted.
#[must_use]
pub fn upto(words: &[u64]) -> u64 {
    stats::value_in(words, NAME).unwrap_or(0)
}

/// Puts words back that a process was changing when it died.
pub fn undo(words: &mut [u64]) {
    let found = stats::Block::of(words).and_then(|block| block.entries().find(|entry| entry.name == NAME));
    let Some(note) = found.filter(|entry| entry.values.len() == WORDS).map(|entry| entry.values.to_vec()) else {
        return;
    };
    if note[1] <= note[0] {
        return;
    }
    let count = usize::try_from(note[2]).unwrap_or(0).min(MOST);
    for pair in note[NOTE..].chunks_exact(2).take(count) {
        if let Some(word) = usize::try_from(pair[0]).ok().and_then(|at| words.get_mut(at)) {
            *word = pair[1];
        }
    }
}
