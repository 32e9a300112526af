//! The files of a set that are in the directory.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;

use super::entry::{Generation, Mark};
use super::form::{FIRST_LINE, Form};
use super::head_of;
use super::known::Found;
use crate::archive::Archive;
use crate::error::Error;
use crate::platform;
use crate::rotation::{Names, PACKED};

/// The names of the files of a set that are in the directory and hold anything, each with the number that the file system gave it.
///
/// # Errors
/// When the directory cannot be read.
pub fn names(directory: &Path, set: &str) -> io::Result<BTreeMap<String, u64>> {
    let mut names = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let is_of_set = name == set || Names::is_rotated(set, &name);
        if is_of_set
            && let Ok(meta) = entry.metadata()
            && meta.is_file()
            && meta.len() > 0
        {
            names.insert(name, platform::identity_of(&meta).inode);
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
    if !is_packed(path) {
        return Ok((head_of(&file)?, None));
    }
    let mut archive = open_packed(path)?;
    let mut head = Vec::new();
    archive.stream(0)?.take(Mark::enough() as u64).read_to_end(&mut head)?;
    Ok((head, archive.mark().map(|mark| mark.generation)))
}

/// Whether a file is packed, by its name.
#[must_use]
pub fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|end| PACKED.iter().any(|packed| packed[1..] == *end))
}

fn open_packed(path: &Path) -> io::Result<Archive> {
    Archive::open(path, None).map_err(|error| match error {
        Error::Io { source, .. } => source,
        error => io::Error::new(io::ErrorKind::InvalidData, error.to_string()),
    })
}

/// The generation that stands in a packed file.
pub(super) fn generation_in(path: &Path) -> Option<Generation> {
    open_packed(path).ok()?.mark().map(|mark| mark.generation)
}

/// Whether a file may be of a set of this form, by what stands in it. None of which nothing can be read.
pub(super) fn is_credible(path: &Path, form: &Form) -> bool {
    if *form == Form::Any {
        return true;
    }
    let mut first = Vec::new();
    let read = if is_packed(path) {
        open_packed(path).and_then(|mut archive| {
            if archive.mark().is_some() {
                return Ok(true);
            }
            archive.stream(0)?.take(FIRST_LINE as u64).read_to_end(&mut first)?;
            Ok(false)
        })
    } else {
        let file = platform::open_to_read(path);
        file.and_then(|file| file.take(FIRST_LINE as u64).read_to_end(&mut first)).map(|_| false)
    };
    // What could be read of a file that is damaged further on.
    read.unwrap_or(false) || form.fits(&first)
}

/// Whether an error says that a file cannot be read now, and not that there is none or that it is damaged.
pub(super) fn is_passing(error: &io::Error) -> bool {
    let is_lasting = matches!(
        error.kind(),
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::Other
    );
    !is_lasting && !platform::is_missing(error)
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
        // What goes in the meantime is no file of the set, nor is a file in which nothing stands.
        let Ok(meta) = entry.metadata() else { continue };
        if meta.is_file() && meta.len() > 0 {
            let (head, generation, is_unread) = match beginning(&entry.path()) {
                Ok((head, generation)) => (head, generation, false),
                Err(error) if platform::is_missing(&error) => continue,
                Err(error) => (Vec::new(), None, is_passing(&error)),
            };
            let inode = platform::identity_of(&meta).inode;
            let found_file = Found { name, size: meta.len(), inode, head, generation, is_unread };
            found.push((meta.modified().ok(), found_file));
        }
    }
    remove_originals(directory, &mut found);
    found.sort_by(|(one_time, one), (other_time, other)| {
        let [one, other] =
            [(one, one_time), (other, other_time)].map(|(found, time)| (found.name == set, *time, found));
        (one.0, one.1).cmp(&(other.0, other.1)).then_with(|| by_name(set, &one.2.name, &other.2.name))
    });
    let mut found: Vec<Found> = found.into_iter().map(|(_, found)| found).collect();
    // The highest number is the oldest, whatever was done to the file since.
    let numbered = |found: &Found| Names::number(set, &found.name);
    let places: Vec<usize> = (0..found.len()).filter(|at| numbered(&found[*at]).is_some()).collect();
    let mut in_order: Vec<Found> = places.iter().map(|at| found[*at].clone()).collect();
    in_order.sort_by_key(|found| std::cmp::Reverse(numbered(found)));
    for (place, file) in places.into_iter().zip(in_order) {
        found[place] = file;
    }
    Ok(found)
}

/// The order of files of which the system says that they were last written at the same time: with numbers alone the highest is the oldest, with dates
/// the lowest.
fn by_name(set: &str, one: &str, other: &str) -> Ordering {
    let key = |name: &str| {
        let plain = PACKED.iter().find_map(|packed| name.strip_suffix(packed)).unwrap_or(name).to_owned();
        let (base, number) = match plain.rsplit_once('.') {
            Some((base, digits)) => digits.parse::<u64>().map_or((&*plain, 0), |number| (base, number)),
            None => (&*plain, 0),
        };
        (Names::number(set, name).map(std::cmp::Reverse), base.to_owned(), number)
    };
    key(one).cmp(&key(other))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[test]
    fn files_are_in_the_order_in_which_they_were_made_whatever_their_times_say() {
        let directory = tempfile::tempdir().unwrap();
        let put = |name: &str, second: u64| {
            let path = directory.path().join(name);
            fs::write(&path, format!("{name}\n")).unwrap();
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(second);
            fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        };
        let order = |set| find(directory.path(), set).unwrap().into_iter().map(|found| found.name).collect::<Vec<_>>();
        for (name, second) in [("a.log", 1), ("a.log.10", 5), ("a.log.9", 5), ("a.log.2", 3), ("a.log.1", 9)] {
            put(name, second);
        }
        assert_eq!(order("a.log"), ["a.log.10", "a.log.9", "a.log.2", "a.log.1", "a.log"]);
        for name in ["b-2026-02-19.log.10", "b-2026-02-19.log.9", "b-2026-02-19.log", "b-2026-02-18.log"] {
            put(name, 5);
        }
        put("b-2026-02-19.log.1", 4);
        let expected =
            ["b-2026-02-19.log.1", "b-2026-02-18.log", "b-2026-02-19.log", "b-2026-02-19.log.9", "b-2026-02-19.log.10"];
        assert_eq!(order("b.log"), expected);
    }
}
