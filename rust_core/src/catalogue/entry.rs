//! What is known of one log file.

use serde::{Deserialize, Serialize};

use crate::checksum;
use crate::rotation::Period;

/// Bytes at the beginning of a file by which it is known again.
const HEAD: usize = 256;

/// A number of the directory's own, which no other file of it ever had or gets.
pub type Generation = u64;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub generation: Generation,
    /// The name of the current file of its set, such as `app.log`.
    pub set: String,
    /// Its name now.
    pub name: String,
    pub mark: Mark,
    /// When it was made, in seconds since the epoch; 0 if that is not known.
    pub made: i64,
    /// The period whose records it has, where files are changed by time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// None for the current file of its set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
}

/// What is known of a file that gets no more records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// When, in seconds since the epoch.
    pub at: i64,
    /// Its size, unpacked.
    pub bytes: u64,
    /// The numbers of its first record and of the one after its last, among all of the set; none before they are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<(u64, u64)>,
}

/// By what a file is known again, should the catalogue say less than the directory: it may have been renamed since, or be a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The number that the file system gave it. Another file may get it later.
    pub inode: u64,
    /// How many bytes of its beginning were looked at, and their checksum.
    pub length: u32,
    pub sum: u64,
}

impl Mark {
    /// Of a file that begins with `bytes`, of which not all may count.
    #[must_use]
    pub fn of(inode: u64, bytes: &[u8]) -> Self {
        let head = &bytes[..bytes.len().min(HEAD)];
        Self { inode, length: u32::try_from(head.len()).unwrap_or(u32::MAX), sum: checksum::of(head) }
    }

    /// Whether a file that begins with `bytes` may be the one that was marked.
    #[must_use]
    pub fn fits(&self, bytes: &[u8]) -> bool {
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        bytes.get(..length).is_some_and(|head| checksum::of(head) == self.sum)
    }

    /// Bytes of a file that are enough to make a mark, and to compare with one.
    #[must_use]
    pub const fn enough() -> usize {
        HEAD
    }
}
