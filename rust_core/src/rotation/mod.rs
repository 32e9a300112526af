//! The life of a log file, as three decisions: when it is changed for a new one, what its predecessors are called, and which of them stay. Decides
//! only; `sink` acts.

mod calendar;
mod keep;
mod name;
mod when;

use std::path::{Path, PathBuf};

pub use calendar::{Calendar, Every, Period, Periods, weekday};
pub use keep::Keep;
pub use name::Names;
pub use when::When;

/// How a file is rotated.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    pub when: When,
    pub names: Names,
    pub keep: Keep,
}

impl Rotation {
    /// By size, with numbers: `app.log`, then `app.log.1` (the newest before it) to `app.log.N`. A bound or a count of 0 never rotates, as in
    /// `logging.handlers`.
    #[must_use]
    pub fn by_size(max_bytes: u64, backup_count: u32) -> Self {
        let when = if backup_count == 0 { When::Never } else { When::of_size(max_bytes) };
        Self { when, names: Names::Numbers, keep: Keep::Newest(backup_count) }
    }

    /// Bytes that may be appended to a file of `size` bytes, `u64::MAX` when it never rotates.
    #[must_use]
    pub fn room(&self, size: u64) -> u64 {
        self.when.room(size)
    }

    /// The renames of one rotation, in order. What lies at the last target is replaced.
    pub fn renames<E: Fn(&Path) -> bool>(&self, path: &Path, exists: E) -> impl Iterator<Item = (PathBuf, PathBuf)> {
        let Keep::Newest(count) = self.keep;
        self.names.renames(path, count, exists)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_bound_or_backups_there_is_always_room() {
        assert_eq!(Rotation::by_size(0, 2).room(9), u64::MAX);
        assert_eq!(Rotation::by_size(5, 0).room(9), u64::MAX);
        assert_eq!(Rotation::by_size(10, 1).room(9), 1);
        assert_eq!(Rotation::by_size(5, 1).room(9), 0);
    }
}
