//! Rotating a file because somebody has asked for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::super::directory::Held;
use super::FileSink;
use crate::error::{Error, Result};
use crate::stats::Cause;

impl FileSink {
    /// Whether the file is a new one now, or need not be.
    pub(super) fn rotate_on_request(&mut self, spared: Duration, held: Held) -> Result<bool> {
        if !self.target.rotation.is_ever() {
            return Ok(true);
        }
        let rotated = catch_unwind(AssertUnwindSafe(|| self.change_file(spared, held)));
        let panicked = || Error::Panicked { action: "rotate", path: self.target.path.clone() };
        rotated.unwrap_or_else(|_| Err(panicked())).inspect_err(|_| self.doubted = true)
    }

    fn change_file(&mut self, spared: Duration, held: Held) -> Result<bool> {
        // Another process may have changed it since the last line of this one.
        self.find_file(held)?;
        let Some(open) = &self.file else { return Ok(false) };
        let (is_empty, is_renamed, is_astray) = (open.size == 0, open.regular, open.astray);
        if is_empty || !is_renamed || self.is_link() {
            return Ok(true);
        }
        if is_astray || !held.is_alone() {
            return Ok(false);
        }
        self.identify();
        if !spared.is_zero() && self.was_rotated_within(spared) {
            return Ok(true);
        }
        let is_rotated = self.rotate(if spared.is_zero() { Cause::Call } else { Cause::Signal })?;
        self.obstacle.take().map_or(Ok(is_rotated), Err)
    }
}
