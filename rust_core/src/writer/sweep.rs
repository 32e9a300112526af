//! What the writer does for processes that died, and for the box of its own process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Shared;
use crate::blackbox::{Distrust, Harm, Home};
use crate::level;
use crate::recovery::{self, Recovered, Strays};
use crate::sink;
use crate::stats::Stats;
use crate::worker::Worker;

/// Time between two searches for records of processes that died.
pub(super) const SWEEP: Duration = Duration::from_secs(2);

/// What was done for processes that died. Each writer goes on where the writer before it stopped.
#[derive(Debug, Default)]
pub struct Swept {
    /// The time of the last search for boxes of other processes.
    pub(super) at: Option<Instant>,
    /// Directories whose boxes are not trusted, and were reported.
    distrusted: Vec<Distrust>,
    /// Whether boxes of other log directories were searched for.
    strays: bool,
    /// The thread that recovers boxes of other log directories.
    worker: Option<Worker>,
}

impl Shared {
    /// Keeps the box where other processes look for it. Harm to the box cannot be undone. That records no longer
    /// survive the process is reported once.
    /// Looks whether the box was cut. The counts of the process are in it, so this comes before each turn that counts.
    pub fn check_for_cut(&self) {
        if let Some(watch) = &self.watch
            && !self.box_is_harmed.load(Ordering::Relaxed)
            && watch.is_cut()
        {
            self.check_box();
        }
    }

    fn check_box(&self) {
        let Some(watch) = &self.watch else { return };
        // Held until the box has room again: another thread that finds it cut waits here before it counts.
        let mut copied = self.counts_copied.lock().unwrap_or_else(PoisonError::into_inner);
        if self.box_is_harmed.load(Ordering::SeqCst) {
            return;
        }
        watch.follow();
        let Some(harm) = watch.harm() else {
            // Should it be cut, this is what was counted.
            *copied = self.stats.words().copy_used();
            return;
        };
        let path = watch.path();
        let what = match harm {
            Harm::Removed => "was removed",
            Harm::Cut => {
                if let Err(error) = watch.mend() {
                    self.errors.handle("give the black box room again", &error);
                } else {
                    self.stats.words().put_back(&copied);
                }
                "was cut"
            }
        };
        self.box_is_harmed.store(true, Ordering::SeqCst);
        drop(copied);
        self.stats.protected.set(0);
        let message = format!(
            "the black box at {} {what}: records in memory do not survive the process until `init_logging` is called again",
            path.display()
        );
        self.errors.handle("keep the black box", &message);
        self.notice(level::WARNING, "black_box", &message, &[]);
    }

    pub(super) fn swept(&self) -> MutexGuard<'_, Swept> {
        self.swept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn sweep(&self, home: &Home) {
        let mut swept = self.swept();
        // On a stream, nothing may come between two parts of a line.
        if home.directory().is_some() || self.turn().pipeline.has_nothing_pending() {
            self.recover_if_due(&mut swept, home);
        }
        if !std::mem::replace(&mut swept.strays, true) {
            self.sweep_strays(&mut swept);
        }
    }

    pub fn recover_boxes(&self, home: &Home) {
        let recover = || self.recover_if_due(&mut self.swept(), home);
        if catch_unwind(AssertUnwindSafe(recover)).is_err() {
            self.errors.handle("look for black boxes", &"the look panicked");
        }
    }

    /// Writes what processes that died left for this directory or service, unless that was done a short while ago.
    fn recover_if_due(&self, swept: &mut Swept, home: &Home) {
        if swept.at.is_some_and(|last| last.elapsed() < SWEEP) {
            return;
        }
        // Set before the recovery begins. If it panics, it is not tried again at once.
        swept.at = Some(Instant::now());
        self.check_box();
        sink::check_watched();
        if let Some(recovered) = recovery::sweep(home) {
            self.report(swept, recovered);
        }
    }

    /// Runs once, after the start. No other process may ever recover what this user's processes left for other log
    /// directories.
    fn sweep_strays(&self, swept: &mut Swept) {
        let (_, left) = recovery::sweep_strays(Strays::Tidy, || true, &recovery::anywhere);
        if left == 0 {
            return;
        }
        // Disks of other directories may be slow or stuck. The writer does not wait for them.
        let (stats, errors) = (Arc::clone(&self.stats), Arc::clone(&self.errors));
        let goes_on = Arc::clone(&self.strays_go_on);
        goes_on.store(true, Ordering::SeqCst);
        let worker = Worker::start("unified_logger_recovery", move || {
            let goes_on = || goes_on.load(Ordering::SeqCst);
            let (recovered, _) = recovery::sweep_strays(Strays::Recover, goes_on, &recovery::anywhere);
            count(&stats, &recovered);
            for reason in &recovered.failed {
                errors.handle("recover a black box of another log directory", reason);
            }
        });
        // Without a thread the next process tries.
        swept.worker = worker.ok();
    }

    /// Ends the thread that recovers for other directories. The recovery goes on after the next start of the writer.
    pub fn pause_strays(&self, deadline: Instant) {
        self.strays_go_on.store(false, Ordering::SeqCst);
        // A writer that searches for boxes holds the lock, and may wait for a disk.
        let Ok(mut swept) = self.swept.try_lock() else { return };
        if let Some(worker) = swept.worker.take() {
            swept.strays = worker.is_at_its_end();
            swept.worker = worker.end(deadline).err();
        }
    }

    fn report(&self, swept: &mut Swept, recovered: Recovered) {
        count(&self.stats, &recovered);
        for (path, reason) in &recovered.aside {
            self.errors.handle("recover a black box", &format!("{reason}: set aside as {}", path.display()));
        }
        for reason in &recovered.failed {
            self.errors.handle("recover a black box", reason);
        }
        if recovered.distrusted != swept.distrusted {
            for Distrust { directory, reason, .. } in recovered.distrusted.iter().filter(|distrust| !distrust.expected)
            {
                let message = format!("{}: {reason}, so that no black box in it is read", directory.display());
                self.errors.handle("look for black boxes", &message);
            }
            swept.distrusted = recovered.distrusted;
        }
    }
}

/// What is kept with a directory is found there by each scrape, and told by the statistics of this process alone.
fn count(stats: &Stats, recovered: &Recovered) {
    stats.recovered.add_elsewhere(recovered.kept);
    stats.recovered.add(recovered.records - recovered.kept);
}
