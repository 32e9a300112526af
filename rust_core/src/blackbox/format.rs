//! The bytes of a black box. Numbers are little-endian where they are read by others, and eight bytes wide where they change.
//!
//! | bytes from | what |
//! | ---: | --- |
//! | 0 | magic, version, sizes, owner, areas of slots; checked |
//! | 192 | length of the list of names; what a recovery has noted |
//! | 256 | the journal of each file, 64 bytes each |
//! | 4,096 | settings that redaction, encoding and routing need, as JSON; checked |
//! | 32,768 | the list of names |
//! | 1,048,576 | what the process has counted; see `stats` |
//! | 1,572,864 | slots of each size; a word for each chunk of units, of the units at which records begin; the chunks |

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::checksum;
use crate::platform;
use crate::redaction::Spec;
use crate::slab::{Area, KINDS};
use crate::stats;

pub const MAGIC: [u8; 8] = *b"ULBOX\r\n\0";
/// Stands where the magic was, once the owner has ended in order. The owner has changed its user, and may not remove
/// the box.
pub const SPENT: [u8; 8] = *b"ULSPENT\0";
/// Changes with the meaning of the bytes: with this layout, the layout of records, and the layout of the list of names.
pub const VERSION: u32 = 7;
/// Earlier formats, which are read as well. The first has another layout of exceptions, and their first byte tells. Both have slots in the
/// place of counts, and the head says where these are.
const EARLIER: [u32; 2] = [5, 6];
/// Files that a journal is kept for.
pub const FILES: usize = (SETTINGS - JOURNALS) / JOURNAL;

pub const FIXED: usize = 128;
const CHECK: usize = FIXED;
pub const NAMES_LENGTH: usize = 192;
/// What the first recovery noted.
pub const RECOVERY: usize = 200;
const JOURNALS: usize = 256;
pub const JOURNAL: usize = 64;
pub const SETTINGS: usize = 4_096;
pub const NAMES: usize = 32_768;
pub const COUNTS: usize = 1 << 20;
pub const SLOTS: usize = COUNTS + stats::LENGTH;

/// No process writes as many records. A larger number is damaged.
pub const LAST_POSITION: u64 = 1 << 62;

/// Whether the owner of a box ended in order, so that the box holds no records.
#[must_use]
pub fn is_spent(bytes: &[u8]) -> bool {
    bytes.starts_with(&SPENT)
}

/// Where the words of one journal are.
#[must_use]
pub const fn journal(file: usize) -> usize {
    JOURNALS + file * JOURNAL
}

/// The part of a box that does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub size: u64,
    pub process: u32,
    /// When the owner began, nanoseconds since the epoch.
    pub started: i64,
    pub areas: [Area; KINDS],
}

/// Why bytes are no black box that this version can read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Foreign {
    #[error("it is not a black box")]
    Magic,
    #[error("it is of format {0}, this is format {VERSION}")]
    Version(u32),
    #[error("its {0} is damaged")]
    Damaged(&'static str),
    #[error("what it says of redaction cannot be followed: {0}")]
    Redaction(String),
}

impl Head {
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.process.to_le_bytes());
        bytes.extend_from_slice(&self.size.to_le_bytes());
        bytes.extend_from_slice(&self.started.to_le_bytes());
        for area in self.areas {
            bytes.extend_from_slice(&(area.offset as u64).to_le_bytes());
            bytes.extend_from_slice(&u64::from(area.count).to_le_bytes());
        }
        bytes.resize(FIXED, 0);
        let check = checksum::of(&bytes);
        bytes.extend_from_slice(&check.to_le_bytes());
        bytes
    }

    /// Reads and checks the part that does not change.
    ///
    /// # Errors
    /// When the bytes are of another format, or damaged.
    pub fn read(bytes: &[u8]) -> Result<Self, Foreign> {
        const DAMAGED: Foreign = Foreign::Damaged("head");
        if bytes.first_chunk() != Some(&MAGIC) {
            return Err(Foreign::Magic);
        }
        let version = u32_at(bytes, 8).ok_or(DAMAGED)?;
        if version != VERSION && !EARLIER.contains(&version) {
            return Err(Foreign::Version(version));
        }
        let first = if version == VERSION { SLOTS } else { COUNTS };
        let fixed = bytes.get(..FIXED).ok_or(DAMAGED)?;
        if u64_at(bytes, CHECK) != Some(checksum::of(fixed)) {
            return Err(DAMAGED);
        }
        let number = |offset| u64_at(bytes, offset).ok_or(DAMAGED);
        let mut head = Self {
            process: u32_at(bytes, 12).ok_or(DAMAGED)?,
            size: number(16)?,
            started: number(24)?.cast_signed(),
            areas: [Area { offset: 0, count: 0 }; KINDS],
        };
        for (index, area) in head.areas.iter_mut().enumerate() {
            let (offset, count) = (number(32 + index * 16)?, number(40 + index * 16)?);
            if offset < first as u64 || offset > head.size {
                return Err(DAMAGED);
            }
            *area = Area {
                offset: usize::try_from(offset).map_err(|_| DAMAGED)?,
                count: u32::try_from(count).map_err(|_| DAMAGED)?,
            };
            if area.end(index).is_none_or(|end| end as u64 > head.size) {
                return Err(DAMAGED);
            }
        }
        Ok(head)
    }
}

/// The settings that redaction, encoding and routing need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoxSettings {
    /// The outputs, as the room of that name reads and checks them.
    pub outputs: Value,
    /// Of the lock file.
    pub file_mode: u32,
    pub directory_mode: u32,
    /// The log directory's path, for a recovery that finds the box elsewhere. `None` if there is none, or its path is no text.
    #[serde(deserialize_with = "Option::deserialize")]
    pub directory: Option<String>,
    /// The namespace of the owner's process number, if it is known.
    #[serde(deserialize_with = "Option::deserialize")]
    pub namespace: Option<u64>,
    /// When the owner began, as the system counts it, if it is known. Another process may get its number later.
    #[serde(deserialize_with = "Option::deserialize")]
    pub born: Option<u64>,
    /// Written even if there is none. A box without this key is damaged.
    #[serde(deserialize_with = "Option::deserialize")]
    pub redaction: Option<Spec>,
}

impl BoxSettings {
    #[must_use]
    pub fn new(directory: Option<&Path>, modes: (u32, u32), outputs: Value, redaction: Option<&Spec>) -> Self {
        // Without the mark `ASKED_FOR`: the umask of a recovery narrows the modes of its files.
        let (directory_mode, file_mode) = (modes.0 & 0o777, modes.1 & 0o777);
        Self {
            outputs,
            file_mode,
            directory_mode,
            directory: directory
                .and_then(|directory| std::path::absolute(directory).ok())
                .and_then(|path| path.to_str().map(str::to_owned)),
            namespace: platform::process_namespace(),
            born: platform::birth_of_process(platform::process_id()),
            redaction: redaction.cloned(),
        }
    }

    /// The bytes for a box. `None` if they are too many.
    #[must_use]
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let json = serde_json::to_vec(self).ok()?;
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(&checksum::of(&json).to_le_bytes());
        bytes.extend_from_slice(&json);
        (bytes.len() <= NAMES - SETTINGS).then_some(bytes)
    }

    /// Reads the settings of a box. `None` if they are damaged, or have modes that no options allow.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let length = usize::try_from(u64_at(bytes, SETTINGS)?).ok()?;
        let json = bytes.get(SETTINGS + 16..NAMES)?.get(..length)?;
        if u64_at(bytes, SETTINGS + 8) != Some(checksum::of(json)) {
            return None;
        }
        let settings: Self = serde_json::from_slice(json).ok()?;
        [settings.file_mode, settings.directory_mode].into_iter().all(is_mode).then_some(settings)
    }
}

/// Whether options allow this mode: its owner may write, others may not.
#[must_use]
pub fn is_mode(mode: u32) -> bool {
    mode & !0o777 == 0 && mode & 0o202 == 0o200
}

/// The records that a process is about to append to a file, and those that are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalEntry {
    /// Every record up to this position in the order of writing is in the file, if it belongs there.
    pub passed: u64,
    /// Records up to this position may be in the file already, from `offset` on; 0 when none is under way.
    pub upto: u64,
    pub device: u64,
    pub inode: u64,
    pub offset: u64,
    /// Of the file; 0 if it is not known, as in boxes of earlier versions.
    pub generation: u64,
    /// Lines that were written to files of that name before the append, or before a recovery began; 0 in boxes of earlier versions.
    pub lines: u64,
}

impl JournalEntry {
    #[must_use]
    pub fn read(bytes: &[u8], file: usize) -> Option<Self> {
        let word = |index: usize| u64_at(bytes, journal(file) + index * 8);
        let position = |index: usize| Some(word(index)?.min(LAST_POSITION));
        Some(Self {
            passed: position(0)?,
            upto: position(1)?,
            device: word(2)?,
            inode: word(3)?,
            offset: word(4)?,
            generation: word(5)?,
            lines: word(6)?,
        })
    }

    #[must_use]
    pub fn identity(&self) -> platform::Identity {
        platform::Identity { device: self.device, inode: self.inode }
    }
}

/// The note of the first recovery of a box, made before it writes anything. A recovery that continues reads it, to do
/// the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryNote {
    /// Records that were not in their files.
    pub count: u64,
    /// When it began, nanoseconds since the epoch.
    pub time: i64,
    /// The last position in the order of writing that the owner gave to a record. Records that waited in the queue
    /// follow.
    pub last_position: u64,
}

impl RecoveryNote {
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let words = [self.count, self.time.cast_unsigned(), self.last_position];
        let mut bytes: Vec<u8> = words.into_iter().flat_map(u64::to_le_bytes).collect();
        bytes.extend_from_slice(&checksum::of(&bytes).to_le_bytes());
        bytes
    }

    /// Reads the note of a box. `None` if there is none, or it is damaged.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let words = bytes.get(RECOVERY..RECOVERY + 24)?;
        if u64_at(bytes, RECOVERY + 24) != Some(checksum::of(words)) {
            return None;
        }
        let word = |index: usize| u64_at(words, index * 8);
        Some(Self { count: word(0)?, time: word(1)?.cast_signed(), last_position: word(2)?.min(LAST_POSITION) })
    }
}

#[must_use]
pub fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    bytes.get(offset..)?.first_chunk().map(|word| u64::from_le_bytes(*word))
}

#[must_use]
pub fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|word| u32::from_le_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slab::areas;

    fn head() -> Head {
        Head { size: 8 << 20, process: 7, started: -1, areas: areas(SLOTS, 6 << 20) }
    }

    #[test]
    fn a_head_is_read_back_as_written() {
        assert_eq!(Head::read(&head().to_bytes()), Ok(head()));
    }

    #[test]
    fn the_format_before_is_read() {
        let of_version = |version: u32, head: Head| {
            let mut bytes = head.to_bytes();
            bytes.truncate(FIXED);
            bytes[8..12].copy_from_slice(&version.to_le_bytes());
            bytes.extend(checksum::of(&bytes).to_le_bytes());
            bytes
        };
        let earlier = Head { areas: areas(COUNTS, 7 << 20), ..head() };
        for version in EARLIER {
            assert_eq!(Head::read(&of_version(version, earlier)), Ok(earlier));
        }
        assert_eq!(Head::read(&of_version(VERSION, earlier)), Err(Foreign::Damaged("head")));
        let mut bytes = of_version(VERSION, head());
        bytes[8] = 4;
        assert_eq!(Head::read(&bytes), Err(Foreign::Version(4)));
    }

    #[test]
    fn other_formats_and_damage_are_told_apart() {
        let bytes = head().to_bytes();
        assert_eq!(Head::read(b"something else"), Err(Foreign::Magic));
        let mut newer = bytes.clone();
        newer[8] = 9;
        assert_eq!(Head::read(&newer), Err(Foreign::Version(9)));
        for index in 12..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[index] ^= 1;
            assert_eq!(Head::read(&damaged), Err(Foreign::Damaged("head")), "{index}");
        }
    }

    #[test]
    fn a_note_is_read_back_as_written_and_not_when_damaged() {
        let noted = RecoveryNote { count: 20, time: -1, last_position: 7 };
        let mut bytes = vec![0; RECOVERY];
        assert_eq!(RecoveryNote::read(&[0; SETTINGS]), None);
        bytes.extend(noted.to_bytes());
        assert!(bytes.len() <= JOURNALS);
        assert_eq!(RecoveryNote::read(&bytes), Some(noted));
        for index in RECOVERY..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[index] ^= 1;
            assert_eq!(RecoveryNote::read(&damaged), None, "{index}");
        }
    }

    #[test]
    fn settings_with_modes_that_no_option_allows_are_none() {
        let read = |mode| {
            let settings = BoxSettings {
                outputs: Value::Null,
                file_mode: mode,
                directory_mode: 0o750,
                directory: Some("/var/log/app".into()),
                namespace: None,
                born: Some(7),
                redaction: None,
            };
            let mut bytes = vec![0; SETTINGS];
            bytes.extend(settings.to_bytes().unwrap());
            bytes.resize(NAMES, 0);
            BoxSettings::read(&bytes) == Some(settings)
        };
        assert!(read(0o640));
        for mode in [0o4755, 0o666, 0o777, 0o440, 0] {
            assert!(!read(mode), "{mode:o}");
        }
    }

    #[test]
    fn areas_outside_the_file_are_refused() {
        let mut head = head();
        head.areas[2].count = 1_000;
        assert_eq!(Head::read(&head.to_bytes()), Err(Foreign::Damaged("head")));
    }
}
