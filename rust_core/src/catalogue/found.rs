//! The files of a set that are in the directory.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;

use super::entry::{Generation, Mark};
use super::head_of;
use super::known::Found;
use crate::archive::Archive;
use crate::platform;
use crate::rotation::{Names, PACKED};

/// The names of the files of a set that are in the directory and hold anything.
///
/// # Errors
/// When the directory cannot be read.
pub fn names(directory: &Path, set: &str) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let is_of_set = name == set || Names::is_rotated(set, &name);
        if is_of_set && entry.metadata().is_ok_and(|meta| meta.is_file() && meta.len() > 0) {
            names.insert(name);
        }
    }
    Ok(names)
}

/// The first bytes of a file, unpacked, and the generation that stands in a packed one.
///
/// # Errors
/// When it is no file, or cannot be read.
pub fn beginning(path: &Path) -> io::Result<(Vec<u8>, Option<Generation>)> {
    let file = platform::open_to_read(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    if !path.extension().is_some_and(|end| PACKED.iter().any(|packed| packed[1..] == *end)) {
        return Ok((head_of(&file)?, None));
    }
    let damaged = |error: crate::error::Error| io::Error::new(io::ErrorKind::InvalidData, error.to_string());
    let mut archive = Archive::open(path, None).map_err(damaged)?;
    let mut head = Vec::new();
    archive.stream(0)?.take(Mark::enough() as u64).read_to_end(&mut head)?;
    Ok((head, archive.mark().map(|mark| mark.generation)))
}

/// The files of a set, rotated ones and the current one, the oldest first as far as their times and names tell.
///
/// # Errors
/// When the directory cannot be read.
pub fn find(directory: &Path, set: &str) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name != set && !Names::is_rotated(set, &name) {
            continue;
        }
        // What goes in the meantime, or cannot be looked into, is no file of the set.
        let Ok(file) = platform::open_to_read(&entry.path()) else { continue };
        let Ok(meta) = file.metadata() else { continue };
        let Ok((head, generation)) = beginning(&entry.path()) else { continue };
        // Nothing is known of a file in which nothing stands.
        if meta.is_file() && meta.len() > 0 {
            let found_file =
                Found { name, size: meta.len(), inode: platform::identity_of(&meta).inode, head, generation };
            found.push((meta.modified().ok(), found_file));
        }
    }
    remove_originals(directory, &mut found);
    let is_current = |found: &Found| found.name == set;
    found.sort_by(|(one_time, one), (other_time, other)| {
        is_current(one).cmp(&is_current(other)).then(one_time.cmp(other_time)).then(other.name.cmp(&one.name))
    });
    Ok(found.into_iter().map(|(_, found)| found).collect())
}

/// Leaves out originals of packed files: the process died that had packed them, and the upkeep removes them.
fn remove_originals(directory: &Path, found: &mut Vec<(Option<SystemTime>, Found)>) {
    let is_original = |one: &Found| {
        PACKED.iter().map(|end| format!("{}{end}", one.name)).any(|packed| {
            let is_packed =
                |(_, other): &(Option<SystemTime>, Found)| other.name == packed && other.generation.is_some();
            found.iter().any(|other| is_packed(other) && other.1.head == one.head) && {
                let archive = Archive::open(&directory.join(packed), None);
                let last = archive.ok().and_then(|archive| archive.extents().last().copied());
                last.is_some_and(|last| last.at + u64::from(last.length) == one.size)
            }
        })
    };
    let originals: Vec<String> =
        found.iter().filter(|(_, one)| is_original(one)).map(|(_, one)| one.name.clone()).collect();
    found.retain(|(_, one)| !originals.contains(&one.name));
}
