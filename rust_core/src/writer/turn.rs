//! One turn at writing: the next batch, from the queue to the sinks.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Rotation, Shared};
use crate::pipeline::{Batch, Pipeline};

/// Time between two tries to change files for new ones.
const NEXT_TRY: Duration = Duration::from_millis(100);

/// The pipeline and its batch. The thread that has locked them writes, the writer or a caller. It continues where the thread before it
/// stopped, by a panic or at its end.
#[derive(Debug)]
pub struct Turn {
    pub pipeline: Pipeline,
    batch: Batch,
    /// Records drained since the start.
    pub(super) drained: u64,
}

impl Turn {
    #[must_use]
    pub fn new(pipeline: Pipeline) -> Self {
        Self { pipeline, batch: Batch::default(), drained: 0 }
    }

    /// Writes the next batch, and reports dropped records unless it did so within `interval`.
    pub(super) fn write(&mut self, shared: &Shared, interval: Duration) -> Written {
        let Self { pipeline, batch, drained } = self;
        let drained_now = pipeline.drain(&shared.queue, batch);
        let started = (drained_now > 0).then(Instant::now);
        *drained += drained_now as u64;
        shared.note_in_hand(batch, pipeline);
        // A record that was dropped from the queue is never drained. A flush that counts it is answered once the queue
        // is empty.
        let passed = if shared.queue.is_empty() { u64::MAX } else { *drained };
        // Written before the batch, whose records were logged later.
        while let Some(notice) = shared.notices.pop() {
            pipeline.write_notice(&notice);
        }
        pipeline.deliver(batch);
        pipeline.report_drops(interval);
        let clear = pipeline.commit();
        shared.has_lost.store(pipeline.has_lost(), Ordering::Relaxed);
        let count = pipeline.release(batch);
        shared.note_in_hand(batch, pipeline);
        if count > 0 {
            shared.queue.depart(count);
            shared.stats.queue_records.set(shared.queue.depth());
        }
        if let Some(started) = started {
            shared.stats.write_duration.observe(started.elapsed().as_secs_f64());
        }
        Written { count, passed, clear, goes_on: pipeline.goes_on(), has_failed: !clear && pipeline.has_failed() }
    }
}

impl Shared {
    /// Changes the files for new ones, with nothing pending. Whether all of them are; None if it is to be tried again later.
    pub(super) fn rotate(&self, rotation: &mut Rotation) -> Option<bool> {
        if Instant::now() < rotation.due {
            return None;
        }
        if self.turn().pipeline.rotate(rotation.spared) {
            return Some(true);
        }
        // The time that it has taken counts.
        let now = Instant::now();
        rotation.due = now + NEXT_TRY;
        if rotation.until.is_some_and(|until| rotation.due < until) { None } else { Some(false) }
    }
}

pub(super) struct Written {
    /// Records that left the queue.
    pub(super) count: usize,
    /// Flushes that wait for this many drained records can be answered.
    pub(super) passed: u64,
    /// Nothing is left in memory.
    pub(super) clear: bool,
    /// A sink has more to write, and its next write waits for it.
    pub(super) goes_on: bool,
    /// What is left in memory was refused, or nobody has read for a while.
    pub(super) has_failed: bool,
}
