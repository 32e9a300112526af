//! Whose a file is that has the name of a rotated file.

use std::fs::File;
use std::path::Path;
use std::time::SystemTime;

use super::form::FIRST_LINE;
use super::{Catalogue, Entry, Known, beginning, found, head_of, is_packed};
use crate::error_handler::remark;
use crate::platform;
use crate::rotation::There;

impl Catalogue {
    /// What has a name in the directory. A file is of the set if the catalogue knows it, if it says so itself because it was packed here, or if its first
    /// line is one of the set. Anything else belongs to somebody else, and so does what is no file. To be called with the directory's lock, after `look`.
    ///
    /// # Errors
    /// When that cannot be found out.
    pub fn whose(&self, directory: &Path, set: &str, name: &str) -> std::io::Result<There> {
        let path = directory.join(name);
        let meta = match path.symlink_metadata() {
            Err(error) if platform::is_missing(&error) => return Ok(There::Nothing),
            meta => meta?,
        };
        if !meta.is_file() {
            return Ok(There::Foreign);
        }
        let inode = platform::identity_of(&meta).inode;
        if let Some(entry) = self.known().named(set, name) {
            let is_unchanged = |bytes| entry.mark.inode == inode && bytes == meta.len();
            if !is_packed(&path) && entry.closed.is_some_and(|closed| is_unchanged(closed.bytes))
                || is_it(&path, entry).unwrap_or(false)
            {
                return Ok(There::Ours);
            }
        }
        let is_noted = self.known().foreign_at(name).is_some_and(|foreign| foreign.mark.inode == inode);
        if !is_noted && meta.len() > 0 && found::is_credible(&path, self.form_of(set)) {
            return Ok(There::Ours);
        }
        Ok(There::Foreign)
    }

    /// When the records of a file begin, in seconds since the epoch: by its first line if that tells it, else by when it was written last. `now` where
    /// neither says a time before it.
    #[must_use]
    pub fn begins(&self, set: &str, file: &File, now: i64) -> i64 {
        let by_line = || {
            let mut beginning = vec![0; FIRST_LINE];
            let count = platform::read_at(file, &mut beginning, 0).ok()?;
            Some(self.form_of(set).time(&beginning[..count])?.div_euclid(1_000_000_000))
        };
        let by_system = || {
            let written = file.metadata().and_then(|meta| meta.modified()).ok()?;
            i64::try_from(written.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs()).ok()
        };
        let is_past = |time: &i64| *time <= now;
        by_line().filter(is_past).or_else(by_system).filter(is_past).unwrap_or(now)
    }
}

/// Tells of what is under the names of rotated files and was not made by this library.
pub fn tell_foreign<'n>(directory: &Path, known: &Known, names: impl Iterator<Item = &'n str>) {
    let is_copy = |name| known.foreign_at(name).is_some_and(|foreign| foreign.is_copy);
    let told: Vec<String> = names.map(|name| told_of(&directory.join(name), is_copy(name))).collect();
    if !told.is_empty() {
        remark("rotate to the names of other files", told.join("; "));
    }
}

/// Whether the process may not read a file, as where root has made it.
#[must_use]
pub fn is_closed_to_us(path: &Path) -> bool {
    beginning(path).is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
}

fn told_of(path: &Path, is_copy: bool) -> String {
    let is_unreadable = || if is_packed(path) { beginning(path).is_err() } else { is_closed_to_us(path) };
    let what = if is_copy {
        "is a copy of a rotated file"
    } else if is_unreadable() {
        "cannot be read, or is not of this library"
    } else {
        "is not of this library"
    };
    format!("{} {what}, and is left alone", path.display())
}

/// Whether the file at a path is the one that an entry speaks of, by what stands in it. The number that the file system gave it is no proof: another
/// file may have it by now.
///
/// # Errors
/// When the file cannot be read now, so that nothing can be said.
pub fn is_it(path: &Path, entry: &Entry) -> std::io::Result<bool> {
    let fits = |head: &[u8]| !head.is_empty() && entry.mark.length > 0 && entry.mark.fits(head);
    let head = if is_packed(path) {
        // Cheap. Only where the number is another is anything unpacked: the file was packed under a number of which this catalogue, or an earlier
        // one that was lost, knows nothing.
        if found::generation_in(path) == Some(entry.generation) {
            return Ok(true);
        }
        beginning(path).map(|(head, _)| head)
    } else {
        platform::open_to_read(path).and_then(|file| head_of(&file))
    };
    match head {
        Err(error) if found::is_passing(&error) => Err(error),
        head => Ok(head.is_ok_and(|head| fits(&head))),
    }
}
