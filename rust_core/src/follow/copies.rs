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
const COMPARED: u64 = 1 << 20;
/// So many bytes before a place are enough to find it again: the times of the last lines are in them.
const NEEDLE: u64 = 4 << 10;

/// The copy of a file that was emptied since, as `copytruncate` of logrotate makes it. What was written between the last look and the copy is
/// there alone. None if there is no such copy, or nothing in it that was not read.
pub fn of_emptied(directory: &Path, set: &str, cursor: &Cursor) -> Option<FileRef> {
    if cursor.mark().length == 0 {
        return None;
    }
    let names = catalogue::names(directory, set).ok()?;
    let mut names: Vec<String> = names.into_keys().filter(|name| name != set).collect();
    // A packed one may still be written.
    names.sort_by_key(|name| catalogue::is_packed(Path::new(name)));
    let name = names.into_iter().find(|name| {
        let path = directory.join(name);
        let is_longer = || path.symlink_metadata().is_ok_and(|meta| meta.len() > cursor.place().offset);
        catalogue::beginning(&path).is_ok_and(|(head, _)| cursor.mark().fits(&head))
            && (catalogue::is_packed(&path) || is_longer())
    })?;
    Some(FileRef { name, mark: *cursor.mark(), is_closed: true, ..cursor.file.clone() })
}

/// The file that has the name of the one that was read, and where to go on in it, if it is a copy, as an editor or `sed -i` leaves it.
///
/// # Errors
/// When one of them cannot be read.
pub fn replacing(path: &Path, set: &str, cursor: &Cursor) -> io::Result<Option<(FileRef, From)>> {
    let copy = match platform::open_to_read(path) {
        Err(error) if platform::is_missing(&error) => return Ok(None),
        copy => copy?,
    };
    let old = cursor.lines.source.file();
    let is_other = platform::identity_of(&copy.metadata()?) != platform::identity_of(&old.metadata()?);
    if !is_other || cursor.mark().length == 0 || !cursor.mark().fits(&catalogue::head_of(&copy)?) {
        return Ok(None);
    }
    let place = cursor.place();
    let offset = where_in(old, &copy, place.offset)?;
    let from = if offset == place.offset { place } else { From { offset, sequence: None } };
    Ok(Some((FileRef { name: set.to_owned(), is_closed: false, ..cursor.file.clone() }, from)))
}

/// The place in a copy up to which its lines were read in the file that was copied.
fn where_in(old: &File, copy: &File, offset: u64) -> io::Result<u64> {
    let start = offset.saturating_sub(COMPARED);
    let (read, copied) = (bytes(old, start, offset)?, bytes(copy, start, offset)?);
    let same = read.iter().zip(&copied).take_while(|(one, other)| one == other).count();
    if same == read.len() {
        return Ok(offset);
    }
    if same > 0 || start == 0 {
        // Lines were written after it was copied, to the one or to the other.
        return Ok(start + memrchr(b'\n', &read[..same]).map_or(0, |end| end as u64 + 1));
    }
    // Something before was changed, so that all is at other offsets.
    let length = copy.metadata()?.len();
    let from = length.saturating_sub(8 * COMPARED);
    let end = bytes(copy, from, length)?;
    let needle = bytes(old, offset.saturating_sub(NEEDLE), offset)?;
    let found = memmem::rfind(&end, &needle).map(|at| from + (at + needle.len()) as u64);
    Ok(found.unwrap_or(length))
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
