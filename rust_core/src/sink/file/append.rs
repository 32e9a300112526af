//! Whole entries go to the system, as many at once as fit.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::super::directory::Held;
use super::torn::Torn;
use super::{FileSink, KEEP, OWN, RecordLines, Retry, Sink, WRITE};
use crate::error::{Error, Result};
use crate::fault_injection::{self, Fault};

impl FileSink {
    pub(super) fn write_all(&mut self, now: Instant, held: Held) -> Result<()> {
        if self.pending_bytes() == 0 || !self.is_due(now) {
            return Ok(());
        }
        let written = catch_unwind(AssertUnwindSafe(|| self.write_pending(held)));
        let panicked = || Error::Panicked { action: "write", path: self.target.path.clone() };
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

    fn write_pending(&mut self, held: Held) -> Result<()> {
        self.find_file(held)?;
        let mut rotating = held.is_alone() && self.file.as_ref().is_some_and(|open| open.regular && !open.astray);
        while let Some(first) = self.entries.front().copied() {
            let size = self.file.as_ref().map_or(0, |open| open.size);
            let room = if rotating { self.target.rotation.room(size) } else { u64::MAX };
            let part = self.next_part(usize::try_from(room).unwrap_or(usize::MAX));
            if part.entries > 0 {
                self.append(part)?;
            } else if size > 0 {
                rotating = self.rotate()?;
            } else {
                // A single entry larger than the bound has a file of its own.
                self.append(Part { entries: 1, bytes: first.length })?;
            }
        }
        self.clear();
        Ok(())
    }

    /// Entries that fit into `room` and one write. One that is longer than a write goes alone, if there is room for it.
    fn next_part(&self, room: usize) -> Part {
        let pending = self.pending_bytes();
        if pending <= room.min(WRITE) {
            return Part { entries: self.entries.len(), bytes: pending };
        }
        let mut part = Part::default();
        for entry in &self.entries {
            let bytes = part.bytes + entry.length;
            if bytes > room || bytes > WRITE && part.entries > 0 {
                break;
            }
            part = Part { entries: part.entries + 1, bytes };
        }
        part
    }

    /// Appends the next entries, all or nothing.
    fn append(&mut self, part: Part) -> Result<()> {
        let bytes = &self.pending[self.start..self.start + part.bytes];
        let Some(open) = &mut self.file else { return Ok(()) };
        let upto = self.entries.get(part.entries.saturating_sub(1)).map_or(0, |entry| entry.position & !OWN);
        // Should the process die in the next call, this decides what was written.
        self.target
            .journal
            .intend(open.identity(), open.size, upto)
            .map_err(|error| Error::io("note what is written to", &self.target.path, error))?;
        fault_injection::pass(Fault::BeforeWrite);
        while self.landed < part.bytes {
            match (&*open.file).write(&bytes[self.landed..]) {
                Ok(0) => return Err(Error::io("write", &self.target.path, io::ErrorKind::WriteZero.into())),
                Ok(written) => self.landed += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("write", &self.target.path, error)),
            }
        }
        fault_injection::pass(Fault::AfterWrite);
        self.landed = 0;
        open.size += part.bytes as u64;
        self.passed_part(part);
        Ok(())
    }

    /// After a write that failed or panicked: keeps the entries that are whole, cuts off the one that is not. Without the lock
    /// nothing is cut off: another process may have written behind it.
    fn keep_what_landed(&mut self, held: Held) {
        let landed = std::mem::take(&mut self.landed);
        let mut whole = Part::default();
        for RecordLines { length, .. } in &self.entries {
            if whole.bytes + length > landed {
                break;
            }
            whole = Part { entries: whole.entries + 1, bytes: whole.bytes + length };
        }
        if let Some(open) = &mut self.file
            && landed > whole.bytes
            && held.is_alone()
        {
            let torn = Torn {
                identity: open.identity(),
                whole: open.size + whole.bytes as u64,
                end: open.size + landed as u64,
            };
            // If this fails too, it is tried again before the next write.
            self.torn = open.cut(torn.whole).is_err().then_some(torn);
        }
        self.passed_part(whole);
    }

    fn passed_part(&mut self, part: Part) {
        self.target.stats.written.add(part.entries as u64);
        self.target.stats.bytes.add(part.bytes as u64);
        self.start += part.bytes;
        let Some(last) = self.entries.drain(..part.entries).next_back() else { return };
        // A box in recovery that takes no note any more is gone through again: what is there already is recognised then.
        let _ = self.target.journal.passed(last.position & !OWN);
    }
}

/// The next entries, and their bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    entries: usize,
    bytes: usize,
}
