//! A thread of this library's own: started under a name, ended within a bound.

use std::io;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::memory;
use crate::platform;

/// What a thread takes of memory: its stack, and what its variables and the first that it does need.
const MEMORY: usize = (2 << 20) + (512 << 10);
const LOOK_PAUSE: Duration = Duration::from_micros(50);
/// How long the system may take to take a thread off its list.
const LIST_PATIENCE: Duration = Duration::from_millis(10);

/// Runs `body` on a thread that has what others leave of the processor and the device, and waits for it. A thread that is given so little must hold
/// no lock, because it cannot take back more. Where the system gives no thread, the one that calls runs it.
pub fn with_what_is_left<R: Send>(name: &str, body: impl FnOnce() -> R + Send) -> R {
    let body = Mutex::new(Some(body));
    let take = || body.lock().unwrap_or_else(PoisonError::into_inner).take();
    let id = AtomicU32::default();
    let result = memory::has(MEMORY).then(|| {
        thread::scope(|scope| {
            let held_back = platform::SignalsHeldBack::here();
            let started = thread::Builder::new().name(name.into()).spawn_scoped(scope, || {
                id.store(platform::thread_id(), Ordering::Relaxed);
                platform::yield_to_others();
                take().map(|body| body())
            });
            drop(held_back);
            started.ok().and_then(|handle| handle.join().unwrap_or_else(|panic| resume_unwind(panic)))
        })
    });
    // The system says that it can be joined before it takes it off its list.
    let until = Instant::now() + LIST_PATIENCE;
    while platform::has_thread(id.load(Ordering::Relaxed)) && Instant::now() < until {
        thread::sleep(LOOK_PAUSE);
    }
    match (result.flatten(), take()) {
        (Some(result), _) => result,
        (None, Some(body)) => body(),
        (None, None) => unreachable!("a thread that has run it gives its result"),
    }
}

#[derive(Debug)]
pub struct Worker {
    handle: JoinHandle<()>,
    /// The thread as the system knows it; 0 until it runs.
    id: Arc<AtomicU32>,
}

impl Worker {
    /// Starts a thread that runs `body`, and takes none of the process's signals.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        // Without memory for its variables, the C library would end the process.
        if !memory::has(MEMORY) {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        let id = Arc::<AtomicU32>::default();
        let own = Arc::clone(&id);
        // A signal that a program holds back on its own threads would be delivered to this one, and end the process.
        let _held_back = platform::SignalsHeldBack::here();
        let handle = thread::Builder::new().name(name.into()).spawn(move || {
            own.store(platform::thread_id(), Ordering::Relaxed);
            body();
        })?;
        Ok(Self { handle, id })
    }

    /// Whether it has done all that it was started for.
    #[must_use]
    pub fn is_at_its_end(&self) -> bool {
        self.handle.is_finished()
    }

    /// Waits until the thread has ended, which it was told otherwise to do, and the system no longer counts it.
    ///
    /// # Errors
    /// The worker, when it is still at work at `deadline`.
    pub fn end(self, deadline: Instant) -> Result<(), Self> {
        while !self.handle.is_finished() {
            if Instant::now() >= deadline {
                return Err(self);
            }
            thread::sleep(LOOK_PAUSE);
        }
        let id = self.id.load(Ordering::Relaxed);
        // It ended, whether well or in a panic that was told when it came.
        let _ = self.handle.join();
        // The system says that it can be joined before it takes it off its list.
        while platform::has_thread(id) && Instant::now() < deadline {
            thread::sleep(LOOK_PAUSE);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_with_what_is_left_leaves_its_caller_as_it_was_and_no_thread() {
        let before = platform::scheduling();
        let (id, aside) = with_what_is_left("aside", || (platform::thread_id(), platform::scheduling()));
        platform::assert_yielding(aside);
        assert_eq!(platform::scheduling(), before);
        assert!(!platform::has_thread(id));
    }

    #[test]
    fn a_panic_of_such_a_thread_is_its_callers() {
        let panicked = std::panic::catch_unwind(|| with_what_is_left("aside", || panic!("a defect"))).is_err();
        assert!(panicked);
    }
}
