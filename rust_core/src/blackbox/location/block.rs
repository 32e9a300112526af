//! The counts in a box, as other processes read them.

use std::fs::File;
use std::io;
use std::path::Path;

use super::super::format::{COUNTS, Head, SETTINGS, VERSION, u32_at};
use crate::platform::{self, BoxLock};
use crate::stats::{Block, LENGTH};

/// Most processes count in fewer bytes.
const FIRST: usize = 32 << 10;

/// What a box has of counts.
#[derive(Debug)]
pub struct FoundBlock {
    /// Of the box's file.
    pub name: String,
    /// None if they are damaged, or of another version.
    pub words: Option<Vec<u64>>,
    /// Whether the owner of the box is there.
    pub lives: bool,
}

impl FoundBlock {
    /// None for what is no box, and for a box of a version that has no counts.
    pub(super) fn read(file: &File, path: &Path) -> Option<Self> {
        let mut front = [0; SETTINGS];
        let count = platform::read_at(file, &mut front, 0).ok()?;
        Head::read(&front[..count]).ok()?;
        if u32_at(&front, 8) != Some(VERSION) {
            return None;
        }
        let name = path.file_name()?.to_str()?.to_owned();
        let mut words = read_words(file, FIRST).ok()?;
        // A process counts from the moment at which it begins to write, and not before.
        if words.first().is_none_or(|first| *first == 0) {
            return None;
        }
        let is_whole = |words: &[u64]| Block::of(words).is_some_and(|block| block.is_whole());
        if !is_whole(&words) {
            let used = words.get(1).and_then(|used| usize::try_from(used.saturating_mul(8)).ok());
            // Entries may have been added since.
            words = read_words(file, used.map_or(LENGTH, |used| used.saturating_add(2 * FIRST)).min(LENGTH)).ok()?;
        }
        let words = is_whole(&words).then_some(words);
        Some(Self { name, words, lives: !platform::lock_box(file, BoxLock::Owner).unwrap_or(false) })
    }
}

/// The first bytes of what was counted, as words.
pub(super) fn read_words(file: &File, length: usize) -> io::Result<Vec<u64>> {
    let mut bytes = vec![0; length];
    let count = platform::read_at(file, &mut bytes, COUNTS as u64)?;
    Ok(bytes[..count].as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect())
}
