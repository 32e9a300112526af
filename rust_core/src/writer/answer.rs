//! The answer to one flush.
//!
//! A channel asks for memory on the caller's thread when it waits for the first time. The C library keeps there what it
//! has to clean up at the thread's end. Where there is no memory for that, it ends the process.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
struct Slot {
    answer: Mutex<Option<bool>>,
    is_given: Condvar,
}

/// Gives the answer. Where it goes without having given one, the answer is false.
#[derive(Debug)]
pub struct Answer(Arc<Slot>);

/// A flush under way.
#[derive(Debug)]
pub struct Flushing(Arc<Slot>);

/// Both ends of one answer.
#[must_use]
pub fn pair() -> (Answer, Flushing) {
    let slot = Arc::<Slot>::default();
    (Answer(Arc::clone(&slot)), Flushing(slot))
}

impl Answer {
    /// The first answer stands. The caller may have stopped waiting for it.
    pub fn give(&self, is_on_disk: bool) {
        let mut answer = self.0.answer.lock().unwrap_or_else(PoisonError::into_inner);
        answer.get_or_insert(is_on_disk);
        self.0.is_given.notify_all();
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.give(false);
    }
}

impl Flushing {
    /// Whether everything is on disk; `None` if that is not known within `time`.
    #[must_use]
    pub fn wait(&self, time: Duration) -> Option<bool> {
        let answer = self.0.answer.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.is_given.wait_timeout_while(answer, time, |answer| answer.is_none());
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn the_first_answer_stands() {
        let (answer, flushing) = pair();
        assert_eq!(flushing.wait(Duration::ZERO), None);
        answer.give(true);
        answer.give(false);
        drop(answer);
        assert_eq!(flushing.wait(LONG), Some(true));
    }

    #[test]
    fn an_answer_that_goes_is_no() {
        let (answer, flushing) = pair();
        let waiting = std::thread::spawn(move || flushing.wait(LONG));
        drop(answer);
        assert_eq!(waiting.join().unwrap(), Some(false));
    }
}
