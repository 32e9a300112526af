//! Lines that were not written whole: our own are cut off, others' get an end.

use std::io::Write;

use memchr::memrchr;

use super::super::directory::Held;
use super::{FileSink, LONGEST, UNKNOWN};
use crate::blackbox;
use crate::error::{Error, Result};
use crate::platform::{self, Identity};

impl FileSink {
    /// What an earlier write left of a line and could not cut off goes, if nobody wrote behind it. A file that can only be
    /// appended to keeps it: it gets an end, as others' torn lines do.
    pub(super) fn cut_own_torn_line(&mut self) {
        if let (Some(open), Some(torn)) = (&mut self.file, self.torn)
            && (open.identity(), open.size) == (torn.identity, torn.end)
        {
            let _ = open.cut(torn.whole);
        }
    }

    /// A process that died while writing may have left part of a line. If its black box knows of it, that line goes, and comes
    /// back whole from there; any other gets an end of its own.
    pub(super) fn close_torn_line(&mut self, held: Held) -> Result<()> {
        let Some(open) = &mut self.file else { return Ok(()) };
        let path = &self.target.path;
        if open.size == 0 || platform::ends_with_newline(&open.file, open.size) {
            return Ok(());
        }
        if !held.is_alone() && open.is_ended_by_another(path)? {
            return Ok(());
        }
        if held.is_alone()
            && let Some(directory) = path.parent()
            && let Some(from) = blackbox::appended_from(directory, open.identity(), open.size)
        {
            return self.cut_torn_line(from);
        }
        (&*open.file).write_all(b"\n").map_err(|error| Error::io("write", path, error))?;
        open.size += 1;
        Ok(())
    }

    /// Cuts off what stands behind the last newline from `from` on, where a line began.
    pub(super) fn cut_torn_line(&mut self, from: u64) -> Result<()> {
        let Some(open) = &mut self.file else { return Ok(()) };
        let failed = |error| Error::io("cut a torn line off", &self.target.path, error);
        let from = from.max(open.size.saturating_sub(LONGEST));
        let mut text = vec![0; usize::try_from(open.size - from).unwrap_or(0)];
        let count = platform::read_at(&open.file, &mut text, from).map_err(failed)?;
        let whole = from + memrchr(b'\n', &text[..count]).map_or(0, |end| end as u64 + 1);
        open.cut(whole).map_err(failed)
    }

    /// Cuts off a line that was torn where the process that wrote from `from` on died. To be called with the lock held.
    pub(super) fn cut_off(&mut self, identity: Identity, from: u64) -> Result<()> {
        self.find_file_as_it_is()?;
        match &self.file {
            Some(open)
                if open.identity() == identity
                    && open.size > from
                    && !platform::ends_with_newline(&open.file, open.size) =>
            {
                self.cut_torn_line(from)?;
            }
            _ => {}
        }
        if let Some(open) = &mut self.file {
            open.size = UNKNOWN;
        }
        Ok(())
    }
}

/// Bytes of `identity` from `whole` to `end` are part of a line of this process, unless another has appended since.
#[derive(Clone, Copy, Debug)]
pub(super) struct Torn {
    pub(super) identity: Identity,
    pub(super) whole: u64,
    pub(super) end: u64,
}
