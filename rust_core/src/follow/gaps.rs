//! Files that were deleted before they were read. What is known of them is told.

use std::collections::{BTreeMap, BTreeSet};

use super::files::FileRef;
use super::remarks::Remarks;
use crate::catalogue::{Entry, Generation, Known};

#[derive(Debug)]
struct Missing {
    name: String,
    generation: Option<Generation>,
    records: Option<u64>,
    bytes: Option<u64>,
}

/// What a reader of one set has missed since it last told.
#[derive(Debug, Default)]
pub struct Gaps {
    missing: BTreeMap<Generation, Missing>,
    /// Files up to this one are not asked for.
    floor: Option<Generation>,
    /// The number of the record after the last one that was read, and the file in which that is.
    expected: Option<(u64, Generation)>,
}

impl Gaps {
    /// A reader begins behind this file.
    pub const fn begin_behind(&mut self, id: Generation) {
        self.floor = Some(id);
    }

    /// Notes what the catalogue says of files that are gone. `last` is the last one that was read.
    pub fn note_entries(&mut self, gone: Vec<Entry>, last: Option<Generation>, done: &BTreeSet<Generation>) {
        let read = last.max(self.floor);
        for entry in gone {
            if Some(entry.generation) > read && !done.contains(&entry.generation) {
                let (generation, closed) = (entry.generation, entry.closed);
                let missing = Missing {
                    name: entry.name,
                    generation: Some(generation),
                    records: closed.and_then(|closed| closed.sequence).map(|(first, next)| next.saturating_sub(first)),
                    bytes: closed.map(|closed| closed.bytes),
                };
                self.missing.insert(generation, missing);
            }
        }
    }

    /// Notes a file that was to be read and is gone.
    pub fn note(&mut self, file: &FileRef) {
        self.missing.entry(file.id).or_insert_with(|| Missing {
            name: file.name.clone(),
            generation: file.generation,
            records: None,
            bytes: None,
        });
    }

    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Notes the number of the record after a file that was read.
    pub fn note_read(&mut self, id: Generation, next: Option<u64>) {
        self.expected = next.map(|next| (next, id));
    }

    /// Tells what was missed. `first` is the number of the record with which reading goes on.
    pub fn tell(&mut self, first: Option<u64>, set: &str, known: &Known, remarks: &mut Remarks) {
        // Where the file is still there that was read last, nothing that came after it is gone.
        let expected = self.expected.take().filter(|(_, id)| known.get(*id).is_none());
        let skipped = expected.and_then(|(next, _)| first?.checked_sub(next)).filter(|skipped| *skipped > 0);
        // One that is there again was renamed by somebody.
        self.missing.retain(|_, missing| missing.generation.is_none_or(|generation| known.get(generation).is_none()));
        let missing: Vec<Missing> = std::mem::take(&mut self.missing).into_values().collect();
        let (Some(first), Some(last)) = (missing.first(), missing.last()) else {
            if let Some(skipped) = skipped {
                remarks.make(format!("{skipped} records of {set} were deleted before they were read"));
            }
            return;
        };
        let sum = |of: fn(&Missing) -> Option<u64>| missing.iter().map(of).sum::<Option<u64>>();
        // Of files that came and went between two looks at the catalogue, the numbers of records alone tell.
        let counted = sum(|one| one.records);
        let lost = match (counted.max(skipped), sum(|one| one.bytes)) {
            (Some(records), _) if counted != skipped => format!(": at least {records} records are missing"),
            (Some(records), _) => format!(": {records} records are missing"),
            (None, Some(bytes)) => format!(": the records in {bytes} bytes are missing"),
            (None, None) => String::new(),
        };
        remarks.make(match (first.generation, last.generation) {
            (Some(generation), _) if missing.len() == 1 => {
                format!("{} (generation {generation}) was deleted before it was read{lost}", first.name)
            }
            (Some(from), Some(to)) => {
                let count = missing.len();
                format!("{count} files of {set} (generations {from} to {to}) were deleted before they were read{lost}")
            }
            _ => {
                let names: Vec<&str> = missing.iter().map(|one| &*one.name).collect();
                format!("{} of {set}: deleted before they were read{lost}", names.join(", "))
            }
        });
    }
}
