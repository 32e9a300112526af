//! What waits of one trace.

use std::collections::VecDeque;
use std::time::Instant;

use pyo3::prelude::*;
use unified_logger_core::forks;
use unified_logger_core::slab::Buffer;

use super::Rule;
use crate::interpreter::counts::STATS;
use crate::interpreter::gil::Gil;

/// The records of one trace that wait, and what becomes of them.
pub struct Recording {
    pub trace_id: String,
    /// The rule of the time when it began.
    pub rule: Rule,
    began: Instant,
    waiting: Gil<Waiting>,
}

#[derive(Default)]
struct Waiting {
    records: VecDeque<(Buffer, usize)>,
    bytes: usize,
    /// Records that had to go for others since the last were written.
    lost: u64,
    /// Records are written at once from now on.
    is_written: bool,
    /// Scopes in which the trace runs, in all threads and tasks.
    scopes: u32,
    /// Whether it is among those that are listed, and among those that are held.
    is_listed: bool,
    is_held: bool,
    forks: u32,
}

/// What waited, the oldest first, and how many records had to go before.
pub struct Released {
    pub records: Vec<Buffer>,
    pub lost: u64,
}

impl Recording {
    pub fn new(trace_id: String, rule: Rule) -> Self {
        let waiting = Waiting { forks: forks::count(), ..Waiting::default() };
        Self { trace_id, rule, began: Instant::now(), waiting: Gil::new(waiting) }
    }

    #[allow(clippy::mut_from_ref, reason = "the interpreter lock guards it")]
    fn waiting(&self, py: Python<'_>) -> &mut Waiting {
        // SAFETY: no function of this file runs Python code: a buffer is no object.
        let waiting = unsafe { &mut *self.waiting.get(py) };
        let forks = forks::count();
        if waiting.forks != forks {
            // The records of the parent are the parent's to write: dropped here, its slots stay as they are.
            let (is_written, scopes) = (waiting.is_written, waiting.scopes);
            *waiting = Waiting { forks, is_written, scopes, ..Waiting::default() };
        }
        waiting
    }

    /// Whether a record of this level waits, which nothing else has made.
    #[inline]
    pub fn takes(&self, level: i32) -> bool {
        level >= self.rule.least
    }

    /// Whether records of the trace are written at once.
    pub fn is_written(&self, py: Python<'_>) -> bool {
        self.waiting(py).is_written
    }

    /// Has all that follows written at once. False if it is already.
    pub fn write_from_now_on(&self, py: Python<'_>) -> bool {
        !std::mem::replace(&mut self.waiting(py).is_written, true)
    }

    /// Notes a scope in which the trace runs.
    pub fn enter(&self, py: Python<'_>) {
        self.waiting(py).scopes += 1;
    }

    /// Notes that such a scope is left. True if it was the last.
    pub fn leave(&self, py: Python<'_>) -> bool {
        let waiting = self.waiting(py);
        waiting.scopes = waiting.scopes.saturating_sub(1);
        waiting.scopes == 0
    }

    /// Ends the trace: what follows, of a task that goes on, is a matter of its own.
    pub fn end(&self, py: Python<'_>) {
        self.waiting(py).is_written = false;
    }

    /// Notes that it is held. False if it is already.
    pub(super) fn note_held(&self, py: Python<'_>) -> bool {
        !std::mem::replace(&mut self.waiting(py).is_held, true)
    }

    pub(super) fn note_released(&self, py: Python<'_>) {
        self.waiting(py).is_held = false;
    }

    /// Whether the trace has taken so long that it is written.
    pub fn is_slow(&self) -> bool {
        self.rule.slow.is_some_and(|slow| self.began.elapsed() >= slow)
    }

    /// Whether the trace is one of those that are written to compare with.
    pub fn is_background(&self) -> bool {
        self.rule.background.is_some_and(|share| share.begin(&self.trace_id, false).is_sampled())
    }

    /// Has the oldest records go until there is room for another one. Returns the bytes that these had.
    pub(super) fn make_room(&self, py: Python<'_>, bytes: usize) -> usize {
        let most = self.rule.trace_bytes;
        let waiting = self.waiting(py);
        let before = waiting.bytes;
        while waiting.bytes + bytes > most {
            let Some((_, size)) = waiting.records.pop_front() else { break };
            waiting.bytes -= size;
            waiting.lost += 1;
            STATS.recorded_lost.add(1);
        }
        before - waiting.bytes
    }

    /// Has all records go, and is listed no more. Returns the bytes that they had.
    pub(super) fn lose_all(&self, py: Python<'_>) -> usize {
        let waiting = self.waiting(py);
        let count = waiting.records.len() as u64;
        waiting.lost += count;
        STATS.recorded_lost.add(count);
        waiting.records = VecDeque::new();
        waiting.is_listed = false;
        std::mem::take(&mut waiting.bytes)
    }

    /// Notes a record for which there is no room.
    pub(super) fn lose(&self, py: Python<'_>, record: Buffer) {
        drop(record);
        self.waiting(py).lost += 1;
        STATS.recorded_lost.add(1);
    }

    /// Adds a record. True if the trace is to be listed now.
    pub(super) fn push(&self, py: Python<'_>, record: Buffer, bytes: usize) -> bool {
        let waiting = self.waiting(py);
        waiting.bytes += bytes;
        waiting.records.push_back((record, bytes));
        !std::mem::replace(&mut waiting.is_listed, true)
    }

    /// Moves its records. Each counts for as many bytes as before.
    pub(super) fn move_all(&self, py: Python<'_>, keep: &dyn Fn(Buffer) -> Buffer) {
        let records = std::mem::take(&mut self.waiting(py).records);
        let moved = records.into_iter().map(|(record, bytes)| (keep(record), bytes)).collect();
        self.waiting(py).records = moved;
    }

    pub(super) fn take(&self, py: Python<'_>) -> (Released, usize) {
        let waiting = self.waiting(py);
        let records = std::mem::take(&mut waiting.records).into_iter().map(|(record, _)| record).collect();
        let released = Released { records, lost: std::mem::take(&mut waiting.lost) };
        (released, std::mem::take(&mut waiting.bytes))
    }

    /// Takes all that waits, is listed no more, and writes nothing from now on.
    pub(super) fn forget(&self, py: Python<'_>) -> (Released, usize) {
        let waiting = self.waiting(py);
        (waiting.is_listed, waiting.is_written) = (false, false);
        self.take(py)
    }

    /// Whether it runs in no scope.
    pub fn is_left(&self, py: Python<'_>) -> bool {
        self.waiting(py).scopes == 0
    }

    pub(super) fn waiting_bytes(&self, py: Python<'_>) -> usize {
        self.waiting(py).bytes
    }
}
