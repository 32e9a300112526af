//! What is written with the directory's lock, and trouble with it.

use std::time::Instant;

use crate::error_handler::ErrorHandler;
use crate::outputs::Outputs;
use crate::sink::Held;
use crate::stats::Stats;

/// Writes what the sinks hold that need the directory's lock, or what the others hold.
pub(super) fn write_sinks(outputs: &mut Outputs, with_lock: bool, now: Instant, held: Held, errors: &ErrorHandler) {
    for sink in outputs.sinks_mut().filter(|sink| sink.needs_lock() == with_lock) {
        if let Err(error) = sink.write(now, held) {
            errors.handle("write", &error);
        }
    }
}

/// Reports trouble with the directory's lock.
pub(super) fn report_lock(held: Held, stats: &Stats, errors: &ErrorHandler, no_locks_reported: &mut bool) {
    match held {
        Held::Yes => {}
        Held::TimedOut => {
            stats.lock_timeouts.add(1);
            errors.handle("lock the log directory", &"another process has held it for a second");
        }
        Held::NotOpened => {
            stats.lock_unopened.add(1);
            errors.handle("lock the log directory", &"its lock file cannot be opened");
        }
        Held::Unsupported => {
            stats.lock_unsupported.add(1);
            if !std::mem::replace(no_locks_reported, true) {
                let reason = "the file system has no locks: only one process may log there";
                errors.handle("lock the log directory", &reason);
            }
        }
    }
}
