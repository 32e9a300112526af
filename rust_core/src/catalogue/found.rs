//! The files of a set that are in the directory.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

use super::entry::{Generation, Mark};
use super::form::{FIRST_LINE, Form};
use super::head_of;
use super::known::Found;
use crate::archive::{Archive, is_damage, open_log};
use crate::error::Error;
use crate::platform;
use crate::rotation::{Names, PACKED, unpacked};

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
    let (_, head, generation) = open_beginning(path)?;
    Ok((head, generation))
}

/// The same, and what the system says of that very file: the name may be another one's by now.
fn open_beginning(path: &Path) -> io::Result<(Metadata, Vec<u8>, Option<Generation>)> {
    if is_packed(path) {
        let (mut archive, meta) = open_packed(path)?;
        let mut head = Vec::new();
        archive.stream(0)?.take(Mark::enough() as u64).read_to_end(&mut head)?;
        return Ok((meta, head, archive.mark().map(|mark| mark.generation)));
    }
    let file = platform::open_to_read(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok((meta, head_of(&file)?, None))
}

/// Whether a file is packed, by its name.
#[must_use]
pub fn is_packed(path: impl AsRef<Path>) -> bool {
    path.as_ref().extension().is_some_and(|end| PACKED.iter().any(|packed| packed[1..] == *end))
}

/// A packed file that can be read, and what the system tells of it.
///
/// # Errors
/// When it is not there, no file, or damaged at its beginning.
pub fn open_packed(path: &Path) -> io::Result<(Archive, Metadata)> {
    let (file, meta) = open_log("open", path).map_err(|error| match error {
        Error::Io { source, .. } => source,
        error => io::Error::new(io::ErrorKind::InvalidData, error.to_string()),
    })?;
    Ok((Archive::of(file, meta.len(), None)?, meta))
}

/// The generation that stands in a packed file.
#[must_use]
pub fn generation_in(path: &Path) -> Option<Generation> {
    open_packed(path).ok()?.0.mark().map(|mark| mark.generation)
}

/// Whether a file may be of a set of this form, by what stands in it. One that cannot be read may not.
pub(super) fn is_credible(path: &Path, form: &Form) -> bool {
    if *form == Form::Any {
        return true;
    }
    let mut first = Vec::new();
    let read = if is_packed(path) {
        open_packed(path).and_then(|(mut archive, _)| {
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
    !is_damage(error) && !platform::is_missing(error)
}

/// The files of a set, rotated ones and the current one, the oldest first as far as their times and names tell.
///
/// # Errors
/// When the directory cannot be read.
pub fn find(directory: &Path, set: &str) -> io::Result<Vec<Found>> {
    Ok(in_order(directory, set, look(directory, set)?.files))
}

/// The same for those who note what is there. `original_of` tells the generation of a file that is not known to be packed. It stays that file for as
/// long as it is there, and its packed file is left out. By what is known of the original, the upkeep finds that it has to go.
///
/// # Errors
/// When the directory cannot be read.
pub(super) fn find_unfinished(
    directory: &Path,
    set: &str,
    original_of: impl Fn(&Found) -> Option<Generation>,
) -> io::Result<Vec<Found>> {
    let mut found = look(directory, set)?.files;
    let originals: Vec<Generation> = found.iter().filter_map(|(_, one)| original_of(one)).collect();
    found.retain(|(_, one)| one.generation.is_none_or(|generation| !originals.contains(&generation)));
    Ok(in_order(directory, set, found))
}

/// The same beside a writer that rotates: what two looks agree on was so at one moment between them. The directory is looked at so many times until
/// they do; it comes with the files whether they did.
///
/// # Errors
/// When the directory cannot be read.
pub fn find_at_once(directory: &Path, set: &str, tries: u32) -> io::Result<(Vec<Found>, bool)> {
    let mut before = look(directory, set)?;
    let mut is_agreed = false;
    for tried in 0..tries {
        thread::sleep((PAUSE * tried).min(LONGEST_PAUSE));
        let now = look(directory, set)?;
        is_agreed = now.is_whole && before.is_whole && now.names == before.names;
        before = now;
        if is_agreed {
            break;
        }
    }
    remove_originals(directory, &mut before.files, &|original, packed| is_next_to(set, original, packed));
    Ok((in_order(directory, set, before.files), is_agreed))
}

/// Whether the number of a packed file is one less than that of its original. A rotation that was cut short has renamed the original, which goes
/// first, and not the other. For readers alone: where files are renamed and deleted, an operator may have unpacked it to that name.
fn is_next_to(set: &str, original: &str, packed: &str) -> bool {
    let number = |name| Names::number(set, name);
    number(original).zip(number(packed)).is_some_and(|(original, packed)| original == packed.saturating_add(1))
}

/// By how much the pause between two looks grows.
const PAUSE: Duration = Duration::from_micros(500);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// What one look at a directory finds of a set.
struct Looked {
    files: Vec<(Option<SystemTime>, Found)>,
    /// All names with the numbers of the file system, also those of files in which nothing stands.
    names: BTreeMap<String, u64>,
    /// Whether all names that were listed were still there when their files were opened.
    is_whole: bool,
}

fn look(directory: &Path, set: &str) -> io::Result<Looked> {
    let mut looked = Looked { files: Vec::new(), names: BTreeMap::new(), is_whole: true };
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name != set && !Names::is_rotated(set, &name) {
            continue;
        }
        // What goes in the meantime is no file of the set, nor is a file in which nothing stands.
        let meta = match entry.metadata() {
            Ok(meta) => meta,
            Err(error) => {
                looked.is_whole &= !platform::is_missing(&error);
                continue;
            }
        };
        if !meta.is_file() {
            continue;
        }
        // The same name may be another file's between two questions: only what one opening tells belongs together.
        let (meta, head, generation, is_unread) = match open_beginning(&entry.path()) {
            Ok((meta, head, generation)) => (meta, head, generation, false),
            Err(error) if platform::is_missing(&error) => {
                looked.is_whole = false;
                continue;
            }
            Err(error) => (meta, Vec::new(), None, is_passing(&error)),
        };
        let inode = platform::identity_of(&meta).inode;
        looked.names.insert(name.clone(), inode);
        if meta.len() > 0 {
            let born = meta.created().ok();
            let found = Found { name, size: meta.len(), inode, head, generation, is_unread, born };
            looked.files.push((meta.modified().ok(), found));
        }
    }
    Ok(looked)
}

fn in_order(directory: &Path, set: &str, mut found: Vec<(Option<SystemTime>, Found)>) -> Vec<Found> {
    remove_originals(directory, &mut found, &|original, packed| unpacked(packed) == original);
    remove_copies(&mut found);
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
    found
}

/// The order of files of which the system says that they were last written at the same time: with numbers alone the highest is the oldest, with dates
/// the lowest.
fn by_name(set: &str, one: &str, other: &str) -> Ordering {
    let key = |name: &str| {
        let plain = unpacked(name);
        let (base, number) = match plain.rsplit_once('.') {
            Some((base, digits)) => digits.parse::<u64>().map_or((plain, 0), |number| (base, number)),
            None => (plain, 0),
        };
        (Names::number(set, name).map(std::cmp::Reverse), base.to_owned(), number)
    };
    key(one).cmp(&key(other))
}

/// Leaves out originals of packed files: the process died that had packed them, and the upkeep removes them.
fn remove_originals(
    directory: &Path,
    found: &mut Vec<(Option<SystemTime>, Found)>,
    is_beside: &dyn Fn(&str, &str) -> bool,
) {
    let is_original = |one: &Found| {
        !is_packed(&one.name)
            && found.iter().any(|(_, other)| {
                other.generation.is_some() && other.head == one.head && is_beside(&one.name, &other.name) && {
                    let archive = Archive::open(&directory.join(&other.name), None);
                    let last = archive.ok().and_then(|archive| archive.extents().last().copied());
                    last.is_some_and(|last| last.at + u64::from(last.length) == one.size)
                }
            })
    };
    let originals: Vec<String> =
        found.iter().filter(|(_, one)| is_original(one)).map(|(_, one)| one.name.clone()).collect();
    found.retain(|(_, one)| !originals.contains(&one.name));
}

/// Leaves out what others have packed and left beside its original, or beside what this library has packed of that: its records are there.
fn remove_copies(found: &mut Vec<(Option<SystemTime>, Found)>) {
    let may_be_copy = |one: &Found| one.generation.is_none() && is_packed(&one.name);
    let is_copy = |copy: &Found| {
        let of = unpacked(&copy.name);
        let holds_the_same =
            |other: &Found| !may_be_copy(other) && unpacked(&other.name) == of && other.head == copy.head;
        may_be_copy(copy) && !copy.head.is_empty() && found.iter().any(|(_, other)| holds_the_same(other))
    };
    let copies: Vec<String> = found.iter().filter(|(_, one)| is_copy(one)).map(|(_, one)| one.name.clone()).collect();
    found.retain(|(_, one)| !copies.contains(&one.name));
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
