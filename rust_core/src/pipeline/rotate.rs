//! New files on request.

use std::time::Duration;

use super::locked::report_lock;
use super::{LOCK_PATIENCE, Pipeline};

impl Pipeline {
    /// Changes every file that has records for a new one, unless that was done within `spared`. False if one could not be. To be called with nothing
    /// pending.
    pub fn rotate(&mut self, spared: Duration) -> bool {
        let Self { outputs, lock, no_locks_reported, stats, errors, .. } = self;
        let Some(lock) = lock else { return true };
        let is_done = lock.hold(LOCK_PATIENCE, |held| {
            report_lock(held, stats, errors, no_locks_reported);
            let sinks = outputs.sinks_mut().filter(|sink| sink.needs_lock());
            sinks.fold(true, |is_done, sink| {
                let rotated = sink.rotate(spared, held).inspect_err(|error| errors.handle("rotate", error));
                is_done & rotated.unwrap_or(false)
            })
        });
        self.errors.report_remarks();
        is_done
    }
}
