//! A standard stream where no file is written. Its lines wait until it takes them, as those of a file do: what is dropped then is decided by
//! the queue and its policy.

use std::collections::BTreeSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::pending::Pending;
use super::{Held, Origin, Sink, Stream};
use crate::blackbox::Journal;
use crate::error::{Error, Result};
use crate::fault_injection::{self, Fault};
use crate::platform::{self, Standard};
use crate::stats::StreamStats;

/// Bytes that wait in memory at most. Beyond, the queue is left to fill.
const ROOM: usize = 1 << 20;
/// How long one write waits for a reader, in all. A fork, a flush and an end wait no longer than that for their turn.
const PATIENCE: Duration = Duration::from_millis(20);
/// A stream that takes nothing for so long has failed.
const BLOCKED: Duration = Duration::from_millis(500);

/// Whether a line was left in the middle, on standard output and on standard error. It is ended before the next one begins.
static TORN: [AtomicBool; 2] = [const { AtomicBool::new(false) }; 2];

#[derive(Debug)]
pub struct Primary {
    stream: Stream,
    stats: Arc<StreamStats>,
    /// Where it is noted what the stream has taken.
    journal: Journal,
    pending: Pending,
    /// Bytes of the first entry that the stream has taken.
    landed: usize,
    /// Bytes that it has taken so far.
    taken: u64,
    /// Since when it takes nothing. Until it takes something again, nothing waits for it.
    blocked: Option<Instant>,
    /// Whether it will not take what is pending: it was closed, or nobody reads any more.
    is_broken: bool,
    /// Whether lines were given up for that since it last took some.
    has_lost: bool,
}

impl Primary {
    #[must_use]
    pub fn new(stream: Stream, stats: Arc<StreamStats>, journal: Journal) -> Self {
        Self {
            stream,
            stats,
            journal,
            pending: Pending::default(),
            landed: 0,
            taken: 0,
            blocked: None,
            is_broken: false,
            has_lost: false,
        }
    }

    fn write_pending(&mut self) -> io::Result<()> {
        fault_injection::pass(Fault::Console);
        let stream = self.stream.standard().open()?;
        let before = self.taken;
        let end = Instant::now() + if self.blocked.is_some() { Duration::ZERO } else { PATIENCE };
        while self.pending.len() > 0 {
            let ends_torn = self.landed == 0 && self.torn().load(Ordering::Relaxed);
            let written = if ends_torn {
                stream.write(b"\n")?
            } else {
                let part = self.pending.part(usize::MAX, stream.most());
                stream.write(stream.piece(&self.pending.bytes_of(part)[self.landed..]))?
            };
            if written > 0 && ends_torn {
                self.torn().store(false, Ordering::Relaxed);
            } else if written > 0 {
                (self.blocked, self.has_lost) = (None, false);
                self.taken += written as u64;
                self.landed += written;
                self.pass();
            } else if !stream.is_ready(end.saturating_duration_since(Instant::now())) {
                if self.taken == before {
                    self.blocked.get_or_insert_with(Instant::now);
                }
                return Ok(());
            }
        }
        Ok(())
    }

    fn torn(&self) -> &'static AtomicBool {
        &TORN[usize::from(self.stream.standard() == Standard::Error)]
    }

    /// Goes on behind the entries that the stream has taken whole.
    fn pass(&mut self) {
        let whole = self.pending.whole(self.landed);
        self.landed -= whole.bytes;
        self.stats.written.add(whole.entries as u64);
        if let Some(last) = self.pending.pass(whole) {
            // A box that takes no note has these records written twice. None is lost by that.
            let _ = self.journal.passed(last, self.stats.written.here());
        }
    }
}

impl Sink for Primary {
    #[inline]
    fn push(&mut self, lines: &[u8], origin: Origin) {
        self.pending.push(lines, origin);
        fault_injection::pass(Fault::Push);
    }

    fn pending_bytes(&self) -> usize {
        self.pending.len()
    }

    fn room(&self) -> usize {
        ROOM
    }

    fn gathers(&self) -> bool {
        true
    }

    /// Writes what the stream takes within a short time. The rest stays pending.
    fn write(&mut self, _now: Instant, _held: Held) -> Result<()> {
        if self.pending.len() == 0 {
            return Ok(());
        }
        let path = Path::new(self.stream.standard().name());
        match catch_unwind(AssertUnwindSafe(|| platform::without_sigpipe(|| self.write_pending()))) {
            Ok(Ok(())) => {
                self.is_broken = false;
                Ok(())
            }
            Ok(Err(error)) => {
                self.is_broken = !platform::is_want_of_room(&error);
                self.has_lost |= self.is_broken;
                self.blocked.get_or_insert_with(Instant::now);
                Err(Error::io("write to", path, error))
            }
            Err(_) => {
                self.blocked.get_or_insert_with(Instant::now);
                Err(Error::Panicked { action: "write to", path: path.to_owned() })
            }
        }
    }

    fn written_bytes(&self) -> u64 {
        self.taken
    }

    fn goes_on(&self) -> bool {
        self.pending.len() > 0 && self.blocked.is_none()
    }

    fn has_failed(&self) -> bool {
        self.pending.len() > 0 && self.blocked.is_some_and(|since| since.elapsed() >= BLOCKED)
    }

    fn is_broken(&self) -> bool {
        self.is_broken
    }

    fn has_lost(&self) -> bool {
        self.has_lost
    }

    /// A record of which the stream has taken a part stays, unless the stream is broken: its line must end.
    fn give_up(&mut self) -> u64 {
        let all = self.pending.all();
        let is_broken = std::mem::take(&mut self.is_broken);
        let is_kept = self.landed > 0 && !is_broken;
        if is_kept {
            self.pending.keep_first();
        } else {
            self.landed = 0;
            if let Some(last) = self.pending.pass(all) {
                // They count as failed, and a recovery must not find them.
                let _ = self.journal.passed(last, self.stats.written.here());
            }
        }
        let count = all.entries as u64 - u64::from(is_kept);
        self.stats.dropped.add(count);
        count
    }

    fn leave_line(&mut self) {
        if std::mem::take(&mut self.landed) > 0 {
            self.torn().store(true, Ordering::Relaxed);
        }
    }

    fn put_waiting(&self, positions: &mut BTreeSet<u64>) {
        self.pending.put_waiting(positions);
    }
}
