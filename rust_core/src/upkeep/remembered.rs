//! What a process remembers from one round to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime};

use crate::archive::{Alike, Begun};
use crate::catalogue::{Catalogue, Generation};

/// How long a file is left alone that could not be packed or indexed; twice as long after each further time.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// A set of which nothing has changed is looked at anew after this time, because a file may be readable by now.
const LOOKED: Duration = Duration::from_secs(600);

/// The catalogue as it was read, work that was broken off, files that could not be packed or indexed, indices that were found whole, and what was told.
#[derive(Debug, Default)]
pub struct Remembered {
    refused: BTreeMap<Generation, (Instant, Duration)>,
    whole: BTreeMap<Generation, (u64, Option<SystemTime>)>,
    /// Files that another program has packed as a whole, and that can have no index.
    whole_packed: BTreeSet<Generation>,
    /// What is known of the files by now: a round reads what was written since.
    pub(super) catalogue: Option<Catalogue>,
    /// The file that the last round was packing when it was broken off.
    pub(super) begun: Option<Box<Begun>>,
    /// How far the last round had compared a file with its packed file when it was broken off.
    pub(super) alike: Option<Alike>,
    /// The originals that stay beside a packed file, and were told of.
    told: BTreeSet<String>,
    /// Whether it was told that the disk does not say how full it is.
    has_told_of_disk: bool,
    /// By set: what it was when it was last looked at anew.
    looked: BTreeMap<String, (Instant, Names, Names)>,
}

/// Names with the numbers of the file system.
pub(super) type Names = BTreeMap<String, u64>;

impl Remembered {
    /// Whether a file may be tried.
    pub(super) fn is_due(&self, generation: Generation) -> bool {
        self.refused.get(&generation).is_none_or(|(at, _)| Instant::now() >= *at)
    }

    /// Gives up a file that is packed in part.
    pub fn give_up(&mut self) {
        self.begun = None;
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

    /// Whether it is to be told that an original stays beside a packed file: once.
    pub(super) fn tells(&mut self, name: &str) -> bool {
        self.told.insert(name.to_owned())
    }

    /// Forgets the originals that are gone, of which was told.
    pub(super) fn keep_told(&mut self, is_there: impl Fn(&str) -> bool) {
        self.told.retain(|name| is_there(name));
    }

    /// Whether it is to be told that the disk does not say how full it is: once, until it does.
    pub(super) fn tells_of_disk(&mut self, is_refused: bool) -> bool {
        is_refused & !std::mem::replace(&mut self.has_told_of_disk, is_refused)
    }

    /// Whether a set was looked at anew when it had these names and was expected to have those. There are names of which nothing is ever noted, such as
    /// that of a copy which somebody has packed.
    pub(super) fn has_looked(&self, set: &str, names: &Names, expected: &Names) -> bool {
        let is_same =
            |(at, seen, known): &(Instant, Names, Names)| at.elapsed() < LOOKED && seen == names && known == expected;
        self.looked.get(set).is_some_and(is_same)
    }

    pub(super) fn note_look(&mut self, set: &str, names: Names, expected: Names) {
        self.looked.insert(set.to_owned(), (Instant::now(), names, expected));
    }

    /// Has a set looked at anew though its names are the same.
    pub(super) fn forget_look(&mut self, set: &str) {
        self.looked.remove(set);
    }

    /// Whether another program has packed a file as a whole.
    pub(super) fn is_whole_packed(&self, generation: Generation) -> bool {
        self.whole_packed.contains(&generation)
    }

    pub(super) fn note_whole_packed(&mut self, generation: Generation) {
        self.whole_packed.insert(generation);
    }

    /// Forgets the files that are gone.
    pub(super) fn keep_only(&mut self, is_known: impl Fn(Generation) -> bool) {
        self.refused.retain(|generation, _| is_known(*generation));
        self.whole_packed.retain(|generation| is_known(*generation));
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
