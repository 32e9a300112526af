//! The index of a rotated file: what each part of it holds, so that a search decodes few of them.

mod builder;
mod bytes;
mod file;
mod filter;
mod format;
mod query;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::Kind;

pub use builder::Builder;
pub use file::{count_lines, index_file};
pub use format::Unreadable;
pub use query::Query;

/// Where a part is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Of the packed file. In a plain file both are the same.
    pub packed_at: u64,
    pub packed_length: u32,
    pub at: u64,
    pub length: u32,
    /// Of its bytes, uncompressed. `None` if nothing but the packed file tells of it.
    pub check: Option<u32>,
}

/// What is known of the whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub kind: Kind,
    /// The number of the file that it keeps through renames and packing.
    pub generation: u64,
    /// Of the first line. The lines after it have the numbers after it.
    pub first_sequence: Option<u64>,
    pub lines: u64,
    /// Uncompressed.
    pub length: u64,
    /// Of the file as it lies there, with everything after its last part.
    pub packed_length: u64,
    /// Of all parts, in their order.
    pub check: u64,
    /// Of the keys by which lines were read.
    pub keys: u64,
}

impl Header {
    /// The number of the last line.
    #[must_use]
    pub fn last_sequence(&self) -> Option<u64> {
        self.first_sequence?.checked_add(self.lines.checked_sub(1)?)
    }
}

/// A part of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub extent: Extent,
    /// Lines that begin here. One that goes on in the next part counts here alone.
    pub lines: u32,
    /// The times of its lines, both included, in nanoseconds since 1970 UTC.
    pub times: Option<(i64, i64)>,
    /// Lines that may have any time, level, logger or trace, because they have none that is understood.
    pub unknown: Unknown,
    /// Where its counts by level and by logger stand.
    counts: Range<usize>,
    has_traces: bool,
}

/// How many lines of a part are not understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unknown {
    pub time: u32,
    pub level: u32,
    pub logger: u32,
    pub trace: u32,
}

/// An index that was read.
#[derive(Clone, Debug)]
pub struct Index {
    header: Header,
    levels: Vec<(String, Option<i32>)>,
    loggers: Vec<String>,
    parts: Vec<Part>,
    /// In the order of their parts.
    groups: Vec<Group>,
    body: Vec<u8>,
    times: Option<(i64, i64)>,
}

/// A filter over the traces of parts that follow each other. It tells in which of them a trace is.
#[derive(Clone, Debug)]
struct Group {
    parts: Range<usize>,
    shape: filter::Shape,
    fingerprints: Range<usize>,
}

impl Index {
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The times of all lines that have one, both included.
    #[must_use]
    pub const fn times(&self) -> Option<(i64, i64)> {
        self.times
    }

    /// Names of levels as lines have them, with their numbers where these are known.
    #[must_use]
    pub fn levels(&self) -> &[(String, Option<i32>)] {
        &self.levels
    }

    #[must_use]
    pub fn loggers(&self) -> &[String] {
        &self.loggers
    }

    /// The lines of a part by level: numbers of `levels`, and how many.
    pub fn level_counts<'i>(&'i self, part: &Part) -> impl Iterator<Item = (usize, u32)> + 'i {
        format::Counts::of(&self.body[part.counts.clone()])
    }

    /// The lines of a part by logger: numbers of `loggers`, and how many.
    pub fn logger_counts<'i>(&'i self, part: &Part) -> impl Iterator<Item = (usize, u32)> + 'i {
        let mut levels = format::Counts::of(&self.body[part.counts.clone()]);
        levels.by_ref().for_each(drop);
        format::Counts::of(levels.rest())
    }
}

/// The sum over all parts, of the sum before and that of one more part.
pub(super) fn joined(before: u64, part: u64) -> u64 {
    (before.rotate_left(23) ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// What an extent keeps of the sum of a part.
#[expect(clippy::cast_possible_truncation, reason = "the low half is what is kept")]
pub(super) const fn short(sum: u64) -> u32 {
    sum as u32
}
