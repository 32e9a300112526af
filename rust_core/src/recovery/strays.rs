//! Boxes in shared memory that belong to other log directories.

use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Recovered, recover};
use crate::blackbox::{self, Ownerless};

/// What is to be done with boxes of other log directories whose owners are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strays {
    /// Only those without records are removed: no log directory is touched, so that nothing waits for a disk of others.
    Tidy,
    /// The records are written into their directories.
    Recover,
}

/// A box whose directory is gone for as long as this is given up.
const GIVEN_UP: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Asked for each log directory before anything is written there: the path to work in, or why it is left alone.
pub type Ask<'a> = &'a (dyn Fn(&Path) -> std::result::Result<PathBuf, String> + Sync);

/// For those who work in every directory as it is.
///
/// # Errors
/// None.
pub fn anywhere(directory: &Path) -> std::result::Result<PathBuf, String> {
    Ok(directory.to_owned())
}

/// Deals with the boxes of this user in shared memory that belong to any log directory and whose owners are gone, for as long as
/// `goes_on` says so, where `ask` allows it. Tells what was done and how many boxes with records are left.
#[must_use]
pub fn sweep_strays(what: Strays, goes_on: impl Fn() -> bool + Sync, ask: Ask<'_>) -> (Recovered, u64) {
    let (mut recovered, mut left) = (Recovered::default(), 0);
    let one = |found: Ownerless| {
        if !goes_on() {
            return ControlFlow::Break(());
        }
        let path = found.path.clone();
        match catch_unwind(AssertUnwindSafe(|| deal_with_stray(found, what, ask, &mut recovered))) {
            Ok(true) => {}
            Ok(false) => left += 1,
            Err(_) => recovered.failed.push(format!("{}: the recovery panicked", path.display())),
        }
        ControlFlow::Continue(())
    };
    let Some(location) = blackbox::strays() else { return (recovered, left) };
    if let Err(distrust) = location.each_ownerless(one) {
        recovered.distrusted.push(distrust);
    }
    for path in location.remove_aside(GIVEN_UP).unwrap_or_default() {
        recovered.failed.push(format!("{}: removed, a week after it was set aside", path.display()));
    }
    (recovered, left)
}

/// Whether nothing of the box is left to deal with.
fn deal_with_stray(found: Ownerless, what: Strays, ask: Ask<'_>, recovered: &mut Recovered) -> bool {
    let Ok(bytes) = found.read() else { return false };
    if blackbox::is_spent(&bytes) {
        return found.remove().is_ok();
    }
    let contents = match blackbox::read(&bytes) {
        Ok(contents) => contents,
        Err(foreign) if found.is_older_than(GIVEN_UP) => {
            recovered.failed.push(format!("{}: removed after a week: {foreign}", found.path.display()));
            return found.remove().is_ok();
        }
        // Another version of this library may be at work in that directory, and read it.
        Err(_) => return true,
    };
    if contents.records.is_empty() && contents.damaged == 0 {
        return found.remove().is_ok();
    }
    let Some(directory) = contents.settings.directory.clone().map(PathBuf::from).filter(|_| what == Strays::Recover)
    else {
        return false;
    };
    let records = contents.records.len();
    let mut refused = None;
    if found.is_of(&directory) {
        match ask(&directory) {
            // Looked at once more: what it leads to may have been changed since.
            Ok(settled) if found.is_of(&settled) => {
                let before = recovered.boxes;
                let _ = recover(&settled, found, recovered);
                return recovered.boxes > before;
            }
            Ok(_) => {}
            Err(refusal) => refused = Some(refusal),
        }
    }
    if let Some(refusal) = refused {
        recovered.waiting.push(format!("{}: {records} records: {refusal}", found.path.display()));
        return false;
    }
    let is_gone = directory.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    if is_gone && found.is_older_than(GIVEN_UP) {
        recovered.failed.push(format!("{}: {records} records given up: their directory is gone", directory.display()));
        return found.remove().is_ok();
    }
    let why = if is_gone { "is gone" } else { "is another one now" };
    let at = found.path.display();
    recovered.waiting.push(format!("{at}: {records} records, whose directory {} {why}", directory.display()));
    false
}
