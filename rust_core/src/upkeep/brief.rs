//! Which files are packed and indexed in the little time that a process has at its end. One that does not fit is passed over for those behind it.

use std::time::{Duration, Instant};

use crate::archive::Method;

/// Nothing packs and reads back a larger file in that time: it is not even begun.
pub(super) const LARGEST: u64 = 64 << 20;
/// What was packed is read back, in half the time at most.
const READING_BACK: u64 = 2;
/// Lines of logs take this many times as much room once they are unpacked, as a rule.
const UNPACKED: u64 = 10;

/// The kind of work on a file: how it is packed, or `None` if it is only read, and whether it is packed already.
pub(super) type Kind = (Option<Method>, bool);

#[derive(Debug)]
pub(super) struct Brief {
    end: Instant,
    /// How long a byte took last.
    rates: Vec<(Kind, f64)>,
}

impl Brief {
    pub fn until(end: Instant) -> Self {
        Self { end, rates: Vec::new() }
    }

    /// Whether there is time for a file, by what files before it took. The first of a kind is tried.
    pub fn has_time(&self, kind: Kind, size: u64) -> bool {
        let rate = self.rates.iter().find(|(known, _)| *known == kind);
        size <= LARGEST && rate.is_none_or(|(_, rate)| self.has_time_for(left(kind, size, 0), *rate))
    }

    fn has_time_for(&self, bytes: u64, rate: f64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let needed = Duration::try_from_secs_f64(bytes as f64 * rate).unwrap_or(Duration::MAX);
        needed <= self.end.saturating_duration_since(Instant::now())
    }
}

/// Bytes of a file that are still to be packed or read, if `done` of them are.
fn left(kind: Kind, size: u64, done: u64) -> u64 {
    let (method, is_packed) = kind;
    let whole = if is_packed { size.saturating_mul(UNPACKED) } else { size };
    let reading_back = if method.is_some() { size / READING_BACK } else { 0 };
    whole.saturating_sub(done) + reading_back
}

/// The work on a file, measured part by part.
#[derive(Debug)]
pub(super) struct Measured<'b> {
    brief: &'b mut Brief,
    kind: Kind,
    size: u64,
    started: Instant,
    /// Bytes that were done before it started, and by now.
    from: u64,
    done: u64,
}

impl<'b> Measured<'b> {
    pub fn start(brief: &'b mut Brief, kind: Kind, size: u64, from: u64) -> Self {
        Self { brief, kind, size, started: Instant::now(), from, done: from }
    }

    /// To be called after each part. False if what is left does not fit.
    pub fn goes_on(&mut self, bytes: u64) -> bool {
        self.done += bytes;
        // To read back what was packed takes less than it took so far.
        if bytes == 0 || self.done >= self.size && self.kind.0.is_some() {
            return true;
        }
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let rate = self.started.elapsed().as_secs_f64() / (self.done - self.from) as f64;
        self.brief.rates.retain(|(kind, _)| *kind != self.kind);
        self.brief.rates.push((self.kind, rate));
        self.brief.has_time_for(left(self.kind, self.size, self.done), rate)
    }
}
