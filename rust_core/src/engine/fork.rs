//! What a fork needs: threads end before it, and start again after it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Engine;
use crate::blackbox;
use crate::names;
use crate::writer::{pause, state};

/// How long a fork waits for the writer. A stuck disk must not hang the fork.
const FORK_PATIENCE: Duration = Duration::from_millis(100);
const CONSOLE_PATIENCE_AT_FORK: Duration = Duration::from_millis(10);

impl Engine {
    /// Starts the writer again after a fork. If the system gives no thread, callers write their own records, and try
    /// again.
    pub fn go_on_writing(&self) {
        let shared = &self.shared;
        if shared.pause.load(Ordering::SeqCst) == pause::RUNS {
            return;
        }
        let mut writer = self.writer();
        let change = |from, to| shared.pause.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        // A writer that was too busy to notice the request goes on.
        if self.forks.load(Ordering::SeqCst) == 0
            && shared.state.load(Ordering::SeqCst) == state::OPEN
            && !change(pause::ASKED, pause::RUNS)
            && change(pause::PAUSED, pause::RUNS)
            && let Err(error) = self.start_writer(&mut writer)
        {
            shared.errors.handle("go on writing after a fork", &error);
        }
    }

    /// Ends the writer and the other threads for a fork, and waits for them at most 100 ms. So the child inherits no
    /// held lock and no batch that is half written. Python warns of threads at a fork. It finds one of this library only
    /// where one needs longer: it waits for a disk, or is at a large part of a file. The child keeps no file open that such
    /// a thread packs, indexes or compares.
    pub fn pause(&self) {
        let shared = &self.shared;
        let deadline = Instant::now() + FORK_PATIENCE;
        self.forks.fetch_add(1, Ordering::SeqCst);
        let mut writer = self.writer();
        let _ = shared.pause.compare_exchange(pause::RUNS, pause::ASKED, Ordering::SeqCst, Ordering::SeqCst);
        shared.queue.waker().wake_at_once();
        *writer = writer.take().and_then(|worker| worker.end(deadline).err());
        drop(writer);
        // A thread in the middle of a part of a file needs longer than one that writes to a console.
        shared.pause_upkeep(deadline);
        // A stopped terminal is no reason to wait.
        let deadline = deadline.min(Instant::now() + CONSOLE_PATIENCE_AT_FORK);
        if let Ok(mut turn) = shared.turn.try_lock() {
            turn.pipeline.pause_sinks(deadline);
        }
        shared.errors.pause(deadline);
        shared.pause_strays(deadline);
    }

    /// The fork is over: `go_on_writing` may start the writer again.
    pub fn end_pause(&self) {
        // The count is 0 if this engine replaced another one while the fork was under way.
        let _ = self.forks.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |forks| forks.checked_sub(1));
    }

    /// To be called in a forked child. The parent writes its own records, and the child's counts start at zero.
    pub fn forget_in_child(&self) {
        crate::unshared::leave_files_to_parent();
        blackbox::disown_all();
        names::here().forget_followers();
        self.shared.stats.restart();
    }
}
