//! Where the words lie: in memory of the process, or in a black box.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use super::count::Moving;
use super::entries::{self, Block, How};
use super::observed;
use super::{LENGTH, WORDS, Words, tally};
use crate::platform::{self, Identity, Mapping};

/// The words of a block that was left, as they were last.
#[derive(Debug)]
pub struct Left(Mapping);

impl Left {
    fn all(&self) -> &[AtomicU64] {
        debug_assert!(self.0.length() >= LENGTH);
        // SAFETY: as many words are mapped while this lives, aligned to a page, and only ever used as atomics.
        unsafe { std::slice::from_raw_parts(self.0.start().as_ptr().cast(), WORDS) }
    }

    /// A copy, for whoever adds it to what is kept.
    #[must_use]
    pub fn copy(&self) -> Vec<u64> {
        self.all().iter().map(|word| word.load(Ordering::Relaxed)).collect()
    }
}

impl Words {
    /// Counts on in a file, whose bytes from `offset` on are zeros. What was counted in memory is taken along. What was counted in another
    /// file stays there. Nothing that is counted meanwhile is lost.
    ///
    /// # Errors
    /// When the file cannot be mapped. Then nothing has changed.
    pub fn move_into(&self, file: &File, offset: usize) -> io::Result<Left> {
        let mut known = self.known().ok_or(io::ErrorKind::WouldBlock)?;
        let there = Mapping::shared(file, offset, LENGTH)?;
        // SAFETY: as in `Left::all`. Other processes read it, and none counts in it.
        let new: &[AtomicU64] = unsafe { std::slice::from_raw_parts(there.start().as_ptr().cast(), WORDS) };
        let left = self.change(new, known.file.is_none(), || self.region.lead_to(file, offset))?;
        known.file = Some(platform::identity(file)?);
        Ok(left)
    }

    /// Counts on in memory of the process, if it counts in this file. Returns what was counted there.
    ///
    /// # Errors
    /// When the system has none. Then nothing has changed.
    pub fn move_out_of(&self, file: Identity) -> io::Result<Option<Left>> {
        let mut known = self.known().ok_or(io::ErrorKind::WouldBlock)?;
        if known.file != Some(file) {
            return Ok(None);
        }
        let names = Mapping::anonymous(LENGTH)?;
        // SAFETY: as in `Left::all`.
        let new: &[AtomicU64] = unsafe { std::slice::from_raw_parts(names.start().as_ptr().cast(), WORDS) };
        put_names(self.all(), new);
        let _moving = Moving::begin();
        let left = Left(self.region.lead_to_memory()?);
        known.file = None;
        // The names are there at once as far as this process reads them: it has their places.
        for (word, name) in self.all().iter().zip(new).filter(|(_, name)| name.load(Ordering::Relaxed) > 0) {
            word.store(name.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        self.account(&left, None);
        Ok(Some(left))
    }

    /// Puts back what a copy has, where the file was cut and has zeros again. Otherwise nothing changes.
    pub fn put_back(&self, copy: &[u64]) {
        let _guard = self.known();
        if self.all()[0].load(Ordering::Relaxed) != 0 {
            return;
        }
        // Others may have counted since.
        for (word, value) in self.all().iter().zip(copy).filter(|(_, value)| **value > 0) {
            word.fetch_add(*value, Ordering::Relaxed);
        }
    }

    /// Begins anew in memory of the process, in a forked child: the words so far are its parent's.
    pub fn begin_anew(&self) {
        if let Some(mut known) = self.known() {
            known.file = None;
        }
        // The lock may have been held by a thread that exists only in the parent, and no other thread is here.
        let _moving = Moving::begin_alone();
        let Ok(left) = self.region.lead_to_memory().map(Left) else { return };
        put_names(left.all(), self.all());
        places(self.all()).for_each(|at| self.before()[at].store(0, Ordering::Relaxed));
    }

    fn change(
        &self,
        new: &[AtomicU64],
        takes_along: bool,
        lead: impl FnOnce() -> io::Result<Mapping>,
    ) -> io::Result<Left> {
        put_names(self.all(), new);
        let mut taken = Vec::new();
        if takes_along {
            for at in places(self.all()) {
                let value = self.all()[at].load(Ordering::Relaxed);
                new[at].store(value, Ordering::Relaxed);
                taken.push(value);
            }
        }
        let _moving = Moving::begin();
        let left = Left(lead()?);
        self.account(&left, takes_along.then_some(&taken));
        Ok(left)
    }

    /// Accounts for what was counted in the words that are left: since it was taken along, or all of it.
    fn account(&self, left: &Left, taken: Option<&[u64]>) {
        let now = self.all();
        let mut taken = taken.map(|taken| taken.iter());
        for entry in Block::of(left.all()).iter().flat_map(Block::entries) {
            let end = entry.at + entry.values.len();
            if entry.how == How::Observed {
                let last: Vec<u64> = entry.values.iter().map(|word| word.load(Ordering::Relaxed)).collect();
                let before = taken.as_mut().map(|taken| taken.by_ref().take(last.len()).copied().collect::<Vec<_>>());
                let before = before.filter(|before| before.len() == last.len());
                let here = (&now[entry.at..end], &self.before()[entry.at..end]);
                observed::account(&entry.name, &last, before.as_deref(), here.0, here.1);
                continue;
            }
            if entry.how == How::ByLevel && taken.is_none() {
                // The records are of that box alone. What they told of is counted on.
                let values: Vec<u64> = entry.values.iter().map(|word| word.load(Ordering::Relaxed)).collect();
                self.before()[entry.at].fetch_add(tally::told_by(&values), Ordering::Relaxed);
                continue;
            }
            for (at, word) in (entry.at..).zip(entry.values) {
                let last = word.load(Ordering::Relaxed);
                match (&mut taken, entry.how) {
                    (Some(taken), How::Sum | How::Now | How::ByLevel | How::Observed | How::LeftOut) => {
                        let before = taken.next().copied().unwrap_or_default();
                        now[at].fetch_add(last.wrapping_sub(before), Ordering::Relaxed);
                    }
                    (Some(taken), How::Most | How::MostNow | How::Described | How::Position) => {
                        taken.next();
                        now[at].fetch_max(last, Ordering::Relaxed);
                    }
                    (None, How::Sum | How::LeftOut) => {
                        self.before()[at].fetch_add(last, Ordering::Relaxed);
                    }
                    // It is of the records in that box alone.
                    (None, How::ByLevel | How::Position | How::Observed) => {}
                    (None, How::Now) => {
                        now[at].fetch_add(last, Ordering::Relaxed);
                    }
                    (None, How::Most | How::MostNow | How::Described) => {
                        now[at].fetch_max(last, Ordering::Relaxed);
                    }
                }
            }
        }
    }
}

/// The places of all values of a block.
fn places(words: &[AtomicU64]) -> impl Iterator<Item = usize> {
    let entries = Block::of(words).map(|block| block.entries());
    entries.into_iter().flatten().flat_map(|entry| entry.at..entry.at + entry.values.len())
}

/// Makes a block of zeros with the same entries in the same places.
fn put_names(from: &[AtomicU64], new: &[AtomicU64]) {
    entries::begin(new);
    for entry in Block::of(from).iter().flat_map(Block::entries) {
        entries::add(new, &entry.name, entry.how, entry.values.len());
    }
}
