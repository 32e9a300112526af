//! The black box: the buffers of records lie in a mapped file, so that accepted records survive the process.
//!
//! A box can be read on its own. It repeats the names that records refer to, and the settings that encoding needs.
//! Before the writer appends to a file, it notes in the box what it appends. So a recovery can decide what was
//! written; see `recovery`. The kernel keeps the pages of a process that is killed. Only a power failure loses them.

mod format;
mod location;
mod note;
mod reader;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use format::{BoxSettings, FILES, Foreign, JournalEntry, RecoveryNote, is_mode, is_spent};
pub use location::{
    Distrust, FoundBlock, Harm, Home, Owner, Ownerless, SeenBox, Wanted, Watch, all, disown_all, home, number_of,
    strays,
};
use note::Note;
pub use reader::{Contents, FoundRecord, counted, read};

use serde::Deserialize;

use crate::clock;
use crate::forks;
use crate::names::{Follower, Names};
use crate::platform::{self, Identity, Mapping, OwnFile};
use crate::slab::{self, Pool};
use crate::stats::Words;

/// The smallest size of a box, since names, settings and counts have a fixed share.
pub const SMALLEST: usize = 2 << 20;
/// Bytes for names whose memory is present before names are noted.
const NAMES_AHEAD: usize = 64 << 10;

/// The part of a box before the slots, with a mapping of its own. It stays mapped while anything is noted in it.
#[derive(Debug)]
pub struct Front {
    memory: Mapping,
    own: location::OwnBox,
    forks: u32,
}

impl Front {
    fn word(&self, offset: usize) -> &AtomicU64 {
        debug_assert!(offset.is_multiple_of(8) && offset + 8 <= self.memory.length());
        // SAFETY: within the mapping, aligned, and only ever used as an atomic once the box is made.
        unsafe { self.memory.start().add(offset).cast().as_ref() }
    }

    fn note(&self, file: usize) -> &Note {
        const { assert!(size_of::<Note>() <= format::JOURNAL && format::JOURNAL.is_multiple_of(align_of::<Note>())) };
        assert!(file < FILES);
        // SAFETY: the journals lie within the mapping, aligned, and are only ever used as atomics once the box is made.
        unsafe { self.memory.start().add(format::journal(file)).cast().as_ref() }
    }

    /// Copies bytes into the front.
    ///
    /// # Safety
    /// Nothing else writes there at the same time, and nothing reads there before it is published.
    unsafe fn put(&self, offset: usize, bytes: &[u8]) {
        assert!(offset + bytes.len() <= self.memory.length());
        // SAFETY: within the mapping; the caller vouches for the rest.
        unsafe { self.memory.start().add(offset).copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) };
    }

    fn is_anothers(&self) -> bool {
        forks::is_anothers(self.forks)
    }
}

impl Follower for Front {
    fn append(&self, entry: &[u8]) {
        if self.is_anothers() {
            return;
        }
        let length = self.word(format::NAMES_LENGTH);
        let end = length.load(Ordering::Relaxed) as usize;
        // SAFETY: entries come one at a time, under the lock of the list of names; the length tells readers of them afterwards.
        unsafe { self.put(format::NAMES + end, entry) };
        length.store((end + entry.len()) as u64, Ordering::Release);
    }
}

/// A box of this process.
#[derive(Debug)]
pub struct BlackBox {
    front: Arc<Front>,
    follower: Arc<dyn Follower>,
    names: Arc<Names>,
}

/// The result of making a box.
#[derive(Debug)]
pub struct Made {
    pub black_box: Option<BlackBox>,
    /// The pool, in the box if there is one, otherwise in memory of this process. `None` if there was no memory.
    pub pool: Option<Pool>,
    /// Why a better location could not be used, one text for each location.
    pub refused: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    #[serde(rename = "place")]
    pub location: Wanted,
    /// Bytes of the box, or of the pool if there is no box.
    pub bytes: usize,
    /// What processes that write to the same standard streams have in common, where there is no log directory.
    #[serde(default)]
    pub service: String,
}

/// Makes a box at the best location for its home. `box_settings` go into it.
#[must_use]
pub fn make(settings: &Settings, home: &Home, box_settings: &BoxSettings, names: &Arc<Names>) -> Made {
    platform::notice_forks();
    let mut refused = Vec::new();
    let choices = location::choices(home, settings.location);
    if choices.is_empty() && settings.location == Wanted::SharedMemory {
        refused.push("this system has no shared memory".to_owned());
    }
    for location in choices {
        match make_at(&location, settings.bytes, home, box_settings, names) {
            Ok((black_box, pool)) => return Made { black_box: Some(black_box), pool: Some(pool), refused },
            Err(error) => refused.push(format!("{}: {error}", location.directory.display())),
        }
    }
    Made { black_box: None, pool: Pool::anonymous(settings.bytes), refused }
}

fn make_at(
    location: &location::Location,
    bytes: usize,
    home: &Home,
    box_settings: &BoxSettings,
    names: &Arc<Names>,
) -> std::io::Result<(BlackBox, Pool)> {
    let size = bytes.max(SMALLEST).next_multiple_of(1 << 16);
    let making = location.begin(size as u64)?;
    let mapped = Mapping::shared(&making.file, 0, format::COUNTS)
        .and_then(|front| Ok((front, Mapping::shared(&making.file, format::SLOTS, size - format::SLOTS)?)));
    let (memory, slots) = match mapped {
        Ok(mapped) => mapped,
        Err(error) => return Err(making.abandon(error)),
    };
    let Some(box_settings) = box_settings.to_bytes() else {
        return Err(making.abandon(std::io::Error::other("its settings are too long for a black box")));
    };
    memory.populate(0, format::NAMES + NAMES_AHEAD);
    let areas = slab::areas(0, size - format::SLOTS);
    let head = format::Head {
        size: size as u64,
        process: platform::process_id(),
        started: clock::now(),
        areas: areas.map(|area| slab::Area { offset: area.offset + format::SLOTS, ..area }),
    };
    let Some(pool) = Pool::new(slots, areas) else {
        return Err(making.abandon(std::io::Error::other("too many pools wait for their last record")));
    };
    if let Err(error) = write_front(&making.file, &head, &box_settings) {
        return Err(making.abandon(error));
    }
    let front = Arc::new(Front { memory, own: making.finish(home.directory())?, forks: forks::count() });
    let follower: Arc<dyn Follower> = front.clone();
    let black_box = BlackBox { front, follower: Arc::clone(&follower), names: Arc::clone(names) };
    if names.follow(follower) {
        Ok((black_box, pool))
    } else {
        black_box.remove(Some(&pool));
        Err(std::io::ErrorKind::WouldBlock.into())
    }
}

/// Writes head and settings through the file, which no other process reads before it has its name.
fn write_front(file: &File, head: &format::Head, box_settings: &[u8]) -> std::io::Result<()> {
    platform::write_at(file, &head.to_bytes(), 0)?;
    platform::write_at(file, box_settings, format::SETTINGS as u64)
}

impl BlackBox {
    #[must_use]
    pub fn journal(&self, file: usize) -> Journal {
        Journal::Mapped { front: Arc::clone(&self.front), file }
    }

    /// Has the process count in this box from now on, where other processes read it.
    ///
    /// # Errors
    /// When the box cannot be opened or mapped.
    pub fn take_counts(&self, words: &Words) -> std::io::Result<()> {
        if self.front.is_anothers() {
            return Ok(());
        }
        // Not by the descriptor of the lock, which a mapping would keep held.
        let file = self.front.own.open()?;
        words.move_into(&file, format::COUNTS).map(drop)
    }

    /// Has the process count in its own memory again, and returns the name of the box and what was counted in it. `None` for the box of
    /// another process, and for one that cannot be read any more.
    #[must_use]
    pub fn give_counts(&self, words: &Words) -> Option<(String, Vec<u64>)> {
        if self.front.is_anothers() {
            return None;
        }
        let counted = match words.move_out_of(self.front.own.identity()).ok()? {
            Some(left) => left.copy(),
            // The process counts elsewhere by now.
            None => self.front.own.counted().ok()?,
        };
        Some((self.path().file_name()?.to_str()?.to_owned(), counted))
    }

    /// Removes the box, whose records are all written. A process that has changed its user may be unable to. It then
    /// marks the box as spent and cuts it behind the mark. `pool` is the pool in the box.
    pub fn remove(&self, pool: Option<&Pool>) {
        if self.front.is_anothers() || self.front.own.remove() {
            return;
        }
        // A store into a part that was cut would end the process.
        let is_left_alone = self.names.unfollow(&self.follower) && pool.is_none_or(Pool::close);
        self.front.own.spend(is_left_alone);
    }

    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.front.own.path()
    }

    #[must_use]
    pub fn is_in_shared_memory(&self) -> bool {
        self.front.own.is_in_shared_memory()
    }

    /// The watch on the box, which notices harm to it.
    #[must_use]
    pub fn watch(&self) -> Arc<Watch> {
        self.front.own.watch()
    }
}

impl Drop for BlackBox {
    fn drop(&mut self) {
        self.names.unfollow(&self.follower);
    }
}

/// The journal of one file: appends are noted before and after.
#[derive(Clone, Debug)]
pub enum Journal {
    /// There is no box, so nothing is noted.
    Off,
    /// In this process's box.
    Mapped { front: Arc<Front>, file: usize },
    /// In a dead process's box, which is being recovered.
    InFile { file: Arc<OwnFile>, index: usize },
}

impl Journal {
    /// Notes that records up to the position `upto` are about to be appended to a file of `offset` bytes.
    ///
    /// # Errors
    /// When a box that is being recovered cannot be written: then nothing may be appended.
    pub fn intend(&self, identity: Identity, offset: u64, upto: u64) -> std::io::Result<()> {
        self.intend_in(identity, 0, offset, upto, 0)
    }

    /// The same of a file whose generation is known: it is found by that after it was renamed, copied or packed. 0 stands for none. `lines`
    /// are those that were written to files of its name before.
    ///
    /// # Errors
    /// As `intend`.
    pub fn intend_in(
        &self,
        identity: Identity,
        generation: u64,
        offset: u64,
        upto: u64,
        lines: u64,
    ) -> std::io::Result<()> {
        // Boxes of earlier versions have no generation, and a zero in its place.
        let words = [identity.device, identity.inode, offset, generation];
        match self {
            Self::Off => Ok(()),
            Self::Mapped { front, .. } if front.is_anothers() => Ok(()),
            Self::Mapped { front, file } => {
                front.note(*file).intend(words, lines, upto);
                Ok(())
            }
            Self::InFile { file, index } => {
                let start = format::journal(*index) as u64;
                file.write_at(&0_u64.to_le_bytes(), start + 8)?;
                let words: Vec<u8> = words.into_iter().chain([lines]).flat_map(u64::to_le_bytes).collect();
                file.write_at(&words, start + 16)?;
                file.write_at(&upto.to_le_bytes(), start + 8)
            }
        }
    }

    /// Notes that every record up to the position `upto` that belongs into the file is there, and how many lines were written in all. A process
    /// that lives has counted these itself.
    ///
    /// # Errors
    /// When a box that is being recovered cannot be written.
    pub fn passed(&self, upto: u64, lines: u64) -> std::io::Result<()> {
        match self {
            Self::Off => Ok(()),
            Self::Mapped { front, .. } if front.is_anothers() => Ok(()),
            Self::Mapped { front, file } => {
                front.note(*file).pass(upto);
                Ok(())
            }
            Self::InFile { file, index } => {
                // In one write: a recovery that dies leaves both or none.
                let mut note = [0; 56];
                let start = format::journal(*index) as u64;
                platform::read_at(file, &mut note, start)?;
                note[..8].copy_from_slice(&upto.to_le_bytes());
                note[48..].copy_from_slice(&lines.to_le_bytes());
                file.write_at(&note, start)
            }
        }
    }

    /// Notes how many lines were written to files of this name before a recovery writes any.
    ///
    /// # Errors
    /// When the box cannot be written.
    pub fn begin_with(&self, lines: u64) -> std::io::Result<()> {
        match self {
            Self::InFile { file, index } => file.write_at(&lines.to_le_bytes(), format::journal(*index) as u64 + 48),
            Self::Off | Self::Mapped { .. } => Ok(()),
        }
    }
}

/// Where another process had begun to append to a file that now has `size` bytes, and did not finish. The caller holds
/// the log directory's lock, so no living process is appending.
#[must_use]
pub fn appended_from(log_directory: &Path, file: Identity, size: u64) -> Option<u64> {
    let mut from = None;
    for location in location::all(log_directory) {
        location.each_front(format::SETTINGS, |front| {
            let entries = (0..FILES).filter_map(|index| JournalEntry::read(front, index));
            let under_way =
                entries.filter(|entry| entry.upto > entry.passed && entry.identity() == file && entry.offset < size);
            if format::Head::read(front).is_ok() {
                from = under_way.map(|entry| entry.offset).chain(from).max();
            }
        });
    }
    from
}

impl RecoveryNote {
    /// Notes this in a box.
    ///
    /// # Errors
    /// When the box cannot be written.
    pub fn write(self, file: &OwnFile) -> std::io::Result<()> {
        file.write_at(&self.to_bytes(), format::RECOVERY as u64)
    }
}
