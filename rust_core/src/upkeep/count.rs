//! Gives the records of a set their numbers, file by file. Where a file is not counted yet, those after it are not either: its records would get
//! numbers that others have.

use std::collections::BTreeMap;

use super::read_index;
use super::round::Round;
use crate::archive::Index;
use crate::catalogue::{Change, Closed, Generation, Known, Look};

impl Round<'_> {
    /// The number of the first record of a file. `None` if a file before it is not counted.
    pub(super) fn first_of(&self, set: &str, generation: Generation) -> Option<u64> {
        let known = self.catalogue.known();
        let sequence = known.get(generation)?.closed?.sequence;
        let is_next = || uncounted(known, set).next().is_some_and(|(next, _)| next == generation);
        sequence.map(|(first, _)| first).or_else(|| is_next().then(|| known.counted(set)))
    }

    /// Whether the records of a file have numbers.
    pub(super) fn is_counted(&self, generation: Generation) -> bool {
        let closed = self.catalogue.known().get(generation).and_then(|entry| entry.closed);
        closed.is_some_and(|closed| closed.sequence.is_some())
    }

    /// Notes the numbers of all records up to the first file of which it is not known how many it has. The index of a file tells, or `told` for
    /// a file that has none.
    pub(super) fn count(&mut self, set: &str, told: Option<(Generation, u64)>) {
        let mut lines = BTreeMap::new();
        for (generation, _) in uncounted(self.catalogue.known(), set) {
            let told = told.filter(|(told, _)| *told == generation).map(|(_, lines)| lines);
            let Some(count) = told.or_else(|| lines_in(self.directory, generation)) else { break };
            lines.insert(generation, count);
        }
        if lines.is_empty() {
            return;
        }
        let Self { lock, lock_patience, catalogue, .. } = self;
        lock.hold(*lock_patience, |held| {
            if !held.is_alone() || catalogue.look() == Look::Refused {
                return;
            }
            let known = catalogue.known();
            let mut next = known.counted(set);
            let mut changes = Vec::new();
            for (generation, closed) in uncounted(known, set) {
                let Some(lines) = lines.get(&generation) else { break };
                let first = next;
                next = next.saturating_add(*lines);
                changes.push(Change::Closed(generation, Closed { sequence: Some((first, next)), ..closed }));
            }
            if !changes.is_empty() {
                changes.push(Change::Counted(set.to_owned(), next));
                catalogue.change(changes);
            }
        });
    }
}

/// The files whose records have no numbers, the oldest first.
fn uncounted<'k>(known: &'k Known, set: &'k str) -> impl Iterator<Item = (Generation, Closed)> + 'k {
    let of_entry = |entry: &crate::catalogue::Entry| Some((entry.generation, entry.closed?));
    known.of_set(set).filter_map(of_entry).filter(|(_, closed)| closed.sequence.is_none())
}

/// How many lines the index of a file tells of.
fn lines_in(directory: &std::path::Path, generation: Generation) -> Option<u64> {
    let index = Index::read(&read_index(directory, generation).ok()?).ok()?;
    (index.header().generation == generation).then(|| index.header().lines)
}
