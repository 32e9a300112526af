//! Rotated files as an archive: packed so that every `zcat` and `zstdcat` reads them, and indexed so that a search reads few of their bytes.
//!
//! A file is cut at line ends into parts of at most 1 MiB. Each part of a packed file is a frame of zstd or a member of gzip, and can be read
//! alone. The index says of each part where it is, which time it spans, how many lines it has by level and logger, and which traces it may hold.

mod begun;
mod cut;
mod index;
mod line;
mod method;
mod name;
mod pack;
mod reader;
mod settle;
mod source;

use serde::{Deserialize, Serialize};

pub use begun::Begun;
pub use index::{Builder, Extent, Header, Index, Part, Query, Unreadable, count_lines, index_file};
pub use line::{Found, Keys, Scanner, TimeForm, TimeReader, Value, end_or_escape, pair, pairs, parse_time};
pub use method::{Mark, Method, is_damage};
pub use name::{INDEX, going_name, is_going, is_temporary, packed_name, temporary_name};
pub use pack::{Job, Names, Outcome, Pace, Packed, Prepared, Ready, pack, prepare};
pub use reader::{Archive, KnownBy};
pub use settle::{Alike, Settled, remove_going, remove_leftovers, settle};
pub use source::open as open_log;

/// The most bytes of a part, uncompressed: a longer line is cut.
pub const PART: usize = 1 << 20;

/// How a file is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    #[default]
    Plain,
    Gzip,
    Zstd,
}

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
