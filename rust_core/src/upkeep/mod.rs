//! What is done for log files that get no more records, by one process of a directory at a time, and never on the writer's thread: they are
//! packed and indexed, and deleted when their bounds no longer keep them.

mod brief;
mod count;
mod left;
mod pack;
mod remembered;
mod retention;
mod round;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::archive::{INDEX, Keys, Method};
use crate::blackbox;
use crate::catalogue::{self, Catalogue, Form, Generation, Known, Look, ship::Shipped};
use crate::error::Error;
use crate::error_handler::remark;
use crate::platform;
use crate::rotation::{Disk, Keep};
use crate::sink::DirectoryLock;
pub use remembered::Remembered;
pub use retention::{Going, Plan, There, plan};
use round::Round;

/// The file of the process that does it.
const LOCK_FILE: &str = "upkeep.lock";
/// How long a step waits for the directory's lock. It is tried again in the next round.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
/// The same where a process waits for its end.
const SHORT_LOCK_PATIENCE: Duration = Duration::from_millis(200);

/// One set of files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// The name of its output, under which it counts.
    pub output: String,
    /// The name of the current file.
    pub name: String,
    pub keep: Keep,
    /// Whether it has records of level ERROR and above alone.
    pub is_of_errors: bool,
    /// How rotated files are packed; None if they are not.
    pub method: Option<Method>,
    /// What the index reads of a line.
    pub keys: Keys,
    /// What its lines look like.
    pub form: Form,
    /// Bytes of files that are held for shippers beyond `keep`; None if the set shares what there is for all.
    pub hold: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub sets: Vec<Set>,
    /// The bounds over all sets.
    pub all: Keep,
    /// Bytes of files that are held for shippers beyond all bounds, over the sets without a number of their own.
    pub hold: u64,
    /// Of lock files that are made.
    pub file_mode: u32,
    /// Whether the program asked for any of this: it is told where nothing is done.
    pub is_asked: bool,
}

impl Settings {
    /// Whether anything is ever to be done.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        // Every rotated file has an index.
        !self.sets.is_empty()
    }

    fn forms(&self) -> BTreeMap<String, Form> {
        self.sets.iter().map(|set| (set.name.clone(), set.form.clone())).collect()
    }
}

/// What is done in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    All,
    /// Nothing is packed or indexed.
    Retention,
    /// Files are packed and indexed until then alone, and those that would take longer are passed over. Nothing waits for others.
    Until(Instant),
}

/// Asked between two steps whether there is to be another, on more than one thread.
pub trait Asked: Sync {
    fn goes_on(&self) -> bool;

    /// Waits, and no longer than the work goes on.
    fn rest(&self, time: Duration) {
        thread::sleep(time);
    }
}

pub type GoesOn<'g> = &'g dyn Asked;

impl<F: Fn() -> bool + Sync> Asked for F {
    fn goes_on(&self) -> bool {
        self()
    }
}

/// Ends work on other threads, and their rests at once.
#[derive(Debug, Default)]
pub struct Halt {
    is_over: Mutex<bool>,
    over: Condvar,
}

impl Halt {
    pub fn halt(&self) {
        *self.is_over() = true;
        self.over.notify_all();
    }

    fn is_over(&self) -> MutexGuard<'_, bool> {
        self.is_over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked for Halt {
    fn goes_on(&self) -> bool {
        !*self.is_over()
    }

    fn rest(&self, time: Duration) {
        drop(self.over.wait_timeout_while(self.is_over(), time, |is_over| !*is_over));
    }
}

/// Something that could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What, after "cannot".
    pub action: &'static str,
    pub reason: String,
    /// The set, where it is about packing or indexing a file of it.
    pub set: Option<String>,
}

impl Failure {
    fn new(action: &'static str, reason: &impl ToString) -> Self {
        Self { action, reason: reason.to_string(), set: None }
    }
}

/// What a round has done.
#[derive(Debug, Default)]
pub struct Report {
    pub gone: Vec<Going>,
    /// Files that are beyond their bounds, and stay because a target has not taken them.
    pub held: Vec<Going>,
    /// How many files were packed, or indexed for the first time where they are not packed.
    pub archived: usize,
    /// How many files got an index again, or had one made although they were packed before.
    pub indexed: usize,
    /// How many files still wait to be packed or indexed.
    pub waiting: usize,
    /// Of each set: how many files were archived, and how many wait.
    pub of_sets: BTreeMap<String, (usize, usize)>,
    pub failed: Vec<Failure>,
    /// Files of other programs that were met for the first time.
    pub foreign: Vec<String>,
}

/// Does what is due. `goes_on` is asked between two steps: a round that is broken off is gone on with by the next. `now` is in seconds since
/// the epoch. `None` if another process is at it, if the directory is another user's, or where descriptors have run out.
#[must_use]
pub fn round(directory: &Path, settings: &Settings, now: i64, goes_on: GoesOn<'_>) -> Option<Report> {
    round_with(directory, settings, now, goes_on, Work::All, &mut Remembered::default())
}

/// The same, or a part of it, with what earlier rounds have left.
#[must_use]
pub fn round_with(
    directory: &Path,
    settings: &Settings,
    now: i64,
    goes_on: GoesOn<'_>,
    work: Work,
    remembered: &mut Remembered,
) -> Option<Report> {
    let home = blackbox::home(directory);
    if catalogue::is_of_another(directory) || catalogue::is_home_of_another(&home) {
        // Processes of that user do it.
        if settings.is_asked {
            catalogue::tell_left(directory);
        }
        return None;
    }
    let mut report = Report::default();
    let lock = platform::private_directory(&home)
        .map_err(|error| Error::io("make", &home, error))
        .and_then(|()| DirectoryLock::named(&home, LOCK_FILE, settings.file_mode));
    let mut lock = match lock {
        Ok(lock) => lock,
        // Writing comes first. The next round may find some.
        Err(Error::Io { source, .. }) if platform::is_want_of_descriptors(&source) => return None,
        Err(error) => {
            report.failed.push(Failure::new(LOOK_AFTER, &error));
            return Some(report);
        }
    };
    lock.hold(Duration::ZERO, |held| {
        if !held.is_alone() {
            return None;
        }
        match DirectoryLock::open(directory, settings.file_mode) {
            Ok(lock) => {
                let kept = remembered.catalogue.take();
                let catalogue = kept.unwrap_or_else(|| catalogue_of(directory, settings));
                let lock_patience = if matches!(work, Work::Until(_)) { SHORT_LOCK_PATIENCE } else { LOCK_PATIENCE };
                let report = &mut report;
                let mut round = Round { directory, settings, lock, lock_patience, catalogue, remembered, report };
                round.run(now, goes_on, work);
                let catalogue = round.catalogue;
                remembered.catalogue = Some(catalogue);
            }
            Err(error) => report.failed.push(Failure::new(LOOK_AFTER, &error)),
        }
        Some(report)
    })
}

fn catalogue_of(directory: &Path, settings: &Settings) -> Catalogue {
    Catalogue::of(directory).with_forms(settings.forms())
}

/// What fails where nothing can be done at all.
const LOOK_AFTER: &str = "look after log files";

/// What a round would delete, and what stays.
#[derive(Debug)]
pub struct Preview {
    pub plan: Plan,
    /// The rotated files that stay and are within their bounds, the oldest first.
    pub stays: Vec<Going>,
    /// Files of other programs under the names of rotated files.
    pub foreign: Vec<String>,
    /// Whether a shipper has registered.
    pub has_targets: bool,
    /// A later version of this library keeps the catalogue, so that nothing goes.
    pub is_of_later_version: bool,
}

/// Says what a round would delete. Nothing is written. `now` is in seconds since the epoch.
///
/// # Errors
/// When the directory cannot be read.
pub fn preview(directory: &Path, settings: &Settings, now: i64) -> std::io::Result<Preview> {
    let mut catalogue = catalogue_of(directory, settings).read_only();
    if catalogue.look() == Look::Refused {
        return Err(std::io::Error::other("the catalogue of log files cannot be read"));
    }
    let is_of_later_version = catalogue.is_of_later_version();
    if !is_of_later_version {
        for set in &settings.sets {
            catalogue.reconcile(directory, &set.name, now)?;
        }
    }
    let shipped = Shipped::read(&blackbox::home(directory));
    let known = catalogue.known();
    let (disk, refusal) = disk_of(directory, settings);
    if let Some(reason) = refusal {
        remark(SEE_DISK, reason);
    }
    let plan = plan_of(directory, known, settings, now, disk, &shipped);
    let is_planned =
        |generation| plan.goes.iter().chain(&plan.held).any(|going: &Going| going.generation == generation);
    let without_bounds = |set: &Set| {
        let keep = Keep { files: Some(0), ..Keep::default() };
        Set { keep, hold: Some(0), ..set.clone() }
    };
    let everything = Settings { sets: settings.sets.iter().map(without_bounds).collect(), ..Settings::default() };
    let mut stays = plan_of(directory, known, &everything, now, None, &shipped).goes;
    stays.retain(|going| !is_planned(going.generation));
    let of_sets = |set: &str| settings.sets.iter().any(|known| known.name == set);
    let foreign = known.foreign().filter(|(_, foreign)| of_sets(&foreign.set)).map(|(name, _)| name.to_owned());
    let (foreign, has_targets) = (foreign.collect(), shipped.has_targets());
    Ok(Preview { plan, stays, foreign, has_targets, is_of_later_version })
}

const SEE_DISK: &str = "see how full the disk is";

/// How full the disk is, if that is asked for, or why that cannot be said.
fn disk_of(directory: &Path, settings: &Settings) -> (Option<Disk>, Option<String>) {
    if settings.all.disk_free.is_none() {
        return (None, None);
    }
    match platform::disk(directory) {
        Ok((size, free)) => (Some(Disk { size, free }), None),
        Err(error) => {
            let reason = format!("{}: {error}; no file is deleted to keep some of it free", directory.display());
            (None, Some(reason))
        }
    }
}

fn plan_of(
    directory: &Path,
    known: &Known,
    settings: &Settings,
    now: i64,
    disk: Option<Disk>,
    shipped: &Shipped,
) -> Plan {
    let there = |entry: &catalogue::Entry| {
        let meta = std::fs::symlink_metadata(directory.join(&entry.name)).ok()?;
        let written = meta.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let written = written.and_then(|time| i64::try_from(time.as_secs()).ok());
        Some(There { bytes: meta.len(), written })
    };
    plan(known, settings, now, disk, &|entry| shipped.has_taken(entry), there)
}

/// Where the index of a file is.
#[must_use]
pub fn index_path(directory: &Path, generation: Generation) -> PathBuf {
    blackbox::home(directory).join(format!("{generation}.{INDEX}"))
}

/// The bytes of the index of a file.
fn read_index(directory: &Path, generation: Generation) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut platform::open_to_read(&index_path(directory, generation))?, &mut bytes)?;
    Ok(bytes)
}
