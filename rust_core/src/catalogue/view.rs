//! The catalogue for readers: they take no lock, and change nothing in the directory.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::entry::Entry;
use super::known::Known;
use super::lines::{self, Change, Unreadable};
use super::{Look, NAME, open};
use crate::platform;

/// Bytes that are read at once.
const PIECE: usize = 1 << 20;
/// So many files that are gone are remembered for those who ask.
const MOST_GONE: usize = 4_096;

/// Why nothing can be learned of a catalogue.
#[derive(Debug)]
pub enum Unseen {
    /// It cannot be opened or read.
    Refused(io::Error),
    Damaged,
    /// A later version of this library keeps it.
    Newer,
}

/// The catalogue of a directory as a reader sees it.
#[derive(Debug)]
pub struct View {
    home: PathBuf,
    known: Known,
    /// What was read, and how much of it. It stays open: as long as it is, no other file gets its number.
    seen: Option<(File, u64)>,
    /// How often it was read from its beginning.
    readings: u64,
    /// Files that are gone since the first look, as they were known last.
    gone: Vec<Entry>,
}

impl View {
    /// That of a log directory. Nothing is read before `look`.
    #[must_use]
    pub fn of(log_directory: &Path) -> Self {
        let home = crate::blackbox::home(log_directory);
        Self { home, known: Known::default(), seen: None, readings: 0, gone: Vec::new() }
    }

    #[must_use]
    pub const fn known(&self) -> &Known {
        &self.known
    }

    /// How often it was read from its beginning: it is another one each time.
    #[must_use]
    pub const fn readings(&self) -> u64 {
        self.readings
    }

    /// Files of a set that are gone since this was asked last, or since the first look.
    pub fn take_gone(&mut self, set: &str) -> Vec<Entry> {
        self.gone.extract_if(.., |entry| entry.set == set).collect()
    }

    fn note_gone(&mut self, entry: Entry) {
        if self.gone.len() >= MOST_GONE {
            self.gone.remove(0);
        }
        self.gone.push(entry);
    }

    /// Reads what was written since the last look.
    ///
    /// # Errors
    /// When it is there and tells nothing. What is known stays.
    pub fn look(&mut self) -> Result<Look, Unseen> {
        let there = match platform::identity_at(&self.home.join(NAME)) {
            Ok(identity) => identity,
            Err(error) if platform::is_missing(&error) => {
                self.seen = None;
                return Ok(Look::Missing);
            }
            Err(error) => return Err(Unseen::Refused(error)),
        };
        if self.seen.as_ref().is_none_or(|(file, _)| !platform::identity(file).is_ok_and(|seen| seen == there)) {
            match open::open(&self.home, NAME) {
                Ok(Some((file, _))) => self.seen = Some((file, 0)),
                Ok(None) => return Err(Unseen::Damaged),
                Err(error) if platform::is_missing(&error) => return Ok(Look::Missing),
                Err(error) => return Err(Unseen::Refused(error)),
            }
        }
        match self.read_on() {
            Err(error) => {
                // From its beginning, the next time.
                self.seen = None;
                Err(error)
            }
            look => look,
        }
    }

    fn read_on(&mut self) -> Result<Look, Unseen> {
        let Some((file, from)) = &mut self.seen else { return Ok(Look::Missing) };
        let mut text = Vec::new();
        loop {
            let before = text.len();
            text.resize(before + PIECE, 0);
            let count = platform::read_at(file, &mut text[before..], *from + before as u64).map_err(Unseen::Refused)?;
            text.truncate(before + count);
            if count < PIECE {
                break;
            }
            if text.len() as u64 > open::LONGEST {
                return Err(Unseen::Damaged);
            }
        }
        let (changes, whole) = lines::read(&text).map_err(|error| match error {
            Unreadable::Damaged => Unseen::Damaged,
            Unreadable::Newer => Unseen::Newer,
        })?;
        let is_first = *from == 0 && self.readings == 0;
        let mut before = None;
        if *from == 0 {
            if whole == 0 {
                return Ok(Look::Missing);
            }
            before = Some(std::mem::take(&mut self.known));
            self.readings += 1;
        }
        *from += whole as u64;
        let is_new = !changes.is_empty();
        for change in changes {
            if let Change::Gone(generation) = change
                && !is_first
                && let Some(entry) = self.known.get(generation).cloned()
            {
                self.note_gone(entry);
            }
            self.known.apply([change]);
        }
        // It was written anew, without what was gone before.
        for entry in before.iter().flat_map(Known::files) {
            if self.known.get(entry.generation).is_none()
                && !self.gone.iter().any(|gone| gone.generation == entry.generation)
            {
                self.note_gone(entry.clone());
            }
        }
        Ok(if is_new { Look::Changed } else { Look::Same })
    }
}
