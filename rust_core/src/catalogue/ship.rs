//! How far the targets of a shipper have taken the files of each set.
//!
//! Each target has a file `ship/NAME.position` beside the catalogue, and its presence registers the target. The file has two slots of 32 KiB, which are
//! written in turn, so that a death in the middle of a write leaves the position before. A slot is:
//!
//! | bytes | what |
//! | --- | --- |
//! | 0–7 | `ulship01` |
//! | 8–15 | how often a position was written, little endian as all numbers: the slot with the higher number holds |
//! | 16–19 | the length of what follows the head |
//! | 20–23 | 0 |
//! | 24–31 | the checksum of bytes 0 to 23 and of what follows the head |
//! | 32– | JSON: `{"sets": {"app.log": {"generation": 7, "offset": 4096, "sequence": 12}}}` |
//!
//! A target has taken every file of the set with a lower generation, and so many bytes, unpacked, of the file of this generation. `sequence` is the number of
//! the next record of the set. A set that a position does not name is none of the target's. A target that has taken nothing yet names its sets with zeros.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::entry::{Entry, Generation};
use crate::checksum;
use crate::platform;

const DIRECTORY: &str = "ship";
const END: &str = ".position";
const MAGIC: &[u8; 8] = b"ulship01";
const SLOT: usize = 32 << 10;
const HEAD: usize = 32;
/// What of the head the checksum is about.
const SUMMED: usize = 24;

/// How far a target is in one set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pub generation: Generation,
    /// Bytes of the file of that generation, unpacked.
    pub offset: u64,
    /// The number of the next record of the set.
    pub sequence: u64,
}

/// How far a target is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Positions {
    pub sets: BTreeMap<String, Position>,
}

/// How far all targets of a directory are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shipped {
    targets: Vec<Option<Positions>>,
    /// Positions that cannot be read, and why. Their targets count as having taken nothing.
    pub damaged: Vec<String>,
}

impl Shipped {
    /// Reads the positions that are beside a catalogue. `home` is the directory of the boxes.
    #[must_use]
    pub fn read(home: &Path) -> Self {
        let mut shipped = Self::default();
        let paths = paths(home).unwrap_or_else(|error| {
            // A target that may be registered there counts as having taken nothing, too.
            shipped.damaged.push(format!("{}: {error}", home.join(DIRECTORY).display()));
            shipped.targets.push(None);
            Vec::new()
        });
        for path in paths {
            let positions = read(&path);
            if let Err(error) = &positions {
                if platform::is_missing(error) {
                    continue;
                }
                shipped.damaged.push(format!("{}: {error}", path.display()));
            }
            shipped.targets.push(positions.ok());
        }
        shipped
    }

    /// Whether there is any target.
    #[must_use]
    pub fn has_targets(&self) -> bool {
        !self.targets.is_empty()
    }

    /// Whether each target that takes files of its set has taken all of a file that gets no more records.
    #[must_use]
    pub fn has_taken(&self, entry: &Entry) -> bool {
        let bytes = entry.closed.map_or(u64::MAX, |closed| closed.bytes);
        self.targets.iter().all(|positions| {
            let Some(positions) = positions else { return false };
            positions.sets.get(&entry.set).is_none_or(|position| {
                position.generation > entry.generation
                    || position.generation == entry.generation && position.offset >= bytes
            })
        })
    }
}

/// Whether any target is registered, or may be. Cheaper than to read what they have taken. A process that may not look, because another user's
/// processes keep the catalogue, knows of none: nobody may be there who would delete in its place.
#[must_use]
pub fn is_any_registered(home: &Path) -> bool {
    match paths(home) {
        Ok(paths) => !paths.is_empty(),
        Err(error) => error.kind() != io::ErrorKind::PermissionDenied,
    }
}

/// Where the position of a target is. `None` for a name that is none of a file.
#[must_use]
pub fn path_of(home: &Path, target: &str) -> Option<PathBuf> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_name = !target.is_empty() && target.len() <= 128 && !target.starts_with('.') && target.bytes().all(is_plain);
    is_name.then(|| home.join(DIRECTORY).join(format!("{target}{END}")))
}

/// Notes how far a target is, and registers it. The bytes are on the device when this returns.
///
/// # Errors
/// When the file cannot be written, or the position is too long for a slot.
pub fn write(home: &Path, target: &str, positions: &Positions) -> io::Result<()> {
    let wrong = |what| io::Error::new(io::ErrorKind::InvalidInput, what);
    let path = path_of(home, target).ok_or_else(|| wrong("it is no name of a target"))?;
    let json = serde_json::to_vec(positions)?;
    if json.len() > SLOT - HEAD {
        return Err(wrong("a position names too many sets"));
    }
    platform::private_directory(home)?;
    platform::private_directory(&home.join(DIRECTORY))?;
    let (file, is_new) = match platform::open_private(&path, false) {
        Err(error) if platform::is_missing(&error) => (platform::open_private(&path, true)?, true),
        file => (file?, false),
    };
    let slots = [0, 1].map(|slot| read_slot(&file, slot).ok());
    let count = slots.iter().flatten().map(|(count, _)| *count).max().unwrap_or(0) + 1;
    // The slot that does not hold: the other one stays as it is.
    let slot = usize::from(
        matches!(&slots, [Some((first, _)), second] if second.as_ref().is_none_or(|(second, _)| first > second)),
    );
    let mut bytes = Vec::with_capacity(HEAD + json.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend(count.to_le_bytes());
    bytes.extend(u32::try_from(json.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(sum(&bytes[..SUMMED], &json).to_le_bytes());
    bytes.extend(&json);
    platform::write_at(&file, &bytes, (slot * SLOT) as u64)?;
    platform::sync_data(&file)?;
    if is_new {
        platform::sync_directory(&home.join(DIRECTORY))?;
    }
    Ok(())
}

/// Forgets a target: nothing is held for it any more.
///
/// # Errors
/// When its position cannot be removed.
pub fn forget(home: &Path, target: &str) -> io::Result<()> {
    let Some(path) = path_of(home, target) else { return Ok(()) };
    platform::remove_if_there(&path)
}

/// Reads the position of a target.
///
/// # Errors
/// When it cannot be read, or neither slot is whole.
pub fn read(path: &Path) -> io::Result<Positions> {
    let file = platform::open_to_read(path)?;
    let slots = [0, 1].map(|slot| read_slot(&file, slot));
    let refused = slots.iter().find_map(|slot| slot.as_ref().err().map(|error| (error.kind(), error.to_string())));
    let newest = slots.into_iter().flatten().max_by_key(|(count, _)| *count);
    let (kind, reason) = refused.unwrap_or((io::ErrorKind::InvalidData, String::new()));
    newest.map(|(_, positions)| positions).ok_or_else(|| io::Error::new(kind, reason))
}

/// The highest generation that a position names: no other file may get it.
pub(super) fn highest_generation(home: &Path) -> Generation {
    let all = paths(home).unwrap_or_default().into_iter().filter_map(|path| read(&path).ok());
    all.flat_map(|positions| positions.sets.into_values().map(|position| position.generation)).max().unwrap_or(0)
}

/// The positions that are there. None where nobody has ever registered.
fn paths(home: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(home.join(DIRECTORY)) {
        Err(error) if platform::is_missing(&error) => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let target = name.to_str().and_then(|name| name.strip_suffix(END));
        if target.is_some_and(|target| path_of(home, target).is_some()) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn sum(head: &[u8], json: &[u8]) -> u64 {
    checksum::of(head) ^ checksum::of(json).rotate_left(32)
}

fn read_slot(file: &fs::File, slot: usize) -> io::Result<(u64, Positions)> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "it is no position, or damaged");
    let mut bytes = vec![0; SLOT];
    let mut length = 0;
    // A read may give less than there is.
    loop {
        let count = platform::read_at(file, &mut bytes[length..], (slot * SLOT + length) as u64)?;
        if count == 0 {
            break;
        }
        length += count;
    }
    let (head, rest) = bytes[..length].split_at_checked(HEAD).ok_or_else(damaged)?;
    let word = |at: usize| head.get(at..at + 8).and_then(|word| word.try_into().ok()).map_or(0, u64::from_le_bytes);
    let length = usize::try_from(word(16) & u64::from(u32::MAX)).map_err(|_| damaged())?;
    let json = rest.get(..length).ok_or_else(damaged)?;
    if head[..8] != *MAGIC || word(24) != sum(&head[..SUMMED], json) {
        return Err(damaged());
    }
    Ok((word(8), serde_json::from_slice(json).map_err(|_| damaged())?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Closed, Mark};

    fn positions(generation: Generation, offset: u64) -> Positions {
        Positions { sets: [("app.log".to_owned(), Position { generation, offset, sequence: 3 })].into() }
    }

    fn entry(set: &str, generation: Generation) -> Entry {
        Entry {
            generation,
            set: set.to_owned(),
            name: format!("{set}.1"),
            mark: Mark::of(1, b"x"),
            made: 0,
            period: None,
            closed: Some(Closed { at: 0, bytes: 100, sequence: None }),
        }
    }

    #[test]
    fn a_position_is_read_back_and_the_one_before_where_the_last_is_torn() {
        let home = tempfile::tempdir().unwrap();
        platform::private_directory(home.path()).unwrap();
        for generation in 1..6 {
            write(home.path(), "loki", &positions(generation, 7)).unwrap();
            let path = path_of(home.path(), "loki").unwrap();
            assert_eq!(read(&path).unwrap(), positions(generation, 7));
            let whole = fs::read(&path).unwrap();
            let slot = SLOT * usize::from(generation % 2 == 0);
            for byte in [0, 9, 17, 25, HEAD, HEAD + 20] {
                let mut torn = whole.clone();
                torn[slot + byte] ^= 1;
                fs::write(&path, &torn).unwrap();
                assert_eq!(read(&path).ok(), (generation > 1).then(|| positions(generation - 1, 7)), "{byte}");
            }
            fs::write(&path, &whole).unwrap();
        }
        // The next write is after a torn one.
        let path = path_of(home.path(), "loki").unwrap();
        let mut torn = fs::read(&path).unwrap();
        torn[HEAD] ^= 1;
        fs::write(&path, &torn).unwrap();
        write(home.path(), "loki", &positions(9, 1)).unwrap();
        assert_eq!(read(&path).unwrap(), positions(9, 1));
        assert_eq!(highest_generation(home.path()), 9);
    }

    #[test]
    fn a_file_is_taken_when_every_target_of_its_set_has_all_of_it() {
        let home = tempfile::tempdir().unwrap();
        assert!(!Shipped::read(home.path()).has_targets());
        assert!(Shipped::read(home.path()).has_taken(&entry("app.log", 1)), "nobody wants it");
        write(home.path(), "one", &positions(3, 100)).unwrap();
        write(home.path(), "two", &positions(2, 99)).unwrap();
        let shipped = Shipped::read(home.path());
        let taken: Vec<_> = (1..5).filter(|generation| shipped.has_taken(&entry("app.log", *generation))).collect();
        assert_eq!(taken, [1]);
        assert!(shipped.has_taken(&entry("errors.log", 9)), "nobody takes files of this set");
        forget(home.path(), "two").unwrap();
        let shipped = Shipped::read(home.path());
        let taken: Vec<_> = (1..5).filter(|generation| shipped.has_taken(&entry("app.log", *generation))).collect();
        assert_eq!(taken, [1, 2, 3]);
    }

    #[test]
    fn a_position_that_cannot_be_read_has_taken_nothing() {
        let home = tempfile::tempdir().unwrap();
        write(home.path(), "one", &positions(3, 100)).unwrap();
        fs::write(path_of(home.path(), "one").unwrap(), "something else").unwrap();
        let shipped = Shipped::read(home.path());
        assert_eq!((shipped.damaged.len(), shipped.has_taken(&entry("app.log", 1))), (1, false));
        write(home.path(), "one", &positions(4, 0)).unwrap();
        assert!(Shipped::read(home.path()).has_taken(&entry("app.log", 1)));
    }

    #[test]
    fn names_of_targets_lead_nowhere_else() {
        let home = tempfile::tempdir().unwrap();
        for name in ["", "..", "../x", "a/b", ".hidden", "a\0", &"x".repeat(129)] {
            assert_eq!(path_of(home.path(), name), None, "{name:?}");
            assert!(write(home.path(), name, &Positions::default()).is_err());
        }
    }
}
