//! Which files go: first those of each set beyond its own bounds, then the oldest of all sets beyond the bounds over all.

use std::cmp::Reverse;

use super::Settings;
use crate::catalogue::{Entry, Generation, Known};
use crate::rotation::{Disk, Keep, Rotated, Rule};

/// A file that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Going {
    pub generation: Generation,
    pub set: String,
    pub name: String,
    /// On the disk.
    pub bytes: u64,
    pub rule: Rule,
}

/// The files that go, in the order in which they do. `size` says what a file takes on the disk, None if it is not there. `now` is in seconds
/// since the epoch.
#[must_use]
pub fn plan(
    known: &Known,
    settings: &Settings,
    now: i64,
    disk: Option<Disk>,
    size: impl Fn(&Entry) -> Option<u64>,
) -> Vec<Going> {
    let mut left: Vec<(Rotated, Going)> = Vec::new();
    for entry in known.files().rev() {
        let Some(set) = settings.sets.iter().find(|set| set.name == entry.set) else { continue };
        let (Some(closed), Some(bytes)) = (entry.closed, size(entry)) else { continue };
        let rotated = Rotated { last: closed.at, bytes, is_of_errors: set.is_of_errors };
        let (set, name) = (entry.set.clone(), entry.name.clone());
        left.push((rotated, Going { generation: entry.generation, set, name, bytes, rule: Rule::Files }));
    }
    let mut goes = Vec::new();
    for set in &settings.sets {
        // Room on the disk is made once, for all.
        take(&mut left, Some(&set.name), Keep { disk_free: None, ..set.keep }, now, None, &mut goes);
    }
    left.sort_by_key(|(rotated, going)| (Reverse(rotated.last), Reverse(going.generation)));
    let freed = goes.iter().fold(0_u64, |freed, going| freed.saturating_add(going.bytes));
    let disk = disk.map(|disk| Disk { free: disk.free.saturating_add(freed), ..disk });
    take(&mut left, None, settings.all, now, disk, &mut goes);
    goes
}

/// Takes the files of a set, or all of them, that a bound does not keep. `left` has the newest of each set first.
fn take(
    left: &mut Vec<(Rotated, Going)>,
    set: Option<&str>,
    keep: Keep,
    now: i64,
    disk: Option<Disk>,
    goes: &mut Vec<Going>,
) {
    let places: Vec<usize> = (0..left.len()).filter(|place| set.is_none_or(|set| left[*place].1.set == set)).collect();
    let files: Vec<Rotated> = places.iter().map(|place| left[*place].0).collect();
    let mut going: Vec<(usize, Rule)> =
        keep.goes(&files, now, disk).into_iter().map(|(place, rule)| (places[place], rule)).collect();
    // The oldest first, so that what is broken off has kept what is newest.
    going.sort_by_key(|(place, rule)| (*rule == Rule::DiskFree, Reverse(*place)));
    goes.extend(going.iter().map(|(place, rule)| Going { rule: *rule, ..left[*place].1.clone() }));
    let mut place = 0;
    left.retain(|_| {
        place += 1;
        !going.iter().any(|(gone, _)| *gone == place - 1)
    });
}
