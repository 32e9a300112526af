//! When a log file is changed for a new one, and what its predecessors are called. Decides only; `sink` acts.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Rotation by size: `app.log`, then `app.log.1` (the newest before it) to `app.log.N`.
#[derive(Clone, Copy, Debug)]
pub struct SizeRotation {
    /// Bytes; 0 never rotates.
    pub max_bytes: u64,
    /// Files kept beside the current one; 0 never rotates, as in `logging.handlers`.
    pub backup_count: u32,
}

impl SizeRotation {
    /// Bytes that may be appended to a file of `size` bytes, `u64::MAX` when it never rotates.
    #[must_use]
    pub fn room(&self, size: u64) -> u64 {
        if self.max_bytes == 0 || self.backup_count == 0 { u64::MAX } else { self.max_bytes.saturating_sub(size) }
    }

    /// The renames of one rotation, in order, up to the first number that is free: after a rotation that was cut short, the
    /// oldest file is not pushed out for the gap it left. Without a gap, what lies at the last target is replaced.
    pub fn renames<'a, E: Fn(&Path) -> bool>(
        &self,
        path: &'a Path,
        exists: E,
    ) -> impl Iterator<Item = (PathBuf, PathBuf)> + use<'a, E> {
        let last = (1..=self.backup_count).find(|number| !exists(&backup(path, *number))).unwrap_or(self.backup_count);
        (1..=last).rev().map(move |number| (backup(path, number - 1), backup(path, number)))
    }
}

/// `path.N`; `path` itself for 0.
fn backup(path: &Path, number: u32) -> PathBuf {
    if number == 0 {
        return path.to_owned();
    }
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_moves_first() {
        let rotation = SizeRotation { max_bytes: 1, backup_count: 2 };
        let renames: Vec<_> = rotation.renames(Path::new("a.log"), |_| true).collect();
        assert_eq!(renames, [("a.log.1".into(), "a.log.2".into()), ("a.log".into(), "a.log.1".into())]);
    }

    #[test]
    fn a_gap_is_filled_before_anything_goes() {
        let rotation = SizeRotation { max_bytes: 1, backup_count: 5 };
        let renames: Vec<_> = rotation.renames(Path::new("a.log"), |path| path != Path::new("a.log.2")).collect();
        assert_eq!(renames, [("a.log.1".into(), "a.log.2".into()), ("a.log".into(), "a.log.1".into())]);
    }

    #[test]
    fn without_bound_or_backups_there_is_always_room() {
        assert_eq!(SizeRotation { max_bytes: 0, backup_count: 2 }.room(9), u64::MAX);
        assert_eq!(SizeRotation { max_bytes: 5, backup_count: 0 }.room(9), u64::MAX);
        assert_eq!(SizeRotation { max_bytes: 10, backup_count: 1 }.room(9), 1);
        assert_eq!(SizeRotation { max_bytes: 5, backup_count: 1 }.room(9), 0);
    }
}
