//! Which files go: first those of each set beyond its own bounds, then the oldest of all sets beyond the bounds over all. What a shipper has not taken is held
//! beyond these bounds, within a bound of its own.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Settings;
use crate::catalogue::{Entry, Generation, Known};
use crate::rotation::{Disk, Keep, Rotated, Rule};

/// A file that goes, or would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Going {
    pub generation: Generation,
    pub set: String,
    pub name: String,
    /// On the disk.
    pub bytes: u64,
    pub rule: Rule,
    /// Whether every target that wants it has taken it.
    pub is_shipped: bool,
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The files that go, in the order in which they do.
    pub goes: Vec<Going>,
    /// The files that would go and stay, because a target has not taken them.
    pub held: Vec<Going>,
}

/// A file with what its bounds look at.
type Candidate = (Rotated, Going);

/// What the system says of a file.
#[derive(Clone, Copy, Debug)]
pub struct There {
    /// On the disk.
    pub bytes: u64,
    /// When it was written to, in seconds since the epoch.
    pub written: Option<i64>,
}

/// Plans a round. `there` tells of a file, None if it is not there, and `is_shipped` whether all targets have taken it. `now` is in seconds since the
/// epoch.
#[must_use]
pub fn plan(
    known: &Known,
    settings: &Settings,
    now: i64,
    disk: Option<Disk>,
    is_shipped: &dyn Fn(&Entry) -> bool,
    there: impl Fn(&Entry) -> Option<There>,
) -> Plan {
    let mut left: Vec<Candidate> = Vec::new();
    for entry in known.files().rev() {
        let Some(set) = settings.sets.iter().find(|set| set.name == entry.set) else { continue };
        let (Some(closed), Some(There { bytes, written })) = (entry.closed, there(entry)) else { continue };
        // A quiet program rotates its file long after the last record. A time to come says that the clock was wrong: then it is that of the rotation.
        let last = written.filter(|written| *written <= now).unwrap_or(closed.at);
        let rotated = Rotated { last, bytes, is_of_errors: set.is_of_errors };
        let (set, name) = (entry.set.clone(), entry.name.clone());
        let (generation, is_shipped) = (entry.generation, is_shipped(entry));
        left.push((rotated, Going { generation, set, name, bytes, rule: Rule::Files, is_shipped }));
    }
    let mut goes = Vec::new();
    for set in &settings.sets {
        // Room on the disk is made once, for all.
        take(&mut left, Some(&set.name), Keep { disk_free: None, ..set.keep }, now, None, &mut goes);
    }
    newest_first(&mut left);
    take(&mut left, None, Keep { disk_free: None, ..settings.all }, now, None, &mut goes);
    let mut held = hold(&mut goes, settings);
    // A disk that is full takes no more records: so room is made of what is held, too.
    left.extend(held.iter().cloned());
    newest_first(&mut left);
    let freed = goes.iter().fold(0_u64, |freed, (_, going)| freed.saturating_add(going.bytes));
    let disk = disk.map(|disk| Disk { free: disk.free.saturating_add(freed), ..disk });
    let room = Keep { disk_free: settings.all.disk_free, ..Keep::default() };
    take(&mut left, None, room, now, disk, &mut goes);
    held.retain(|(_, held)| goes.iter().all(|(_, going)| going.generation != held.generation));
    let all = |candidates: Vec<Candidate>| candidates.into_iter().map(|(_, going)| going).collect();
    Plan { goes: all(goes), held: all(held) }
}

fn newest_first(candidates: &mut [Candidate]) {
    candidates.sort_by_key(|(rotated, going)| (Reverse(rotated.last), Reverse(going.generation)));
}

/// Takes out of what goes the newest files that are not shipped, as many as the bounds hold.
fn hold(goes: &mut Vec<Candidate>, settings: &Settings) -> Vec<Candidate> {
    let mut waiting: Vec<Candidate> = goes.iter().filter(|(_, going)| !going.is_shipped).cloned().collect();
    newest_first(&mut waiting);
    // A set with a bound of its own has that to itself, and all others share one.
    let mut shared = settings.hold;
    let mut own: BTreeMap<&str, u64> =
        settings.sets.iter().filter_map(|set| Some((set.name.as_str(), set.hold?))).collect();
    waiting.retain(|(_, going)| {
        let room = own.get_mut(going.set.as_str()).unwrap_or(&mut shared);
        let fits = going.bytes <= *room;
        // None that is older stays where a newer one had no room.
        *room = if fits { *room - going.bytes } else { 0 };
        fits
    });
    goes.retain(|(_, going)| waiting.iter().all(|(_, held)| held.generation != going.generation));
    waiting
}

/// Takes the files of a set, or all of them, that a bound does not keep. `left` has the newest of each set first.
fn take(
    left: &mut Vec<Candidate>,
    set: Option<&str>,
    keep: Keep,
    now: i64,
    disk: Option<Disk>,
    goes: &mut Vec<Candidate>,
) {
    let places: Vec<usize> = (0..left.len()).filter(|place| set.is_none_or(|set| left[*place].1.set == set)).collect();
    let files: Vec<Rotated> = places.iter().map(|place| left[*place].0).collect();
    let mut going: Vec<(usize, Rule)> =
        keep.goes(&files, now, disk).into_iter().map(|(place, rule)| (places[place], rule)).collect();
    // The oldest first, so that what is broken off has kept what is newest. Room on the disk is made in the order that its rule says.
    going.sort_by_key(|(place, rule)| {
        (*rule == Rule::DiskFree, if *rule == Rule::DiskFree { 0 } else { usize::MAX - place })
    });
    goes.extend(going.iter().map(|(place, rule)| (left[*place].0, Going { rule: *rule, ..left[*place].1.clone() })));
    let mut place = 0;
    left.retain(|_| {
        place += 1;
        !going.iter().any(|(gone, _)| *gone == place - 1)
    });
}
