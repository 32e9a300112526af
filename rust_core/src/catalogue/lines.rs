//! The catalogue as it stands in its file: a line for each change, so that a change is one write, and is there whole or not at all.

use serde::{Deserialize, Serialize};

use super::entry::{Closed, Entry, Generation, Mark};
use crate::checksum;

/// Of the form below. A file of a later one is left alone.
const VERSION: u32 = 1;
/// Digits of the checksum before each line.
const SUM: usize = 16;

/// A change of what is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// First of all: the version of the form, and the next generation.
    Catalogue { version: u32, next: Generation },
    /// A file, known before or not.
    File(Entry),
    /// New names.
    Moved(Vec<(Generation, String)>),
    /// A file that gets no more records.
    Closed(Generation, Closed),
    /// A file that was deleted.
    Gone(Generation),
    /// The number of the next record of a set that is not counted yet.
    Counted(String, u64),
    /// A file of another program, under a name that a rotated file of the set could have, or a copy that somebody has made of one.
    Foreign {
        set: String,
        name: String,
        mark: Mark,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_copy: bool,
    },
    /// It is gone, or of the set after all.
    ForeignGone(String),
    /// Of a set and the label of its dated names: the first number that no file had.
    Dated(String, String, u64),
    /// Numbers of levels that a program has named.
    Levels(Vec<(String, i32)>),
}

/// Why a text is no catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    Damaged,
    /// A later version made it.
    Newer,
}

/// One line with all of the changes, which hold together.
#[must_use]
pub fn write(changes: &[Change]) -> String {
    let json = serde_json::to_string(changes).unwrap_or_default();
    format!("{:0SUM$x} {json}\n", checksum::of(json.as_bytes()))
}

/// The first line of a file.
#[must_use]
pub fn head(next: Generation) -> Change {
    Change::Catalogue { version: VERSION, next }
}

/// Reads whole lines. Returns the changes, and how many bytes these lines have: a process may have died while it wrote the last one.
///
/// # Errors
/// When a whole line is not as it was written.
pub fn read(text: &[u8]) -> Result<(Vec<Change>, usize), Unreadable> {
    let whole = memchr::memrchr(b'\n', text).map_or(0, |end| end + 1);
    let mut changes = Vec::new();
    for line in text[..whole].split_inclusive(|byte| *byte == b'\n') {
        let (sum, json) = line[..line.len() - 1].split_at_checked(SUM + 1).ok_or(Unreadable::Damaged)?;
        let sum = sum
            .strip_suffix(b" ")
            .and_then(|sum| str::from_utf8(sum).ok())
            .and_then(|sum| u64::from_str_radix(sum, 16).ok());
        if sum != Some(checksum::of(json)) {
            return Err(Unreadable::Damaged);
        }
        let newer = |_| if is_newer(json) { Unreadable::Newer } else { Unreadable::Damaged };
        let read: Vec<Change> = serde_json::from_slice(json).map_err(newer)?;
        if read.iter().any(|change| matches!(change, Change::Catalogue { version, .. } if *version > VERSION)) {
            return Err(Unreadable::Newer);
        }
        changes.extend(read);
    }
    Ok((changes, whole))
}

/// Whether a line that is whole, and cannot be read, names a later version.
fn is_newer(json: &[u8]) -> bool {
    let line: Option<serde_json::Value> = serde_json::from_slice(json).ok();
    let version = line.as_ref().and_then(|line| line.get(0)?.get("catalogue")?.get("version")?.as_u64());
    version.is_some_and(|version| version > u64::from(VERSION))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_not_written_whole_is_none_yet() {
        let line = write(&[head(7), Change::Gone(3)]);
        let text = [line.as_bytes(), &line.as_bytes()[..line.len() - 1]].concat();
        assert_eq!(read(&text), Ok((vec![head(7), Change::Gone(3)], line.len())));
        assert_eq!(read(b""), Ok((vec![], 0)));
    }

    #[test]
    fn a_changed_byte_shows() {
        let line = write(&[head(7)]);
        for index in 0..line.len() - 1 {
            let mut changed = line.clone().into_bytes();
            changed[index] ^= 1;
            assert_eq!(read(&changed), Err(Unreadable::Damaged), "{index}");
        }
        assert_eq!(read(b"\n"), Err(Unreadable::Damaged));
        assert_eq!(read("x\u{fffd}\n".as_bytes()), Err(Unreadable::Damaged));
    }

    #[test]
    fn a_later_form_is_told_from_damage() {
        let json = br#"[{"catalogue":{"version":2,"next":1,"more":true}},{"colour":"red"}]"#;
        let line = [format!("{:016x} ", checksum::of(json)).as_bytes(), json, b"\n"].concat();
        assert_eq!(read(&line), Err(Unreadable::Newer));
        assert_eq!(read(write(&[Change::Catalogue { version: 2, next: 1 }]).as_bytes()), Err(Unreadable::Newer));
    }
}
