//! What the writer tells of calls that sampling has left out.

use std::time::Instant;

use super::Shared;
use crate::clock;
use crate::level;
use crate::pipeline;
use crate::queue::Offered;
use crate::record::{Builder, add_flags, flag};
use crate::sampling::rules::{FUNCTION, Summary, build_summary, untold};
use crate::slab::Buffer;

impl Shared {
    /// Tells now and then of calls that no record has told of, and sets the rates of keys.
    pub(super) fn look_after_sampling(&self) {
        let Some(sampler) = &self.sampler else { return };
        for summary in sampler.look_after(Instant::now(), self.rotations()) {
            self.queue_summary(&summary);
        }
    }

    /// Tells of all calls that no record has told of.
    pub fn tell_left_out(&self) {
        for summary in self.sampler.iter().flat_map(|sampler| sampler.rest()) {
            self.queue_summary(&summary);
        }
    }

    /// A summary goes the way of every record: so a recovery knows whether it was written.
    fn queue_summary(&self, summary: &Summary) {
        let give_back = || self.sampler.iter().for_each(|sampler| sampler.give_back(summary.total));
        if !self.queue.has_room(level::INFO) {
            return give_back();
        }
        let mut record = Buffer::alloc();
        build_summary(summary, |message, fields| {
            Builder { time: clock::now(), level: level::INFO, logger: "unified_logger", function: FUNCTION, message }
                .put(&mut record, fields);
        });
        add_flags(record.as_mut_slice(), flag::SUPPRESSED);
        if let Offered::Full(_) = self.queue.offer(record) {
            give_back();
        }
    }

    /// Has the log tell of all calls that were left out and that neither a record nor a summary has told of. False if there are none.
    pub fn tell_untold(&self) -> bool {
        // They are among all that are untold, and no later summary is to tell of them again.
        self.sampler.iter().for_each(|sampler| drop(sampler.rest()));
        let count = untold(&self.stats);
        if count == 0 {
            return false;
        }
        let summary = Summary { total: count, rule: None };
        let made = build_summary(&summary, |message, fields| {
            pipeline::build_notice(&self.errors, level::INFO, FUNCTION, message, fields)
        });
        let Some(notice) = made else { return false };
        self.stats.taken.tell(count);
        self.notices.push(notice);
        true
    }
}
