//! The one place where trouble behind the queue is reported: counted always, on standard error at most once per interval and kind.

use std::collections::HashMap;
use std::fmt::{self, Display, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded};

use crate::escape;
use crate::memory;
use crate::platform;
use crate::stats::Stats;
use crate::table::lock_briefly;
use crate::worker::Worker;

/// How long the same kind of trouble stays silent after a report.
const INTERVAL: Duration = Duration::from_secs(10);
/// Lines that may wait for standard error. Beyond that, trouble is only counted.
const LINES: usize = 32;
/// How long a report waits until its line is written, so that the last line before an exit is seen. It does not wait
/// while an earlier line does.
const PATIENCE: Duration = Duration::from_millis(100);
/// The most bytes of a line. A pipe takes this much whole, even if others write to it.
const LONGEST: usize = 4_000;
/// Bytes of a line that is written where there is no memory for more: it lies on the stack.
const SCARCE: usize = 1_000;
/// Bytes that a line, its copies and what writes it take at most.
const MEMORY: usize = 16 * LONGEST;
/// Remarks that may wait.
const REMARKS: usize = 16;

/// Trouble that was met where there is no handler: what could not be done, and why.
static REMARKS_LEFT: Mutex<Vec<(&'static str, String)>> = Mutex::new(Vec::new());
static HAS_REMARKS: AtomicBool = AtomicBool::new(false);

/// Leaves a remark for the next handler that reports. A remark that waits already is left out.
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
    reported: Mutex<Reported>,
    voice: Mutex<Option<Voice>>,
}

/// When trouble of one kind was last reported, and how often it was met since.
type Last = (Instant, u64);

#[derive(Debug, Default)]
struct Reported {
    kinds: HashMap<&'static str, Last>,
    /// For all kinds that there was no memory to remember.
    others: Option<Last>,
}

impl Reported {
    /// How often this kind was met in silence, if it should be reported now.
    fn since(&mut self, action: &'static str) -> Option<u64> {
        let now = Instant::now();
        if !self.kinds.contains_key(action) && self.kinds.try_reserve(1).is_err() {
            return match &mut self.others {
                Some(last) => due(last, now),
                others => {
                    *others = Some((now, 0));
                    Some(0)
                }
            };
        }
        match self.kinds.get_mut(action) {
            Some(last) => due(last, now),
            None => {
                self.kinds.insert(action, (now, 0));
                Some(0)
            }
        }
    }
}

fn due(last: &mut Last, now: Instant) -> Option<u64> {
    if now.duration_since(last.0) < INTERVAL {
        last.1 += 1;
        return None;
    }
    let silent = last.1;
    *last = (now, 0);
    Some(silent)
}

/// A line on the stack, cut at its end. Characters that are no printable ASCII become `?`.
struct Scarce {
    bytes: [u8; SCARCE],
    length: usize,
}

impl Write for Scarce {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            // The last byte is for the end of the line.
            if self.length == SCARCE - 1 {
                break;
            }
            let plain = u8::try_from(character).ok().filter(|byte| (b' '..0x7f).contains(byte));
            self.bytes[self.length] = plain.unwrap_or(b'?');
            self.length += 1;
        }
        Ok(())
    }
}

/// A text that takes as much memory as there is, and no more of it than a line has.
#[derive(Default)]
struct Text(String);

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // One byte more than fits shows that the line must be cut.
        let room = (LONGEST + 1).saturating_sub(self.0.len());
        let start = escape::start_of(text, room);
        self.0.try_reserve(start.len()).map_err(|_| fmt::Error)?;
        self.0.push_str(start);
        Ok(())
    }
}

/// A thread that writes to standard error, so that a full pipe or a stopped terminal holds up no other thread.
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
                // Standard error is closed, and there is nowhere else to report that.
                let _ = platform::Standard::Error.write_patiently(line.as_bytes());
                left.fetch_sub(1, Ordering::Release);
            }
        };
        let worker = Worker::start("unified_errors", run).ok()?;
        Some(Self { lines, worker, pending, process: platform::process_id() })
    }

    /// Sends a line. Returns the count of pending lines to wait for, unless earlier lines are pending.
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
        Self { stats, reported: Mutex::default(), voice: Mutex::default() }
    }

    /// Counts trouble, and reports it unless the same `action` was reported within the interval.
    pub fn handle(&self, action: &'static str, error: &dyn Display) {
        self.stats.errors.add(1);
        // A fork left the lock held, so it is unknown when this was last reported.
        let Some(silent) = lock_briefly(&self.reported).and_then(|mut reported| reported.since(action)) else { return };
        match line(action, error, silent) {
            Some(line) => self.write(line),
            None => write_scarcely(action, error, silent),
        }
    }

    /// Reports the remarks that were left.
    pub fn report_remarks(&self) {
        if HAS_REMARKS.swap(false, Ordering::Acquire) {
            let left = lock_briefly(&REMARKS_LEFT).map(|mut left| std::mem::take(&mut *left));
            left.into_iter().flatten().for_each(|(action, reason)| self.handle(action, &reason));
        }
    }

    fn write(&self, line: String) {
        // The lock is held by a thread that waits for the writing thread to end, or was left held by a fork.
        let Some(mut slot) = lock_briefly(&self.voice) else {
            let _ = platform::write_stderr(line.as_bytes());
            return;
        };
        if slot.as_ref().is_none_or(|voice| voice.process != platform::process_id()) {
            *slot = Voice::start();
        }
        let sent = match &*slot {
            Some(voice) => voice.send(line),
            None => {
                // There is no thread. If this fails too, there is nowhere else to report it.
                let _ = platform::write_stderr(line.as_bytes());
                None
            }
        };
        drop(slot);
        if let Some(pending) = sent {
            wait_until_none(&pending, Instant::now() + PATIENCE);
        }
    }

    /// Ends the thread that writes to standard error, if it is done by `deadline`. The next trouble starts another
    /// thread.
    pub fn pause(&self, deadline: Instant) {
        let Some(mut slot) = lock_briefly(&self.voice) else { return };
        // A thread of the parent process does not exist in this process.
        if slot.as_ref().is_some_and(|voice| voice.process != platform::process_id()) {
            *slot = None;
        }
        if slot.as_ref().is_some_and(|voice| wait_until_none(&voice.pending, deadline))
            && let Some(Voice { lines, worker, .. }) = slot.take()
        {
            drop(lines);
            // A thread that is slow to end has nothing left to do.
            let _ = worker.end(deadline);
        }
    }
}

fn put(out: &mut impl Write, action: &str, error: &dyn Display, silent: u64) -> fmt::Result {
    write!(out, "unified_logger: cannot {action}: {error}")?;
    if silent == 0 { Ok(()) } else { write!(out, " ({silent} more since last told)") }
}

/// The line that reports trouble. `None` if there is no memory for it.
fn line(action: &str, error: &dyn Display, silent: u64) -> Option<String> {
    if memory::is_short() && !memory::has(MEMORY) {
        return None;
    }
    let mut text = Text::default();
    put(&mut text, action, error, silent).ok()?;
    let mut line = String::new();
    // Escapes take four bytes for each at most, and the end its own.
    line.try_reserve_exact(4 * text.0.len() + 8).ok()?;
    // Paths and the system's words may hold anything.
    escape::put(&mut line, &text.0);
    if line.len() > LONGEST {
        line.truncate(escape::start_of(&line, LONGEST).len());
        line.push('…');
    }
    line.push('\n');
    Some(line)
}

/// Writes a line without allocating, where there is no memory for the line or for a thread.
#[cold]
#[inline(never)]
fn write_scarcely(action: &str, error: &dyn Display, silent: u64) {
    let mut line = Scarce { bytes: [0; SCARCE], length: 0 };
    // An error may ask for memory to describe itself.
    let _ = put(&mut line, action, error, silent);
    line.bytes[line.length] = b'\n';
    // If this fails too, there is nowhere else to report it.
    let _ = platform::write_stderr(&line.bytes[..=line.length]);
}
