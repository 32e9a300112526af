//! The thread behind the queue: drains it, passes batches on, and sleeps while the queue is empty.

pub mod answer;
mod ending;
mod sampled;
mod shared;
mod sweep;
mod turn;
mod upkeep;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::blackbox::Home;
use crate::slab;

use sweep::SWEEP;
use turn::Written;

pub use answer::Flushing;
pub use ending::{Ending, rotate_now, wait_for_endings, write_now};
pub use shared::{Flush, Rotation, Shared, pause, state};
pub use turn::Turn;
pub use upkeep::Rounds;

/// The sleep after work. It is doubled, up to the longest, while there is no work.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);
const LONGEST_SLEEP: Duration = Duration::from_millis(50);
/// After this many of the longest sleeps, about a second, the writer sleeps until it is woken or the next sweep is
/// due. Waking it costs a caller less than these sleeps cost, unless it happens often.
const NAPS: u32 = 20;
/// After a batch with fewer records the writer sleeps, even if new records have come.
const FEW: usize = 64;
/// The longest wait after a panic. The wait is doubled with each panic that follows another.
const LONGEST_SETBACK: Duration = Duration::from_millis(100);
/// Time between two records about dropped records.
const NOTICE_INTERVAL: Duration = Duration::from_secs(1);

/// Runs until the pipeline is closed, or the process is about to fork. After a panic it continues where it was. If one
/// panic follows another, it waits longer each time.
pub fn run(shared: &Arc<Shared>, home: &Home) {
    let mut writer = Writer {
        shared,
        home,
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
    shared: &'a Arc<Shared>,
    home: &'a Home,
    /// Flushes, each with the number of records that must be drained before it is answered.
    waiting: Vec<(u64, Flush)>,
    /// How many records must be drained before the writer may end: the records that were accepted when the pipeline
    /// was closed. Threads that go on logging do not delay the end.
    last: Option<u64>,
    sleep: Duration,
    /// How many of the longest sleeps followed the last work.
    naps: u32,
    /// The wait after the next panic.
    setback: Duration,
}

impl Writer<'_> {
    fn run(&mut self) {
        loop {
            if self.shared.begins_pause() {
                // The next writer answers them.
                self.hand_flushes_on();
                return;
            }
            if self.shared.is_held() {
                let shared = self.shared;
                shared.queue.waker().sleep(LONGEST_SLEEP, || !shared.is_held() || shared.is_asked_to_pause());
                continue;
            }
            self.shared.check_for_cut();
            self.shared.prepare_pool();
            self.shared.sweep(self.home);
            self.shared.look_after_files();
            self.shared.look_after_sampling();
            self.note_flushes();
            // Read before the queue is drained, so that all records queued before the close are written.
            let closing = self.shared.state.load(Ordering::SeqCst) != state::OPEN;
            if closing && self.last.is_none() {
                self.last = Some(self.shared.all_that_is_there(&self.shared.turn()));
            }
            let interval = if self.waiting.is_empty() { NOTICE_INTERVAL } else { Duration::ZERO };
            let written = self.shared.turn().write(self.shared, interval);
            let Written { count, passed, clear, goes_on, .. } = written;
            self.setback = SHORTEST_SLEEP;
            self.answer_flushes(&written);
            let all_is_drained = self.last.is_some_and(|last| passed >= last);
            if closing && clear && (all_is_drained || self.shared.is_idle() && self.waiting.is_empty()) {
                // The thread that ends the engine answers them. It also writes the records that came since.
                self.hand_flushes_on();
                return;
            }
            if count == 0 && !goes_on {
                self.sleep(clear);
            } else {
                self.be_awake();
                if count < FEW && !goes_on {
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

    fn answer_flushes(&mut self, written: &Written) {
        let Written { passed, clear, has_failed, .. } = *written;
        let shared = self.shared;
        self.waiting.retain_mut(|(target, flush)| {
            if passed < *target || !clear && (!has_failed || flush.patient) {
                return true;
            }
            let mut is_done = clear && !shared.has_lost.load(Ordering::Relaxed);
            if let Some(rotation) = flush.rotation.as_mut().filter(|_| clear) {
                match shared.rotate(rotation) {
                    Some(is_rotated) => is_done &= is_rotated,
                    None => return true,
                }
            }
            flush.answer.give(is_done);
            false
        });
    }

    /// Waits for a few more records before the next batch. Each batch costs the same few system calls, and moves
    /// memory that callers are about to write to away from their cores.
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

    /// `clear` says that no sink holds anything in memory that has to be tried again.
    fn sleep(&mut self, clear: bool) {
        let shared = self.shared;
        let waker = shared.queue.waker();
        // While a failing sink holds as much as it may, records in the queue wait for the next try. They are no reason
        // to wake.
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
            // The count is read, not the queue itself: see `Waker::wake_for`.
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
