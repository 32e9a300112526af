//! What the writer has done, on a thread of its own, for files that get no more records. The thread is there only while something is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Shared;
use crate::clock;
use crate::level;
use crate::platform;
use crate::rotation::Rule;
use crate::upkeep::{self, Report};
use crate::value::Value;
use crate::worker::Worker;

/// A program that ends before has no round, unless it has rotated a file.
const START: Duration = Duration::from_secs(2);
/// Time between two rounds, for what only the clock decides.
const INTERVAL: Duration = Duration::from_secs(60);

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
    goes_on: Arc<AtomicBool>,
}

impl Shared {
    /// Begins a round if one is due: at the start, after a rotation, and from time to time.
    pub(super) fn look_after_files(self: &Arc<Self>) {
        let (Some(directory), true) = (&self.directory, self.upkeep.is_needed()) else { return };
        let Ok(mut rounds) = self.rounds.try_lock() else { return };
        let rotations = self.stats.files.iter().map(|(_, file)| file.rotations.get()).sum();
        let since = *rounds.since.get_or_insert_with(Instant::now);
        let is_time = rounds.at.map_or(since.elapsed() >= START, |at| at.elapsed() >= INTERVAL);
        let is_due = is_time || rotations != rounds.rotations;
        if !is_due || rounds.worker.as_ref().is_some_and(|worker| !worker.is_at_its_end()) {
            return;
        }
        (rounds.at, rounds.rotations) = (Some(Instant::now()), rotations);
        let goes_on = Arc::new(AtomicBool::new(true));
        rounds.goes_on = Arc::clone(&goes_on);
        let (shared, directory) = (Arc::clone(self), directory.clone());
        let worker = Worker::start("unified_logger_upkeep", move || {
            platform::yield_to_others();
            let now = clock::now().div_euclid(1_000_000_000);
            let goes_on = || goes_on.load(Ordering::SeqCst);
            if let Some(report) = upkeep::round(&directory, &shared.upkeep, now, &goes_on) {
                shared.tell(&report);
            }
        });
        // Without a thread the next round tries.
        rounds.worker = worker.ok();
    }

    /// Ends the round that is under way. The next one goes on with what is left.
    pub fn pause_upkeep(&self, deadline: Instant) {
        let Ok(mut rounds) = self.rounds.try_lock() else { return };
        rounds.goes_on.store(false, Ordering::SeqCst);
        if let Some(worker) = rounds.worker.take() {
            if !worker.is_at_its_end() {
                rounds.at = None;
            }
            rounds.worker = worker.end(deadline).err();
        }
    }

    fn tell(&self, report: &Report) {
        for going in &report.gone {
            if let Some(set) = self.upkeep.sets.iter().find(|set| set.name == going.set) {
                self.stats.files.of(&set.output).deleted.add(1);
            }
        }
        for reason in &report.failed {
            self.errors.handle("delete a log file", reason);
        }
        let for_room = report.gone.iter().filter(|going| going.rule == Rule::DiskFree);
        let (count, bytes) = for_room.fold((0_i64, 0_u64), |(count, bytes), going| (count + 1, bytes + going.bytes));
        if count > 0 {
            let fields =
                [("files", Value::Integer(count)), ("bytes", Value::Integer(i64::try_from(bytes).unwrap_or(i64::MAX)))];
            self.notice(level::WARNING, "retention", "log files were deleted because the disk is nearly full", &fields);
        }
    }
}
