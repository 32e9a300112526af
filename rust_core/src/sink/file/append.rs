//! Whole entries go to the system, as many at once as fit.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::super::directory::Held;
use super::super::pending::Part;
use super::torn::Torn;
use super::{FileSink, Open, Retry, Sink, WRITE};
use crate::error::{Error, Result};
use crate::fault_injection::{self, Fault};
use crate::stats::Cause;

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

    fn write_pending(&mut self, held: Held) -> Result<()> {
        self.find_file(held)?;
        let mut rotating = held.is_alone() && self.file.as_ref().is_some_and(|open| open.regular && !open.astray);
        if rotating {
            self.identify();
        }
        while let Some(first) = self.pending.first() {
            if rotating && self.is_due_for_another() {
                let cause = if self.life.is_wanted_by_start() { Cause::Start } else { Cause::Period };
                rotating = self.rotate(cause)?;
                continue;
            }
            let size = self.file.as_ref().map_or(0, |open| open.size);
            let room = if rotating { self.target.rotation.room(size) } else { u64::MAX };
            let part = self.pending.part(usize::try_from(room).unwrap_or(usize::MAX), WRITE);
            if part.entries > 0 {
                self.append(part, rotating)?;
            } else if size > 0 {
                rotating = self.rotate(Cause::Size)?;
            } else {
                // A single entry larger than the bound has a file of its own.
                self.append(first, rotating)?;
            }
        }
        if rotating {
            self.note_levels();
        }
        Ok(())
    }

    /// Appends the next entries, all or nothing.
    fn append(&mut self, part: Part, is_alone: bool) -> Result<()> {
        if let Some(identity) = self.file.as_ref().filter(|open| is_alone && open.size == 0).map(Open::identity) {
            let first = self.pending.bytes_of(part).to_vec();
            self.register(identity, &first);
        }
        let bytes = self.pending.bytes_of(part);
        let Some(open) = &mut self.file else { return Ok(()) };
        let upto = self.pending.upto(part);
        let generation = self.life.generation_of(open.identity()).unwrap_or(0);
        // Should the process die in the next call, this decides what was written.
        self.target
            .journal
            .intend_in(open.identity(), generation, open.size, upto, self.target.stats.written.here())
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
        let whole = self.pending.whole(landed);
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
        let Some(last) = self.pending.pass(part) else { return };
        // A box in recovery that takes no note any more is gone through again: what is there already is recognised then.
        let _ = self.target.journal.passed(last, self.target.stats.written.here());
    }
}
