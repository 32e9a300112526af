//! Which of the rotated files stay.

use serde::{Deserialize, Serialize};

/// Room that stays free on the file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Free {
    Bytes(u64),
    /// Hundredths of a percent of the whole.
    Share(u32),
}

/// Bounds, which all hold at once. None of them counts or deletes the current file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keep {
    /// So many files.
    pub files: Option<u32>,
    /// Files whose last record is no older, in seconds.
    pub age: Option<u64>,
    /// Bytes on the disk.
    pub bytes: Option<u64>,
    pub disk_free: Option<Free>,
}

/// A rotated file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// When it got its last record, in seconds since the epoch.
    pub last: i64,
    /// On the disk.
    pub bytes: u64,
    /// Whether it has errors alone: such files go last.
    pub is_of_errors: bool,
}

/// The bound for which a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    Files,
    Age,
    Bytes,
    DiskFree,
}

/// The room on a file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    pub size: u64,
    pub free: u64,
}

impl Keep {
    /// The files that go, by their places among `files`, which has the newest first; and why. `now` is in seconds since the epoch.
    #[must_use]
    pub fn goes(&self, files: &[Rotated], now: i64, disk: Option<Disk>) -> Vec<(usize, Rule)> {
        let mut bytes = 0_u64;
        let mut goes = Vec::new();
        for (place, file) in files.iter().enumerate() {
            bytes = bytes.saturating_add(file.bytes);
            let is_beyond = |bound: Option<u64>, value: u64| bound.is_some_and(|bound| value > bound);
            let rule = if is_beyond(self.files.map(u64::from), place as u64 + 1) {
                Rule::Files
            } else if is_beyond(self.age, u64::try_from(now.saturating_sub(file.last)).unwrap_or(0)) {
                Rule::Age
            } else if is_beyond(self.bytes, bytes) {
                Rule::Bytes
            } else {
                continue;
            };
            goes.push((place, rule));
        }
        self.make_room(files, disk, &mut goes);
        goes
    }

    /// Adds the files that must go for room on the disk: the oldest first, and those of errors after all others.
    fn make_room(&self, files: &[Rotated], disk: Option<Disk>, goes: &mut Vec<(usize, Rule)>) {
        let (Some(wanted), Some(disk)) = (self.disk_free, disk) else { return };
        let wanted = match wanted {
            Free::Bytes(bytes) => bytes,
            Free::Share(share) => u64::try_from(u128::from(disk.size) * u128::from(share) / 10_000).unwrap_or(u64::MAX),
        };
        let mut free = goes.iter().fold(disk.free, |free, (place, _)| free.saturating_add(files[*place].bytes));
        for of_errors in [false, true] {
            for place in (0..files.len()).rev() {
                if free >= wanted {
                    return;
                }
                if files[place].is_of_errors == of_errors && !goes.iter().any(|(gone, _)| *gone == place) {
                    goes.push((place, Rule::DiskFree));
                    free = free.saturating_add(files[place].bytes);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten bytes each, an hour apart, the newest first.
    fn files(count: i64) -> Vec<Rotated> {
        (0..count).map(|age| Rotated { last: -3600 * age, bytes: 10, is_of_errors: age % 2 == 1 }).collect()
    }

    #[test]
    fn without_bounds_all_stay() {
        assert_eq!(Keep::default().goes(&files(5), 0, Some(Disk { size: 1, free: 0 })), []);
    }

    #[test]
    fn each_bound_holds() {
        let goes = |keep: Keep| keep.goes(&files(4), 0, None);
        assert_eq!(goes(Keep { files: Some(3), ..Keep::default() }), [(3, Rule::Files)]);
        assert_eq!(goes(Keep { age: Some(3600), ..Keep::default() }), [(2, Rule::Age), (3, Rule::Age)]);
        assert_eq!(goes(Keep { bytes: Some(25), ..Keep::default() }), [(2, Rule::Bytes), (3, Rule::Bytes)]);
        let all = Keep { files: Some(3), age: Some(7200), bytes: Some(10), disk_free: None };
        assert_eq!(goes(all), [(1, Rule::Bytes), (2, Rule::Bytes), (3, Rule::Files)]);
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_file_old() {
        assert_eq!(Keep { age: Some(10), ..Keep::default() }.goes(&files(1), -9_000, None), []);
    }

    #[test]
    fn for_room_the_oldest_go_first_and_errors_last() {
        let room = |free, wanted| {
            let keep = Keep { disk_free: Some(wanted), ..Keep::default() };
            let goes = keep.goes(&files(4), 0, Some(Disk { size: 1_000, free }));
            goes.into_iter().map(|(place, _)| place).collect::<Vec<_>>()
        };
        assert_eq!(room(50, Free::Bytes(50)), Vec::<usize>::new());
        assert_eq!(room(45, Free::Bytes(50)), [2]);
        assert_eq!(room(20, Free::Share(500)), [2, 0, 3]);
        assert_eq!(room(0, Free::Share(10_000)), [2, 0, 3, 1]);
    }

    #[test]
    fn what_goes_anyway_makes_room() {
        let keep = Keep { files: Some(2), disk_free: Some(Free::Bytes(40)), ..Keep::default() };
        let goes = keep.goes(&files(4), 0, Some(Disk { size: 1_000, free: 20 }));
        assert_eq!(goes, [(2, Rule::Files), (3, Rule::Files)]);
    }
}
