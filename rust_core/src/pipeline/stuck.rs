//! Sinks that take nothing while others do, and those that will take nothing more.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::Pipeline;
use crate::level;
use crate::outputs::Outputs;
use crate::queue::Queue;
use crate::router::Route;

/// Bytes that other files must have taken since a file began to fail, before it is held to fail alone. On a full disk there is room for less.
const ENOUGH: u64 = 64 << 10;
/// Time between two notices of a file that takes nothing.
const NOTICE_PAUSE: Duration = Duration::from_secs(10);

/// What is known of the sinks that take nothing, by their numbers.
#[derive(Debug, Default)]
pub struct Streaks(Vec<Option<Streak>>);

#[derive(Clone, Copy, Debug)]
struct Streak {
    began: Instant,
    /// Bytes that this sink and the others had taken when it began.
    own: u64,
    others: u64,
}

impl Streaks {
    /// Looks at the sinks after a write.
    pub fn note(&mut self, outputs: &Outputs) {
        let total = total(outputs);
        self.0.resize(outputs.sinks().len(), None);
        for (known, sink) in self.0.iter_mut().zip(outputs.sinks()) {
            let own = sink.written_bytes();
            // One that was given up has nothing pending, and is not mended by that.
            let goes_on = known.is_some_and(|streak| streak.own == own);
            if sink.pending_bytes() == 0 && !goes_on {
                *known = None;
            } else if !goes_on {
                *known = Some(Streak { began: Instant::now(), own, others: total - own });
            }
        }
    }

    /// Whether the sink of this number takes nothing while other files go on, and the queue is about to lose records for it.
    fn costs_others(&self, index: usize, outputs: &Outputs, queue: &Queue) -> bool {
        let known = self.0.get(index).copied().flatten();
        known.is_some_and(|streak| {
            total(outputs) - streak.own >= streak.others + ENOUGH && queue.loses_after(streak.began.elapsed())
        })
    }
}

fn total(outputs: &Outputs) -> u64 {
    outputs.sinks().map(|sink| sink.written_bytes()).sum()
}

impl Pipeline {
    /// Whether every sink may hold more. A file that takes nothing goes on without the lines that it holds, once they would cost other files
    /// their records.
    pub(super) fn may_take_more(&mut self, queue: &Queue) -> bool {
        let all = self.outputs.sinks().enumerate();
        let full: Vec<_> =
            all.filter(|(_, sink)| sink.pending_bytes() >= sink.room()).map(|(index, _)| index).collect();
        if full.is_empty() {
            return true;
        }
        // If no file takes anything, the queue fills and its policy decides: a disk that mends in time costs nothing.
        if !full.iter().all(|index| self.streaks.costs_others(*index, &self.outputs, queue)) {
            return false;
        }
        let lines = self.give_up(full.iter().fold(0, |route, index| route | 1 << index));
        self.report_stuck(lines);
        true
    }

    /// Goes on without the lines of sinks that will never take them. The failure itself was reported.
    pub(super) fn give_up_broken(&mut self) {
        let broken = self.outputs.sinks().enumerate().filter(|(_, sink)| sink.is_broken());
        let route = broken.fold(0, |route, (index, _)| route | 1 << index);
        if route != 0 {
            self.give_up(route);
        }
    }

    /// Goes on without the lines that these sinks hold. Records that no other sink holds have failed. Returns how many lines those were.
    fn give_up(&mut self, route: Route) -> u64 {
        let (mut given_up, mut lines) = (BTreeSet::new(), 0);
        for sink in self.outputs.of_route(route) {
            sink.put_waiting(&mut given_up);
            lines += sink.give_up();
        }
        let waiting = self.waiting_positions();
        let failed = given_up.difference(&waiting).count() as u64;
        self.failed += failed;
        self.stats.failed.add(failed);
        self.held.retain(|(position, _)| waiting.contains(position));
        lines
    }

    fn report_stuck(&mut self, lines: u64) {
        let message = format!("a log file takes nothing while others do: {lines} of its lines are given up");
        self.errors.handle("keep the lines of a file", &message);
        if self.stuck_reported_at.is_none_or(|last| last.elapsed() >= NOTICE_PAUSE) {
            self.stuck_reported_at = Some(Instant::now());
            self.notice(level::WARNING, "outputs", &message, &[]);
        }
    }
}
