//! The life of a log file, as three decisions: when it is changed for a new one, what its predecessors are called, and which of them stay. Decides
//! only; `sink` acts.

mod calendar;
mod keep;
mod name;
mod when;

pub use calendar::{Calendar, Every, Period, Periods, weekday};
pub use keep::{Disk, Free, Keep, Rotated, Rule};
pub use name::{Names, PACKED, Step, There, unpacked};
pub use when::{Turns, When};

use serde::{Deserialize, Serialize};

use crate::clock::Zone;

/// How a file is rotated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rotation {
    pub when: When,
    pub names: Names,
    /// Of the dates in names, where no calendar says which.
    pub zone: Zone,
    pub keep: Keep,
}

impl Rotation {
    /// By size, with numbers: `app.log`, then `app.log.1` (the newest before it) to `app.log.N`. A bound or a count of 0 never rotates, as in
    /// `logging.handlers`.
    #[must_use]
    pub fn by_size(max_bytes: u64, backup_count: u32) -> Self {
        let when = if backup_count == 0 { When::default() } else { When::of_size(max_bytes) };
        Self {
            when,
            names: Names::Numbers,
            zone: Zone::Utc,
            keep: Keep { files: Some(backup_count), ..Keep::default() },
        }
    }

    /// Whether a file is ever changed for a new one: never where no rotated file may stay.
    #[must_use]
    pub fn is_ever(&self) -> bool {
        self.keep.files != Some(0)
    }

    /// Bytes that may be appended to a file of `size` bytes, `u64::MAX` when it never rotates.
    #[must_use]
    pub fn room(&self, size: u64) -> u64 {
        self.when.room(size)
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
