//! A thread of this library's own: started under a name, ended within a bound.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::memory;
use crate::platform;

/// What a thread takes of memory: its stack, and what its variables and the first that it does need.
const MEMORY: usize = (2 << 20) + (512 << 10);
const LOOK_PAUSE: Duration = Duration::from_micros(50);

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
