//! The one place trouble behind the queue is told: counted always, on standard error at most once per interval and kind.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::escape;
use crate::platform;
use crate::stats::Stats;

/// How long the same kind of trouble stays silent after it was told.
const INTERVAL: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct ErrorHandler {
    stats: Arc<Stats>,
    told: Mutex<HashMap<String, (Instant, u64)>>,
}

impl ErrorHandler {
    #[must_use]
    pub fn new(stats: Arc<Stats>) -> Self {
        Self { stats, told: Mutex::default() }
    }

    /// Counts one trouble and tells it unless the same `action` was told within the interval.
    pub fn handle(&self, action: &str, error: &dyn Display) {
        self.stats.errors.add(1);
        let now = Instant::now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let silent = match told.get_mut(action) {
            Some((last, silent)) if now.duration_since(*last) < INTERVAL => {
                *silent += 1;
                return;
            }
            Some((_, silent)) => *silent,
            None => 0,
        };
        told.insert(action.to_owned(), (now, 0));
        drop(told);
        let again = if silent == 0 { String::new() } else { format!(" ({silent} more since last told)") };
        // Paths and the system's words may hold anything.
        let line = escape::shown(&format!("unified_logger: cannot {action}: {error}{again}")) + "\n";
        // Nowhere is left to tell that standard error is closed.
        let _ = platform::write_stderr(line.as_bytes());
    }
}
