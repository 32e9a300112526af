//! The thread behind the queue: takes what is there, hands it on, sleeps while there is nothing.

mod ending;
mod shared;
mod sweep;
mod turn;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::slab;

use sweep::SWEEP;
use turn::Written;

pub use ending::{Ending, wait_for_endings, write_now};
pub use shared::{Flush, Shared, pause, state};
pub use turn::Turn;

/// Sleep after work, doubled up to the longest while there is none.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);
const LONGEST_SLEEP: Duration = Duration::from_millis(50);
/// After so many of the longest, about a second, it sleeps until somebody wakes it or the next sweep is due. Less often, a caller who
/// wakes it costs less than they do.
const NAPS: u32 = 20;
/// A batch of fewer records is followed by a sleep, though there may be some again.
const FEW: usize = 64;
/// Pause after a panic, doubled up to this while there is one after the other.
const LONGEST_SETBACK: Duration = Duration::from_millis(100);
/// Time between two records about dropped ones.
const NOTICE_INTERVAL: Duration = Duration::from_secs(1);

/// Runs until the pipeline is closed, or the process is about to fork. After a panic it goes on where it was; if there is one
/// after the other, in longer and longer pauses.
pub fn run(shared: &Shared, directory: &Path) {
    let mut writer = Writer {
        shared,
        directory,
        waiting: Vec::new(),
        last: None,
        sleep: SHORTEST_SLEEP,
        naps: 0,
        setback: SHORTEST_SLEEP,
    };
    shared.queue.waker().attach(std::thread::current());
    while catch_unwind(AssertUnwindSafe(|| writer.run())).is_err() {
        shared.count_panic();
        std::thread::sleep(writer.setback);
        writer.setback = (writer.setback * 2).min(LONGEST_SETBACK);
    }
}

struct Writer<'a> {
    shared: &'a Shared,
    directory: &'a Path,
    /// Flushes, and how many records must have been taken to answer them.
    waiting: Vec<(u64, Flush)>,
    /// How many records must have been taken until it may end: those that were accepted when the pipeline was closed. Threads that go on
    /// logging do not hold up the end.
    last: Option<u64>,
    sleep: Duration,
    /// How many of the longest sleeps there were since there was something to do.
    naps: u32,
    /// Pause after the next panic.
    setback: Duration,
}

impl Writer<'_> {
    fn run(&mut self) {
        loop {
            if self.shared.begins_pause() {
                // Asked again, of the next writer, with all that came meanwhile.
                self.hand_flushes_on();
                return;
            }
            if self.shared.is_held() {
                let shared = self.shared;
                shared.queue.waker().sleep(LONGEST_SLEEP, || !shared.is_held() || shared.is_asked_to_pause());
                continue;
            }
            self.shared.prepare_pool();
            self.shared.sweep(self.directory);
            self.note_flushes();
            // Read before taking: what is queued when it says so is still written.
            let closing = self.shared.state.load(Ordering::SeqCst) != state::OPEN;
            if closing && self.last.is_none() {
                self.last = Some(self.shared.all_that_is_there(&self.shared.turn()));
            }
            let interval = if self.waiting.is_empty() { NOTICE_INTERVAL } else { Duration::ZERO };
            let Written { count, passed, clear } = self.shared.turn().write(self.shared, interval);
            self.setback = SHORTEST_SLEEP;
            self.answer_flushes(passed, clear);
            let all_is_taken = self.last.is_some_and(|last| passed >= last);
            if closing && clear && (all_is_taken || self.shared.is_idle() && self.waiting.is_empty()) {
                // For whoever ends the engine, who writes what came meanwhile.
                self.hand_flushes_on();
                return;
            }
            if count == 0 {
                self.sleep(clear);
            } else {
                self.be_awake();
                if count < FEW {
                    self.gather();
                }
            }
        }
    }

    fn note_flushes(&mut self) {
        while let Some(flush) = self.shared.flushes.pop() {
            let last = self.shared.all_that_is_there(&self.shared.turn());
            self.waiting.push((last, flush));
        }
    }

    fn hand_flushes_on(&mut self) {
        self.waiting.drain(..).for_each(|(_, flush)| self.shared.flushes.push(flush));
    }

    fn answer_flushes(&mut self, passed: u64, clear: bool) {
        self.waiting.retain(|(target, flush)| {
            let answered = passed >= *target && (clear || !flush.patient);
            if answered {
                // Whoever asked may have stopped waiting.
                let _ = flush.done.send(clear);
            }
            !answered
        });
    }

    /// Lets a few more records come before they are written: each batch costs the same few system calls, and takes memory that
    /// callers are about to write to from their cores.
    fn gather(&self) {
        let shared = self.shared;
        let busy = || {
            shared.queue.is_filling()
                || !self.waiting.is_empty()
                || !shared.flushes.is_empty()
                || !shared.notices.is_empty()
                || shared.is_asked_to_pause()
                || shared.state.load(Ordering::SeqCst) != state::OPEN
        };
        shared.queue.waker().sleep(SHORTEST_SLEEP, busy);
    }

    /// `clear` says that nothing is left in memory, which would have to be tried again.
    fn sleep(&mut self, clear: bool) {
        let shared = self.shared;
        let waker = shared.queue.waker();
        // Where a sink fails and holds all that it may, records wait in the queue for the next try: they are no reason to hurry.
        let busy = || {
            (clear && !shared.is_idle())
                || !shared.notices.is_empty()
                || !shared.flushes.is_empty()
                || shared.is_asked_to_pause()
        };
        if self.naps < NAPS || !clear || shared.stats.has_unreported_drops() {
            waker.sleep(self.sleep, busy);
        } else {
            let until_sweep = shared.swept().at.map_or(Duration::ZERO, |last| SWEEP.saturating_sub(last.elapsed()));
            // Counted, not looked for: see `Waker::wake_for`.
            let busy = || shared.queue.depth() > 0 || shared.state.load(Ordering::SeqCst) != state::OPEN || busy();
            waker.sleep_soundly(until_sweep.max(SHORTEST_SLEEP), busy);
        }
        self.sleep = (self.sleep * 2).min(LONGEST_SLEEP);
        if self.sleep == LONGEST_SLEEP {
            self.naps = self.naps.saturating_add(1);
            slab::give_back_kept();
        }
        if !self.waiting.is_empty() || shared.state.load(Ordering::SeqCst) != state::OPEN {
            self.be_awake();
        }
    }

    fn be_awake(&mut self) {
        self.sleep = SHORTEST_SLEEP;
        self.naps = 0;
    }
}
