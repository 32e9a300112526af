//! In the place of a sink that could not be opened, where others are to be written all the same.

use std::time::Instant;

use super::{Held, Origin, Sink};
use crate::error::{Error, Result};

/// Takes lines, and fails as the opening did when they are to be written.
#[derive(Debug)]
pub struct Unopened {
    error: Option<Error>,
    bytes: usize,
}

impl Unopened {
    #[must_use]
    pub fn new(error: Error) -> Self {
        Self { error: Some(error), bytes: 0 }
    }
}

impl Sink for Unopened {
    fn push(&mut self, lines: &[u8], _origin: Origin) {
        self.bytes += lines.len();
    }

    fn pending_bytes(&self) -> usize {
        self.bytes
    }

    fn needs_lock(&self) -> bool {
        true
    }

    fn write(&mut self, _now: Instant, _held: Held) -> Result<()> {
        if self.bytes == 0 {
            return Ok(());
        }
        // It is written to once: whoever opens outputs in this way opens them again for the next attempt.
        self.error.take().map_or(Ok(()), Err)
    }
}
