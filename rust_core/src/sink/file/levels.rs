//! Tells the catalogue the numbers of levels that the program has named: lines have their names alone, and a reader may be another program.

use super::FileSink;
use crate::catalogue::{Change, Look};
use crate::{level, names};

impl FileSink {
    /// To be called with the lock held, after lines were appended.
    pub(super) fn note_levels(&mut self) {
        let names = names::here();
        let generation = names.level_generation();
        if generation == self.levels_told {
            return;
        }
        let is_told = self.target.catalogue.with(|catalogue| {
            // One that is gone is made again from the files, and not from what is known here.
            if matches!(catalogue.look(), Look::Refused | Look::Missing) {
                return false;
            }
            let is_new = |(name, number): &(String, i32)| {
                !level::is_standard_name(name) && catalogue.known().level(name).is_none_or(|known| known < *number)
            };
            let levels: Vec<(String, i32)> = names.named_levels().into_iter().filter(is_new).collect();
            if !levels.is_empty() {
                catalogue.change(vec![Change::Levels(levels)]);
            }
            true
        });
        if is_told != Some(false) {
            self.levels_told = generation;
        }
    }
}
