//! How long a reader looks for the next record before it lets its user look after something else.

use std::time::Instant;

/// When a search is left, to be gone on with at the next call.
#[derive(Clone, Copy, Debug, Default)]
pub struct Time {
    until: Option<Instant>,
}

impl Time {
    pub const fn until(until: Instant) -> Self {
        Self { until: Some(until) }
    }

    pub fn is_up(self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }
}
