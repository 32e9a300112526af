//! The console on a terminal: calls show their records themselves, so that these stand in order with what the program prints.
//!
//! A terminal that takes nothing for a while is left to the console's thread. Calls show their records again once that has shown all.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::platform::{self, Standard};

/// How long a call waits for a terminal that takes nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a call waits before it tries again, and how often it tries before it begins to wait so: room comes within a few microseconds
/// where the terminal is read.
const ATTEMPTS: u32 = 20;
const SHORT: Duration = Duration::from_micros(50);
/// How long one look at the terminal lasts at most.
const LOOK: Duration = Duration::from_millis(50);

/// Microseconds for which the stream is taken to lead where it led: asking takes a tenth of what showing a line takes.
const SEEN: u64 = 500;

#[derive(Debug)]
pub struct Terminal {
    terminal: platform::Terminal,
    standard: Standard,
    opened: Instant,
    /// When the stream last led to the terminal, in microseconds since it was opened.
    seen: AtomicU64,
    /// Whether a call is showing lines.
    is_taken: AtomicBool,
    /// Whether records take the way behind the queue, because the terminal took nothing.
    is_blocked: AtomicBool,
}

/// What became of lines for a terminal.
#[derive(Debug, PartialEq, Eq)]
pub enum Shown {
    Whole,
    /// The terminal took so many bytes, and no more at once. It is this call's until that has shown the rest.
    Part(usize),
    /// Another call is showing its lines.
    Later,
    /// It took nothing, and never will.
    No,
}

impl Terminal {
    /// `None` if the stream is no terminal.
    #[must_use]
    pub fn open(standard: Standard) -> Option<Self> {
        let terminal = platform::Terminal::open(standard)?;
        let (opened, seen) = (Instant::now(), AtomicU64::new(0));
        Some(Self {
            terminal,
            standard,
            opened,
            seen,
            is_taken: AtomicBool::new(false),
            is_blocked: AtomicBool::new(false),
        })
    }

    /// Whether records take the way behind the queue.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.is_blocked.load(Ordering::Relaxed)
    }

    /// Lets records take the way behind the queue, after one that must: what comes later must not be shown before it.
    pub fn block(&self) {
        self.is_blocked.store(true, Ordering::Relaxed);
    }

    /// To be called when everything behind the queue is shown.
    pub fn unblock(&self) {
        self.is_blocked.store(false, Ordering::Relaxed);
    }

    /// Shows lines as far as that needs no waiting.
    #[must_use]
    pub fn show(&self, lines: &[u8]) -> Shown {
        if self.is_taken.swap(true, Ordering::Acquire) {
            return Shown::Later;
        }
        let shown = match self.is_there().then(|| self.terminal.write(lines)) {
            Some(Ok(written)) if written == lines.len() => Shown::Whole,
            Some(Ok(written)) => return Shown::Part(written),
            Some(Err(_)) | None => Shown::No,
        };
        self.is_taken.store(false, Ordering::Release);
        shown
    }

    /// Whether the stream still leads to the terminal, or did just now.
    fn is_there(&self) -> bool {
        let now = u64::try_from(self.opened.elapsed().as_micros()).unwrap_or(u64::MAX);
        if now.saturating_sub(self.seen.load(Ordering::Relaxed)) < SEEN {
            return true;
        }
        let is_there = self.terminal.is_there();
        if is_there {
            self.seen.store(now, Ordering::Relaxed);
        }
        is_there
    }

    /// Shows lines once no other call shows any. Waits for that and for the terminal. False if neither comes in time: the lines are left to
    /// the way behind the queue.
    #[must_use]
    pub fn show_later(&self, lines: &[u8]) -> bool {
        let started = Instant::now();
        while started.elapsed() < PATIENCE && !self.is_blocked() {
            match self.show(lines) {
                Shown::Whole => return true,
                Shown::No => return false,
                Shown::Part(written) => return self.show_rest(&lines[written..], written > 0),
                Shown::Later => thread::sleep(SHORT),
            }
        }
        self.block();
        false
    }

    /// Shows what is left of lines, of which the terminal has taken a part if `is_begun`. False if it takes nothing of them: they are left
    /// to the way behind the queue.
    #[must_use]
    pub fn show_rest(&self, rest: &[u8], is_begun: bool) -> bool {
        let is_shown = self.push(rest, is_begun);
        self.is_taken.store(false, Ordering::Release);
        is_shown
    }

    fn push(&self, mut rest: &[u8], mut is_begun: bool) -> bool {
        let started = Instant::now();
        let mut refused = 0;
        while started.elapsed() < PATIENCE {
            match self.terminal.write(rest) {
                Ok(written) if written == rest.len() => return true,
                Ok(0) => {
                    // It may be ready and take nothing: where another process is writing, and where a line's end needs more room than there is.
                    if self.terminal.is_ready(LOOK) {
                        refused += 1;
                        if refused < ATTEMPTS { thread::yield_now() } else { thread::sleep(SHORT) }
                    }
                }
                Ok(written) => {
                    (is_begun, refused) = (true, 0);
                    rest = &rest[written..];
                }
                Err(_) => return is_begun,
            }
        }
        self.block();
        if is_begun {
            self.end_line(rest.to_vec());
        }
        is_begun
    }

    /// Lets a thread wait with the end of a line. It waits in the system before any other that writes there, so nothing comes between.
    fn end_line(&self, rest: Vec<u8>) {
        let standard = self.standard;
        // Without a thread the line stays torn.
        let _ = thread::Builder::new().name("unified_console".into()).spawn(move || standard.write_patiently(&rest));
    }
}
