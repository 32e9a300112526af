//! Copies that somebody has made of rotated files, under the names of others. The originals have their records.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::found::is_packed;
use super::known::Found;
use crate::archive::Archive;
use crate::platform;
use crate::rotation::Names;
use crate::unshared::Unshared;

/// So much of two files is compared from their beginnings, and from their ends: others wait meanwhile.
const FIRST: u64 = 4 << 20;
const LAST: u64 = 1 << 20;
const PIECE: usize = 64 << 10;

/// The names of the files among `unknown` that are copies, of `originals` or of one another. Among files of which nothing is known the original is
/// the one that this library has packed, then the one that was made first, then that with the lower number.
pub(super) fn copies<'f>(
    set: &str,
    originals: impl Iterator<Item = &'f Found>,
    unknown: impl Iterator<Item = &'f Found>,
    is_same: &dyn Fn(&Found, &Found) -> bool,
) -> BTreeSet<&'f str> {
    // The current file has no copy: what `copytruncate` makes of it is the file that stays.
    let may_be = |found: &&Found| found.name != set && !found.is_unread && !found.head.is_empty();
    let mut by_head: BTreeMap<&[u8], Vec<&Found>> = BTreeMap::new();
    for original in originals.filter(may_be) {
        by_head.entry(&original.head).or_default().push(original);
    }
    let mut unknown: Vec<&Found> = unknown.filter(may_be).collect();
    unknown.sort_by_key(|found| {
        let number = Names::number(set, &found.name);
        (found.generation.is_none(), found.born, number, found.name.len(), &found.name)
    });
    let mut copies = BTreeSet::new();
    for found in unknown {
        let alike = by_head.entry(&found.head).or_default();
        if alike.iter().any(|original| is_same(found, original)) {
            copies.insert(&*found.name);
        } else {
            alike.push(found);
        }
    }
    copies
}

/// Whether two files hold the same, packed or not. Nothing is said of files that cannot be read: they are not the same.
#[must_use]
pub fn is_same(directory: &Path, one: &Found, other: &Found) -> bool {
    let paths = [one, other].map(|found| directory.join(&found.name));
    // A hard link, where the system has numbers for files.
    if one.inode == other.inode && one.inode != 0 {
        // A file that somebody renames while the directory is listed may be in the list twice, and has one name.
        let is_there = |path: &PathBuf| platform::identity_at(path).is_ok_and(|identity| identity.inode == one.inode);
        return paths.iter().all(is_there);
    }
    // Most copies are the same byte for byte, and nothing need be unpacked.
    let is_same_size = one.size == other.size;
    let is_one_form = is_packed(&one.name) == is_packed(&other.name);
    if is_same_size && is_one_form && is_same_raw(&paths[0], &paths[1], one.size).unwrap_or(false) {
        return true;
    }
    (is_packed(&one.name) || is_packed(&other.name)) && is_same_unpacked(&paths[0], &paths[1]).unwrap_or(false)
}

fn is_same_raw(one: &Path, other: &Path, size: u64) -> io::Result<bool> {
    let ((one, _), (other, _)) = (open(one)?, open(other)?);
    let is_same_at = |from: u64, length: u64| -> io::Result<bool> {
        let (mut one, mut other): (&File, &File) = (&one, &other);
        one.seek(SeekFrom::Start(from))?;
        other.seek(SeekFrom::Start(from))?;
        are_alike(one.take(length), other.take(length))
    };
    Ok(is_same_at(0, FIRST)? && (size <= FIRST || is_same_at(size - LAST, LAST)?))
}

fn is_same_unpacked(one: &Path, other: &Path) -> io::Result<bool> {
    let (one_file, other_file) = (open(one)?, open(other)?);
    let unpacked = |path: &Path, (file, length)| {
        let archive = Archive::of(file, length, None)?;
        let packed = archive.extents().last().map(|last| last.at + u64::from(last.length));
        Ok::<_, io::Error>((archive, if is_packed(path) { packed } else { Some(length) }))
    };
    let (mut one, one_length) = unpacked(one, (&**one_file.0, one_file.1))?;
    let (mut other, other_length) = unpacked(other, (&**other_file.0, other_file.1))?;
    if one_length.zip(other_length).is_some_and(|(one, other)| one != other) {
        return Ok(false);
    }
    if !are_alike(one.stream(0)?.take(FIRST), other.stream(0)?.take(FIRST))? {
        return Ok(false);
    }
    // Of a file that others have packed, the length is not known: its beginning says enough.
    match one_length.and(other_length).filter(|length| *length > FIRST) {
        Some(length) => are_alike(one.stream(length - LAST)?.take(LAST), other.stream(length - LAST)?.take(LAST)),
        None => Ok(true),
    }
}

/// A file with its length. Children do not keep it open.
fn open(path: &Path) -> io::Result<(Unshared, u64)> {
    let file = platform::open_to_read(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok((Unshared::new(file)?, meta.len()))
}

/// Whether two streams have the same bytes up to their ends.
fn are_alike(mut one: impl Read, mut other: impl Read) -> io::Result<bool> {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        left.clear();
        right.clear();
        one.by_ref().take(PIECE as u64).read_to_end(&mut left)?;
        other.by_ref().take(PIECE as u64).read_to_end(&mut right)?;
        if left != right || left.is_empty() {
            return Ok(left == right);
        }
    }
}
