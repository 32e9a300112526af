//! What the writer has done, on a thread of its own, for files that get no more records. The thread is there only while something is done.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Shared;
use crate::catalogue;
use crate::clock;
use crate::forks;
use crate::level;
use crate::rotation::Rule;
use crate::upkeep::{self, Asked, Going, Halt, Remembered, Report, Work};
use crate::value::Value;
use crate::worker::Worker;

/// A program that ends before has no round, unless it has rotated a file.
const START: Duration = Duration::from_secs(2);
/// Time between two rounds, for what only the clock decides.
const INTERVAL: Duration = Duration::from_secs(60);
/// The least time between two rounds, however often files are rotated.
const LEAST: Duration = Duration::from_secs(1);
/// How long files are packed at the end of a process, and how long a round that is under way may take to stop.
const AT_END: Duration = Duration::from_millis(250);
/// The end of a process does not wait longer for one step.
const STEP: Duration = Duration::from_secs(1);
const THREAD: &str = "unified_logger_upkeep";
const BEGIN: &str = "start the upkeep of log files";
/// The least time from the begin of a round that a fork has broken off to the next.
const BROKEN_OFF: Duration = Duration::from_millis(100);
/// Time between two notices of one kind; what was deleted meanwhile is in the next one.
const NOTICES: Duration = Duration::from_secs(60);

/// The rounds of an engine.
#[derive(Debug, Default)]
pub struct Rounds {
    /// When rounds were first asked for.
    since: Option<Instant>,
    /// When the last one began.
    at: Option<Instant>,
    /// How often files were rotated by then.
    rotations: u64,
    /// The thread of the last round.
    worker: Option<Worker>,
    /// There was no thread for the last one.
    is_refused: bool,
    halt: Arc<Halt>,
    /// A fork has broken off the last one.
    is_broken_off: bool,
    /// What one round leaves for the next. A round has it to itself.
    kept: Arc<Mutex<Kept>>,
}

/// What one round leaves for the next: what it remembers of files, what was done, and what is to be told.
#[derive(Debug, Default)]
struct Kept {
    remembered: Remembered,
    /// How often files were rotated when the last round began that was finished.
    done: Option<u64>,
    for_room: Told,
    unshipped: Told,
}

/// Files that were deleted and of which the log says something, once per interval.
#[derive(Debug, Default)]
struct Told {
    at: Option<Instant>,
    files: i64,
    bytes: u64,
}

impl Told {
    /// Adds files. Returns how many files and bytes there are to tell of, if it is time.
    fn add<'g>(&mut self, gone: impl Iterator<Item = &'g Going>, now: Instant) -> Option<(i64, u64)> {
        for going in gone {
            (self.files, self.bytes) = (self.files + 1, self.bytes.saturating_add(going.bytes));
        }
        let is_time = self.at.is_none_or(|at| now.duration_since(at) >= NOTICES);
        (self.files > 0 && is_time).then(|| {
            self.at = Some(now);
            (std::mem::take(&mut self.files), std::mem::take(&mut self.bytes))
        })
    }
}

impl Rounds {
    /// Gives up a file that is packed in part, unless a round is at it.
    fn give_up(&self) {
        if let Ok(mut kept) = self.kept.try_lock() {
            kept.remembered.give_up();
        }
    }
}

impl Shared {
    /// Begins a round if one is due: at the start, after a rotation, and from time to time.
    pub(super) fn look_after_files(self: &Arc<Self>) {
        let (Some(directory), true) = (&self.directory, self.upkeep.is_needed()) else { return };
        let Ok(mut rounds) = self.rounds.try_lock() else { return };
        let rotations = self.rotations();
        let since = *rounds.since.get_or_insert_with(Instant::now);
        let is_time = rounds.at.map_or(since.elapsed() >= START, |at| at.elapsed() >= INTERVAL);
        let is_rested = |least: Duration| rounds.at.is_none_or(|at| at.elapsed() >= least);
        let is_due = is_time
            || (is_rested(LEAST) && rotations != rounds.rotations)
            || (is_rested(BROKEN_OFF) && rounds.is_broken_off);
        if !is_due || rounds.worker.as_ref().is_some_and(|worker| !worker.is_at_its_end()) {
            return;
        }
        (rounds.at, rounds.rotations, rounds.is_broken_off) = (Some(Instant::now()), rotations, false);
        let halt = Arc::<Halt>::default();
        rounds.halt = Arc::clone(&halt);
        let (shared, directory, kept) = (Arc::clone(self), directory.clone(), Arc::clone(&rounds.kept));
        let worker = Worker::start(THREAD, move || {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            shared.run_round(&directory, &*halt, Work::All, rotations, &mut kept);
        });
        // Without a thread the next round tries. It is told once, until there is one.
        let is_refused = worker.is_err();
        if let Err(error) = &worker
            && !rounds.is_refused
        {
            self.errors.handle(BEGIN, error);
        }
        (rounds.worker, rounds.is_refused) = (worker.ok(), is_refused);
        if is_refused {
            rounds.give_up();
        }
    }

    fn run_round(&self, directory: &Path, goes_on: upkeep::GoesOn<'_>, work: Work, rotations: u64, kept: &mut Kept) {
        let now = clock::now().div_euclid(1_000_000_000);
        let Some(report) = upkeep::round_with(directory, &self.upkeep, now, goes_on, work, &mut kept.remembered) else {
            // Another process may be at it, and packs that file. Where none is, a later round begins it anew.
            kept.remembered.give_up();
            return;
        };
        if goes_on.goes_on() {
            kept.done = Some(rotations);
        }
        self.tell(&report, kept);
    }

    /// How often files were rotated.
    pub(super) fn rotations(&self) -> u64 {
        self.stats.rotations()
    }

    /// Does at the end what no round has done yet: what is to be deleted is deleted, and files are packed for a short time. It is left where the
    /// disk does not answer.
    pub fn look_after_files_at_end(self: &Arc<Self>, deadline: Instant) {
        // Forked children leave it to the process that began.
        let (Some(directory), true, 0) = (&self.directory, self.upkeep.is_needed(), forks::count()) else { return };
        self.pause_upkeep(deadline.min(Instant::now() + AT_END));
        let Ok(mut rounds) = self.rounds.try_lock() else { return };
        let rotations = self.rotations();
        // A round that does not end has the lock of its elected process.
        if rounds.worker.is_some() || Instant::now() >= deadline {
            return;
        }
        let is_done = rounds.kept.try_lock().is_ok_and(|mut kept| kept.done.replace(rotations) == Some(rotations));
        if is_done {
            return;
        }
        let steps = Arc::new(AtomicU64::new(0));
        let halt = Arc::<Halt>::default();
        let (shared, directory, kept) = (Arc::clone(self), directory.clone(), Arc::clone(&rounds.kept));
        let (asked, halted) = (Arc::clone(&steps), Arc::clone(&halt));
        let worker = Worker::start(THREAD, move || {
            let is_any_rotated = shared.upkeep.sets.iter().any(|set| {
                catalogue::names(&directory, &set.name).is_ok_and(|names| names.keys().any(|name| *name != set.name))
            });
            if !is_any_rotated {
                return;
            }
            let goes_on = || {
                asked.fetch_add(1, Ordering::Relaxed);
                halted.goes_on() && Instant::now() < deadline
            };
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let work = Work::Until(Instant::now() + AT_END);
            shared.run_round(&directory, &goes_on, work, rotations, &mut kept);
        });
        let mut worker = match worker {
            Ok(worker) => worker,
            Err(error) => {
                if !rounds.is_refused {
                    self.errors.handle(BEGIN, &error);
                }
                return;
            }
        };
        loop {
            let before = steps.load(Ordering::Relaxed);
            match worker.end(deadline.min(Instant::now() + STEP)) {
                Ok(()) => return,
                Err(left) if Instant::now() >= deadline || steps.load(Ordering::Relaxed) == before => {
                    halt.halt();
                    rounds.worker = Some(left);
                    return;
                }
                Err(left) => worker = left,
            }
        }
    }

    /// Ends the round that is under way. The next one goes on with what is left, and with the next part of a file. A program that forks all the time
    /// would otherwise begin to pack a large file again and again.
    pub fn pause_upkeep(&self, deadline: Instant) {
        let Ok(mut rounds) = self.rounds.try_lock() else { return };
        rounds.halt.halt();
        if let Some(worker) = rounds.worker.take() {
            rounds.is_broken_off |= !worker.is_at_its_end();
            rounds.worker = worker.end(deadline).err();
        }
    }

    /// The same for good: a file that is packed in part is given up.
    pub fn end_upkeep(&self, deadline: Instant) {
        self.pause_upkeep(deadline);
        if let Ok(rounds) = self.rounds.try_lock() {
            rounds.give_up();
        }
    }

    fn tell(&self, report: &Report, kept: &mut Kept) {
        let of_set = |name: &str| {
            let set = self.upkeep.sets.iter().find(|set| set.name == name);
            set.map(|set| self.stats.files.of(&set.output))
        };
        for going in &report.gone {
            if let Some(file) = of_set(&going.set) {
                file.deleted.of(going.rule as usize).add(1);
                file.deleted_unshipped.add(u64::from(!going.is_shipped));
            }
        }
        for (set, (archived, waiting)) in &report.of_sets {
            if let Some(file) = of_set(set) {
                file.archived.add(*archived as u64);
                file.archive_waiting.set(*waiting as u64);
            }
        }
        for failure in &report.failed {
            if let Some(file) = failure.set.as_deref().and_then(of_set) {
                file.archive_errors.add(1);
            }
            self.errors.handle(failure.action, &failure.reason);
        }
        let now = Instant::now();
        let for_room = report.gone.iter().filter(|going| going.rule == Rule::DiskFree);
        let full = "log files were deleted because the disk is nearly full";
        self.tell_deleted(full, kept.for_room.add(for_room, now));
        let unshipped = report.gone.iter().filter(|going| !going.is_shipped);
        let lost = "log files were deleted before they were shipped";
        self.tell_deleted(lost, kept.unshipped.add(unshipped, now));
    }

    fn tell_deleted(&self, message: &str, told: Option<(i64, u64)>) {
        let Some((files, bytes)) = told else { return };
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let fields = [("files", Value::Integer(files)), ("bytes", Value::Integer(bytes))];
        self.notice(level::WARNING, "retention", message, &fields);
    }
}
