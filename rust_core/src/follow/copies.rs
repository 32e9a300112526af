//! Where to go on when a file that is followed was copied: the copy has what is still to be read.

use std::fs::File;
use std::io;
use std::path::Path;

use memchr::memmem;
use memchr::memrchr;

use super::cursor::{Cursor, From};
use super::files::FileRef;
use crate::{catalogue, platform};

/// How far back two files are compared, and how far from its end a copy is searched.
const SEARCHED: u64 = 8 << 20;
/// So many bytes before a place are enough to find it again: the times of the last lines are in them.
const NEEDLE: u64 = 4 << 10;

/// Where a reader goes on.
pub struct Place {
    pub file: FileRef,
    pub from: From,
    /// Whether all that is before it was read, and nothing behind it.
    pub is_sure: bool,
}

/// The copy of a file that was emptied since, as `copytruncate` of logrotate makes it. What was written between the last look and the copy is
/// there alone. None if there is no such copy, or nothing in it that was not read.
pub fn of_emptied(directory: &Path, set: &str, cursor: &Cursor) -> Option<Place> {
    if cursor.mark().length == 0 {
        return None;
    }
    let names = catalogue::names(directory, set).ok()?;
    let mut names: Vec<String> = names.into_keys().filter(|name| name != set).collect();
    // A packed one may still be written.
    names.sort_by_key(|name| catalogue::is_packed(name));
    let name = names.into_iter().find(|name| {
        let path = directory.join(name);
        let is_longer = || path.symlink_metadata().is_ok_and(|meta| meta.len() > cursor.place().offset);
        catalogue::beginning(&path).is_ok_and(|(head, _)| cursor.mark().fits(&head))
            && (catalogue::is_packed(&path) || is_longer())
    })?;
    let file = FileRef { name, mark: *cursor.mark(), is_closed: true, ..cursor.file.clone() };
    Some(Place { file, from: cursor.place(), is_sure: true })
}

/// Where to go on in the file that has taken the name of the one that was read, if it is a copy. Editors and `sed -i` leave such copies.
///
/// # Errors
/// When one of them cannot be read.
pub fn replacing(directory: &Path, set: &str, cursor: &Cursor) -> io::Result<Option<Place>> {
    let copy = match platform::open_to_read(&directory.join(set)) {
        Err(error) if platform::is_missing(&error) => return Ok(None),
        copy => copy?,
    };
    let old = cursor.lines.source.file();
    let is_other = platform::identity_of(&copy.metadata()?) != platform::identity_of(&old.metadata()?);
    // Renamed by a rotation, after which another file begins alike.
    let inode = platform::identity_of(&old.metadata()?).inode;
    let is_rotated = || catalogue::names(directory, set).is_ok_and(|names| names.values().any(|known| *known == inode));
    if !is_other || is_rotated() || cursor.mark().length == 0 || !cursor.mark().fits(&catalogue::head_of(&copy)?) {
        return Ok(None);
    }
    let place = cursor.place();
    let (offset, is_sure) = where_in(old, &copy, place.offset)?;
    let from = if offset == place.offset { place } else { From { offset, sequence: None } };
    let file = FileRef { name: set.to_owned(), is_closed: false, ..cursor.file.clone() };
    Ok(Some(Place { file, from, is_sure }))
}

/// The place in a copy up to which its lines were read in the file that was copied, and whether that is sure.
fn where_in(old: &File, copy: &File, offset: u64) -> io::Result<(u64, bool)> {
    let needle = bytes(old, offset.saturating_sub(NEEDLE), offset)?;
    // Nothing before was changed.
    let start = offset - needle.len() as u64;
    if bytes(copy, start, offset)? == needle {
        return Ok((offset, true));
    }
    // Something before was changed, so that all is at other offsets. The last lines that were read are there all the same.
    let length = copy.metadata()?.len();
    let from = length.saturating_sub(SEARCHED);
    let end = bytes(copy, from, length)?;
    let last = memrchr(b'\n', &needle[..needle.len().saturating_sub(1)]).map_or(0, |newline| newline + 1);
    for lines in [&needle[..], &needle[last..]] {
        if let Some(at) = memmem::rfind(&end, lines) {
            return Ok((from + (at + lines.len()) as u64, true));
        }
    }
    // It was copied before the last of them were written, or they were changed, too: it goes on behind what both have.
    let start = offset.saturating_sub(SEARCHED);
    let (read, copied) = (bytes(old, start, offset)?, bytes(copy, start, offset)?);
    let same = read.iter().zip(&copied).take_while(|(one, other)| one == other).count();
    if let Some(newline) = memrchr(b'\n', &read[..same]) {
        return Ok((start + newline as u64 + 1, false));
    }
    Ok((from + memrchr(b'\n', &end).map_or(0, |newline| newline as u64 + 1), false))
}

fn bytes(file: &File, from: u64, until: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(until - from).unwrap_or(usize::MAX)];
    let mut filled = 0;
    while filled < bytes.len() {
        match platform::read_at(file, &mut bytes[filled..], from + filled as u64)? {
            0 => break,
            count => filled += count,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
