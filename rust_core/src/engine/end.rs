//! Flushes and the shutdown.

use std::sync::TryLockError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Engine, LATE_PATIENCE};
use crate::metrics;
use crate::writer::{self, Ending, Flush, Flushing, Rotation, answer, state};

const CONSOLE_PATIENCE: Duration = Duration::from_secs(1);
/// How long a shutdown waits for the other threads. They were asked to end, and do so by themselves.
const END_PATIENCE: Duration = Duration::from_millis(100);

impl Engine {
    /// Asks for everything accepted so far to be written. A `patient` request waits for a failing disk to mend.
    #[must_use]
    pub fn request_flush(&self, patient: bool) -> Flushing {
        self.request(patient, None)
    }

    /// As `request_flush`, and asks for new files after that, except for those that were changed within `spared`. It is tried again for as
    /// long as `patience`. The answer is whether all that have records were changed.
    #[must_use]
    pub fn request_rotation(&self, spared: Duration, patience: Option<Duration>) -> Flushing {
        self.request(patience.is_some(), Some(Rotation::new(spared, patience)))
    }

    fn request(&self, patient: bool, rotation: Option<Rotation>) -> Flushing {
        let (answer, flushing) = answer::pair();
        if !self.is_closed() {
            self.go_on_writing();
        }
        if self.is_unattended() {
            let written = match rotation {
                Some(rotation) => writer::rotate_now(&self.shared, rotation, LATE_PATIENCE),
                None => writer::write_now(&self.shared, LATE_PATIENCE, LATE_PATIENCE),
            };
            answer.give(written && !self.shared.has_lost.load(Ordering::Relaxed));
        } else {
            self.shared.flushes.push(Flush { answer, patient, rotation });
            self.shared.queue.waker().wake_at_once();
            // The writer may have ended since the check above.
            if self.is_unattended() {
                self.shared.answer_flushes(writer::write_now(&self.shared, LATE_PATIENCE, LATE_PATIENCE));
            }
        }
        flushing
    }

    /// Waits until the console, and every other sink behind a thread, has written what it was given. Threads that
    /// write are not held up by this.
    pub fn flush_console(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        // A blocked sink may use up the time of the others. They are asked all the same.
        self.shared
            .behind
            .iter()
            .fold(true, |done, behind| done & behind.wait(deadline.saturating_duration_since(Instant::now())))
    }

    /// Writes what is queued and ends the writer, within `timeout`. True when nothing was left unwritten. What is due for log files is done
    /// too, as far as there is time: a program may have ended before its first round.
    pub fn shutdown(&self, timeout: Duration) -> bool {
        self.end(timeout, true)
    }

    /// The same for another engine that takes its place, and looks after the files by its own settings.
    pub fn give_way(&self, timeout: Duration) -> bool {
        self.end(timeout, false)
    }

    /// Removes the black box, once its counts are kept. Else the box stays, and the process that finds it keeps them.
    fn remove_box(&self) {
        let Some(black_box) = &self.black_box else { return };
        let directory = self.shared.directory.as_deref();
        if let Some(directory) = directory
            && let Some((name, counted)) = black_box.give_counts(self.shared.stats.words())
            && let Err(error) = metrics::keep(directory, &name, &counted, None)
            && directory.is_dir()
        {
            self.shared.errors.handle("keep the counts of this process", &error);
            return;
        }
        black_box.remove(self.shared.pool.as_ref());
    }

    fn end(&self, timeout: Duration, looks_after_files: bool) -> bool {
        let deadline = Instant::now() + timeout;
        let shared = &self.shared;
        // Before the end, so that it goes the way of every record.
        shared.tell_left_out();
        let _ = shared.state.compare_exchange(state::OPEN, state::CLOSING, Ordering::SeqCst, Ordering::SeqCst);
        shared.queue.waker().wake_at_once();
        let writer = self.writer().take();
        let ended = writer.is_none_or(|worker| worker.end(deadline).is_ok());
        // Callers write the records that are accepted from here on, after this shutdown has written the earlier
        // records.
        let ending = Ending::begin(shared);
        shared.state.store(state::CLOSED, Ordering::SeqCst);
        shared.unattended.store(true, Ordering::SeqCst);
        shared.queue.release_waiters();
        let left = deadline.saturating_duration_since(Instant::now());
        let written = ended && ending.write(left);
        drop(ending);
        if ended {
            shared.answer_flushes(written && !shared.has_lost.load(Ordering::Relaxed));
        }
        if written {
            if looks_after_files {
                self.tell_rest(deadline);
            }
            self.remove_box();
            let left = deadline.saturating_duration_since(Instant::now());
            self.flush_console(left.min(CONSOLE_PATIENCE));
            if looks_after_files {
                shared.look_after_files_at_end(deadline);
                // The log says what was deleted.
                let left = deadline.saturating_duration_since(Instant::now());
                if !shared.notices.is_empty() && !writer::write_now(shared, left, left) {
                    shared.has_lost.store(true, Ordering::Relaxed);
                }
            }
            self.end_others(deadline);
            return !shared.has_lost.load(Ordering::Relaxed);
        }
        shared.given_up.store(true, Ordering::SeqCst);
        let (left, on_heap) = shared.unwritten();
        let rescue = self.rescue(left, on_heap);
        shared.errors.handle("write everything before shutdown", &format!("{left} records are not written{rescue}"));
        self.end_others(deadline);
        false
    }

    /// Tells of calls that were left out and that nothing has told of: the records that would have were dropped.
    fn tell_rest(&self, deadline: Instant) {
        if self.shared.sampler.is_some() && self.shared.tell_untold() {
            let left = deadline.saturating_duration_since(Instant::now());
            if !writer::write_now(&self.shared, left, left) {
                self.shared.has_lost.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Ends the threads other than the writer. Late records may start some of them again. These end with the next
    /// shutdown.
    fn end_others(&self, deadline: Instant) {
        let shared = &self.shared;
        let deadline = deadline.min(Instant::now() + END_PATIENCE);
        match shared.turn.try_lock() {
            Ok(mut turn) => turn.pipeline.end_sinks(deadline),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().pipeline.end_sinks(deadline),
            // A thread that writes a late record has the turn for as long as its disk takes. The console then stays as
            // it is.
            Err(TryLockError::WouldBlock) => {}
        }
        shared.pause_strays(deadline);
        shared.end_upkeep(deadline);
        shared.errors.pause(deadline);
    }

    /// The end of the message about `left` records that are not written, `on_heap` of them on the heap: what the black
    /// box keeps.
    fn rescue(&self, left: u64, on_heap: u64) -> String {
        // A box that was removed or cut keeps no records.
        let is_there = self.shared.watch.as_ref().is_some_and(|watch| watch.harm().is_none());
        match (left.saturating_sub(on_heap), on_heap) {
            _ if !is_there => String::new(),
            (0, _) => "; none of them is in the black box".into(),
            (_, 0) => "; the black box keeps them for `unified-logger recover`".into(),
            (kept, lost) => {
                format!(
                    "; the black box keeps {kept} of them for `unified-logger recover`, {lost} found no room in it and are lost with the process"
                )
            }
        }
    }
}
