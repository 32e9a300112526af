//! What one round leaves for the next.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use crate::catalogue::Generation;

/// How long a file is left alone that could not be packed or indexed; twice as long after each further time.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// Files that could not be packed or indexed, and indices that were found whole.
#[derive(Debug, Default)]
pub struct Patience {
    refused: BTreeMap<Generation, (Instant, Duration)>,
    whole: BTreeMap<Generation, (u64, Option<SystemTime>)>,
}

impl Patience {
    /// Whether a file may be tried.
    pub(super) fn is_due(&self, generation: Generation) -> bool {
        self.refused.get(&generation).is_none_or(|(at, _)| Instant::now() >= *at)
    }

    /// Notes that a file could not be packed or indexed.
    pub(super) fn refuse(&mut self, generation: Generation) {
        let pause = self.refused.get(&generation).map_or(FIRST_PAUSE, |(_, pause)| (*pause * 2).min(LONGEST_PAUSE));
        self.refused.insert(generation, (Instant::now() + pause, pause));
    }

    /// Notes that a file could be packed or indexed.
    pub(super) fn done(&mut self, generation: Generation) {
        self.refused.remove(&generation);
    }

    /// Whether an index was found whole, and was not written since.
    pub(super) fn is_whole(&self, generation: Generation, state: (u64, Option<SystemTime>)) -> bool {
        self.whole.get(&generation) == Some(&state)
    }

    pub(super) fn note_whole(&mut self, generation: Generation, state: (u64, Option<SystemTime>)) {
        self.whole.insert(generation, state);
    }

    /// Forgets the files that are gone.
    pub(super) fn keep_only(&mut self, is_known: impl Fn(Generation) -> bool) {
        self.refused.retain(|generation, _| is_known(*generation));
        self.whole.retain(|generation, _| is_known(*generation));
    }

    /// As if every pause were over.
    #[cfg(test)]
    pub(super) fn pass(&mut self) {
        for (at, _) in self.refused.values_mut() {
            *at = Instant::now();
        }
    }
}
