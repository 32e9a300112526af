//! The one place trouble behind the queue is told: counted always, on standard error at most once per interval and kind.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded};

use crate::escape;
use crate::platform;
use crate::stats::Stats;
use crate::table::lock_briefly;
use crate::worker::Worker;

/// How long the same kind of trouble stays silent after it was told.
const INTERVAL: Duration = Duration::from_secs(10);
/// Lines that may wait for standard error; beyond, trouble is only counted.
const LINES: usize = 32;
/// How long a line is waited for, so that the last one before an exit is seen. Not at all while an earlier one waits.
const PATIENCE: Duration = Duration::from_millis(100);
/// Bytes of a line at most: a pipe takes so much whole, whoever else writes to it.
const LONGEST: usize = 4_000;
/// Remarks that may wait.
const REMARKS: usize = 16;

/// What was noticed where no handler is at hand: what could not be done, and why.
static REMARKS_LEFT: Mutex<Vec<(&'static str, String)>> = Mutex::new(Vec::new());
static HAS_REMARKS: AtomicBool = AtomicBool::new(false);

/// Leaves a remark for the next handler that looks; one that is as good as told already is enough.
pub fn remark(action: &'static str, reason: String) {
    if let Some(mut left) = lock_briefly(&REMARKS_LEFT)
        && left.len() < REMARKS
        && !left.iter().any(|known| known.0 == action && known.1 == reason)
    {
        left.push((action, reason));
        HAS_REMARKS.store(true, Ordering::Release);
    }
}

#[derive(Debug)]
pub struct ErrorHandler {
    stats: Arc<Stats>,
    told: Mutex<HashMap<String, (Instant, u64)>>,
    voice: Mutex<Option<Voice>>,
}

/// A thread that writes to standard error: a full pipe or a paused terminal holds up nobody else.
#[derive(Debug)]
struct Voice {
    lines: Sender<String>,
    worker: Worker,
    /// Lines sent and not yet written.
    pending: Arc<AtomicU64>,
    /// Threads stay behind in a fork.
    process: u32,
}

impl Voice {
    fn start() -> Option<Self> {
        let (lines, received) = bounded::<String>(LINES);
        let pending = Arc::<AtomicU64>::default();
        let left = Arc::clone(&pending);
        let run = move || {
            for line in received {
                // Nowhere is left to tell that standard error is closed.
                let _ = platform::write_stderr_patiently(line.as_bytes());
                left.fetch_sub(1, Ordering::Release);
            }
        };
        let worker = Worker::start("unified_errors", run).ok()?;
        Some(Self { lines, worker, pending, process: platform::process_id() })
    }

    /// Sends a line. What tells when it is written, unless earlier ones are not.
    fn send(&self, line: String) -> Option<Arc<AtomicU64>> {
        let blocked = self.pending.fetch_add(1, Ordering::Acquire) > 0;
        if self.lines.try_send(line).is_err() {
            self.pending.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        (!blocked).then(|| Arc::clone(&self.pending))
    }
}

fn wait_until_none(pending: &AtomicU64, deadline: Instant) -> bool {
    while pending.load(Ordering::Acquire) > 0 {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(Duration::from_micros(50));
    }
    true
}

impl ErrorHandler {
    #[must_use]
    pub fn new(stats: Arc<Stats>) -> Self {
        Self { stats, told: Mutex::default(), voice: Mutex::default() }
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
        let mut line = escape::shown(&format!("unified_logger: cannot {action}: {error}{again}"));
        if line.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
            line.truncate(end);
            line.push('…');
        }
        self.say(line + "\n");
    }

    /// Tells what remarks were left.
    pub fn tell_remarks(&self) {
        if HAS_REMARKS.swap(false, Ordering::Acquire) {
            let left = lock_briefly(&REMARKS_LEFT).map(|mut left| std::mem::take(&mut *left));
            left.into_iter().flatten().for_each(|(action, reason)| self.handle(action, &reason));
        }
    }

    fn say(&self, line: String) {
        let mut slot = self.voice.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.as_ref().is_none_or(|voice| voice.process != platform::process_id()) {
            *slot = Voice::start();
        }
        let sent = match &*slot {
            Some(voice) => voice.send(line),
            None => {
                // No thread to be had: nowhere is left to tell that this failed too.
                let _ = platform::write_stderr(line.as_bytes());
                None
            }
        };
        drop(slot);
        if let Some(pending) = sent {
            wait_until_none(&pending, Instant::now() + PATIENCE);
        }
    }

    /// Ends the thread that writes to standard error, unless it is not done at `deadline`; the next trouble starts another.
    pub fn rest(&self, deadline: Instant) {
        let mut slot = self.voice.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.as_ref().is_some_and(|voice| wait_until_none(&voice.pending, deadline))
            && let Some(Voice { lines, worker, .. }) = slot.take()
        {
            drop(lines);
            // One that is slow to go has nothing left to do.
            let _ = worker.end(deadline);
        }
    }
}
