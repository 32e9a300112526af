//! Boxes in shared memory that belong to other log directories.

use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Recovered, recover};
use crate::blackbox::{self, Ownerless};
use crate::outputs;

/// What to do with boxes of other log directories whose owners are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strays {
    /// Removes only boxes without records. It touches no log directory, and so waits for no disk of others.
    Tidy,
    /// Writes the records into their directories.
    Recover,
    /// The same, and writes the records of services, which have no directory, to the standard streams of this process.
    Everything,
}

/// A box is given up once its directory has been gone for this long.
const GIVEN_UP: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Called for each log directory before anything is written there. It returns the path to work in, or the reason to
/// leave the directory alone.
pub type Ask<'a> = &'a (dyn Fn(&Path) -> std::result::Result<PathBuf, String> + Sync);

/// An `Ask` that allows every directory as it is.
///
/// # Errors
/// None.
pub fn anywhere(directory: &Path) -> std::result::Result<PathBuf, String> {
    Ok(directory.to_owned())
}

/// Deals with this user's boxes in shared memory whose owners are gone, of every log directory that `ask` allows. It
/// stops once `goes_on` is false. Returns what was done, and how many boxes with records are left.
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
    if let Err(distrust) = location.each_ownerless(false, one) {
        recovered.distrusted.push(distrust);
    }
    for path in location.remove_aside(GIVEN_UP).unwrap_or_default() {
        recovered.failed.push(format!("{}: removed, a week after it was set aside", path.display()));
    }
    (recovered, left)
}

/// Deals with one box. True if nothing is left to do for it.
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
        // Another version of this library may work in that directory, and be able to read the box.
        Err(_) => return true,
    };
    if contents.records.is_empty() && contents.damaged == 0 {
        return found.remove().is_ok();
    }
    let is_of_service = contents.settings.directory.is_none()
        && outputs::Settings::of_box(&contents.settings.outputs).is_some_and(|outputs| !outputs.has_files());
    if is_of_service {
        return deal_with_service(found, what, contents.records.len(), recovered);
    }
    let Some(directory) = contents.settings.directory.clone().map(PathBuf::from).filter(|_| what != Strays::Tidy)
    else {
        return false;
    };
    let records = contents.records.len();
    let mut refused = None;
    if found.is_of(&directory) {
        match ask(&directory) {
            // Checked again, because the path may lead elsewhere by now.
            Ok(settled) if found.is_of(&settled) => {
                let before = recovered.boxes;
                let _ = recover(Some(&settled), found, false, recovered);
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

/// Deals with the box of a service. Only a process of that service knows where its records belong, and people who ask for all.
fn deal_with_service(found: Ownerless, what: Strays, records: usize, recovered: &mut Recovered) -> bool {
    if what == Strays::Everything {
        let before = recovered.boxes;
        let _ = recover(None, found, false, recovered);
        return recovered.boxes > before;
    }
    if found.is_older_than(GIVEN_UP) {
        let path = found.path.display();
        recovered
            .failed
            .push(format!("{path}: {records} records given up: no process of their program came for a week"));
        return found.remove().is_ok();
    }
    true
}
