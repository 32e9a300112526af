//! Files that take nothing while other files do.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::{BACKLOG, Pipeline};
use crate::level;
use crate::outputs::Outputs;

/// Bytes that other files must have taken since a file began to fail, before it is held to fail alone. On a full disk there is room for less.
const ENOUGH: u64 = 64 << 10;

/// Time between two notices of a file that takes nothing.
const STUCK_PAUSE: Duration = Duration::from_secs(10);

/// For each sink that fails, how many bytes the other files had taken when it began.
#[derive(Debug, Default)]
pub struct Streaks(Vec<Option<u64>>);

impl Streaks {
    /// Looks at the sinks after a write.
    pub fn note(&mut self, outputs: &Outputs) {
        let total = total(outputs);
        self.0.resize(outputs.sinks().len(), None);
        for (streak, sink) in self.0.iter_mut().zip(outputs.sinks()) {
            *streak = if sink.pending_bytes() == 0 { None } else { streak.or(Some(total - sink.written_bytes())) };
        }
    }

    /// Whether other files have gone on while the sink of this number failed.
    #[must_use]
    pub fn fails_alone(&self, index: usize, outputs: &Outputs) -> bool {
        let before = self.0.get(index).copied().flatten();
        let own = outputs.sinks().nth(index).map_or(0, |sink| sink.written_bytes());
        before.is_some_and(|before| total(outputs) - own >= before + ENOUGH)
    }
}

fn total(outputs: &Outputs) -> u64 {
    outputs.sinks().map(|sink| sink.written_bytes()).sum()
}

impl Pipeline {
    /// Whether every sink may hold more. Where one file takes nothing and others do, it goes on without the lines that it holds.
    pub(super) fn may_take_more(&mut self) -> bool {
        let all = self.outputs.sinks().enumerate();
        let full: Vec<_> = all.filter(|(_, sink)| sink.pending_bytes() >= BACKLOG).map(|(index, _)| index).collect();
        if full.is_empty() {
            return true;
        }
        // Where no file takes anything, the queue fills and its policy decides: nothing is lost for a while.
        if !full.iter().all(|index| self.streaks.fails_alone(*index, &self.outputs)) {
            return false;
        }
        let (mut given_up, mut lines) = (BTreeSet::new(), 0);
        for sink in self.outputs.of_route(full.iter().fold(0, |route, index| route | 1 << index)) {
            sink.put_waiting(&mut given_up);
            lines += sink.give_up();
        }
        let waiting = self.waiting_positions();
        let failed = given_up.difference(&waiting).count() as u64;
        self.failed += failed;
        self.stats.failed.add(failed);
        self.held.retain(|(position, _)| waiting.contains(position));
        self.report_stuck(lines);
        true
    }

    fn report_stuck(&mut self, lines: u64) {
        let message = format!("a log file takes nothing while others do: {lines} of its lines are given up");
        self.errors.handle("keep the lines of a file", &message);
        if self.stuck_reported_at.is_none_or(|last| last.elapsed() >= STUCK_PAUSE) {
            self.stuck_reported_at = Some(Instant::now());
            self.notice(level::WARNING, "outputs", &message, &[]);
        }
    }
}
