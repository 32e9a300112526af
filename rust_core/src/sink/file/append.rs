//! Whole lines go to the system, as many at once as fit.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use memchr::memrchr;

use super::super::directory::Held;
use super::torn::Torn;
use super::{FileSink, KEEP, OWN, Retry, WRITE};
use crate::error::{Error, Result};
use crate::fault_injection::{self, Fault};

impl FileSink {
    /// Writes what is pending, rotating where a line would cross the bound. What fails is kept for the next time.
    ///
    /// # Errors
    /// When the file system refuses, or writing panics; lines not written stay pending, and no part of a line is left behind.
    pub fn write(&mut self, now: Instant, held: Held) -> Result<()> {
        if self.pending_bytes() == 0 || !self.due(now) {
            return Ok(());
        }
        let written = catch_unwind(AssertUnwindSafe(|| self.write_pending(held)));
        let panicked = || Error::Panicked { action: "write", path: self.settings.path.clone() };
        match written.unwrap_or_else(|_| Err(panicked())) {
            Ok(()) => {
                self.retry = Retry::default();
                self.obstacle.take().map_or(Ok(()), Err)
            }
            Err(error) => {
                self.keep_what_landed(held);
                self.retry.failed(now);
                self.doubted = true;
                Err(error)
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.start = 0;
        self.pending.clear();
        self.pending.shrink_to(KEEP);
    }

    pub(super) fn write_pending(&mut self, held: Held) -> Result<()> {
        self.find_file(held)?;
        let mut rotating = held.is_alone() && self.file.as_ref().is_some_and(|open| open.regular && !open.astray);
        while self.pending_bytes() > 0 {
            let size = self.file.as_ref().map_or(0, |open| open.size);
            let room = if rotating { self.settings.rotation.room(size) } else { u64::MAX };
            let count = self.next_part(usize::try_from(room).unwrap_or(usize::MAX));
            if count == 0 {
                if size > 0 {
                    rotating = self.rotate()?;
                    continue;
                }
                // A single line larger than the bound has a file of its own.
                let line = self.first_line();
                self.append(line)?;
            } else {
                self.append(count)?;
            }
        }
        self.clear();
        Ok(())
    }

    /// Bytes of whole lines that fit into `room` and one write.
    pub(super) fn next_part(&self, room: usize) -> usize {
        let pending = &self.pending[self.start..];
        let most = room.min(pending.len());
        if most == pending.len() && most <= WRITE {
            return most;
        }
        match memrchr(b'\n', &pending[..most.min(WRITE)]) {
            Some(end) => end + 1,
            // A line longer than one write goes whole all the same, if there is room for it.
            None => Some(self.first_line()).filter(|line| *line <= room).unwrap_or(0),
        }
    }

    pub(super) fn first_line(&self) -> usize {
        let pending = &self.pending[self.start..];
        memchr::memchr(b'\n', pending).map_or(pending.len(), |end| end + 1)
    }

    /// Appends the next `count` bytes, all or nothing.
    pub(super) fn append(&mut self, count: usize) -> Result<()> {
        let bytes = &self.pending[self.start..self.start + count];
        let Some(open) = &mut self.file else { return Ok(()) };
        let lines = count_lines(bytes);
        let upto = self.places.get(lines.saturating_sub(1)).map_or(0, |place| place & !OWN);
        // Should the process die in the next call, this decides what was written.
        self.settings
            .journal
            .intend(open.identity(), open.size, upto)
            .map_err(|error| Error::io("note what is written to", &self.settings.path, error))?;
        fault_injection::pass(Fault::BeforeWrite);
        while self.landed < count {
            match (&*open.file).write(&bytes[self.landed..]) {
                Ok(0) => return Err(Error::io("write", &self.settings.path, io::ErrorKind::WriteZero.into())),
                Ok(written) => self.landed += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("write", &self.settings.path, error)),
            }
        }
        fault_injection::pass(Fault::AfterWrite);
        self.landed = 0;
        open.size += count as u64;
        self.passed_part(count, lines);
        Ok(())
    }

    /// After a write that failed or panicked: keeps the lines that are whole, cuts off the one that is not. Without the lock
    /// nothing is cut off: another process may have written behind it.
    pub(super) fn keep_what_landed(&mut self, held: Held) {
        let landed = std::mem::take(&mut self.landed);
        let whole = memrchr(b'\n', &self.pending[self.start..self.start + landed]).map_or(0, |end| end + 1);
        if let Some(open) = &mut self.file
            && landed > whole
            && held.is_alone()
        {
            let torn =
                Torn { identity: open.identity(), whole: open.size + whole as u64, end: open.size + landed as u64 };
            // If this fails too, it is tried again before the next write.
            self.torn = open.cut(torn.whole).is_err().then_some(torn);
        }
        let lines = count_lines(&self.pending[self.start..self.start + whole]);
        self.passed_part(whole, lines);
    }

    pub(super) fn passed_part(&mut self, count: usize, lines: usize) {
        self.counts.written += lines as u64;
        self.counts.bytes += count as u64;
        self.start += count;
        self.note_passed(lines);
    }

    pub(super) fn note_passed(&mut self, lines: usize) {
        let Some(last) = self.places.drain(..lines.min(self.places.len())).next_back() else { return };
        // A box in recovery that takes no note any more is gone through again: what is there already is recognised then.
        let _ = self.settings.journal.passed(last & !OWN);
    }
}

pub(super) fn count_lines(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', bytes).count()
}
