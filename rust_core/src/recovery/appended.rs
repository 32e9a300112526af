//! The file to which a process was appending when it died.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::archive::Archive;
use crate::blackbox::JournalEntry;
use crate::catalogue::{self, Catalogue};
use crate::platform::{self, Identity};

/// Bytes that are searched for lines that a process wrote just before it died.
const LOOK: u64 = 64 << 20;

/// Finds the file that was being appended to. Its generation tells, whatever its name is by now and whether it was packed. Without one, the
/// number tells that the file system gave it: at its path, rotated, or renamed within the directory. In a copied directory that number is another
/// one, and the file at the path is taken if it is long enough: only lines of these records are looked for in it. To be called with the
/// directory's lock.
pub(super) fn find(directory: &Path, name: &str, entry: JournalEntry, copied: bool) -> Option<PathBuf> {
    if entry.generation > 0 {
        let mut catalogue = Catalogue::of(directory);
        catalogue.look();
        let known = catalogue.known().get(entry.generation);
        let path = known.map(|known| (directory.join(&known.name), known));
        if let Some((path, _)) = path.filter(|(path, known)| catalogue::is_it(path, known).unwrap_or(false)) {
            return Some(path);
        }
    }
    let is_it = |path: &Path| platform::identity_at(path).is_ok_and(|found: Identity| found == entry.identity());
    let path = directory.join(name);
    if is_it(&path) {
        return Some(path);
    }
    let mut others = std::fs::read_dir(directory).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let is_long_enough = || path.symlink_metadata().is_ok_and(|meta| meta.is_file() && meta.len() >= entry.offset);
    others.find(|path| is_it(path)).or_else(|| (copied && is_long_enough()).then(|| path.clone()))
}

pub(super) fn read_from(path: &Path, entry: JournalEntry) -> Option<Vec<u8>> {
    if catalogue::is_packed(path) {
        let mut archive = Archive::open(path, None).ok()?;
        let mut text = Vec::new();
        archive.stream(entry.offset).ok()?.take(LOOK).read_to_end(&mut text).ok()?;
        return Some(text);
    }
    let file = platform::open_to_read(path).ok()?;
    let length = file.metadata().ok()?.len().checked_sub(entry.offset)?.min(LOOK);
    let mut text = vec![0; usize::try_from(length).ok()?];
    let count = platform::read_at(&file, &mut text, entry.offset).ok()?;
    text.truncate(count);
    Some(text)
}
