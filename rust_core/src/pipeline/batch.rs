//! Records that are taken at once.

use crate::queue::Queue;
use crate::slab::Buffer;

/// Records taken at once.
const BATCH: usize = 1_024;

/// Records on their way through a pipeline, each of them handed on once, also when a panic comes between.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) records: Vec<Buffer>,
    /// How many of them were handed on.
    next: usize,
}

impl Batch {
    /// The records that are not given back yet.
    pub fn held(&self) -> impl ExactSizeIterator<Item = &Buffer> {
        self.records.iter()
    }

    pub(super) fn next(&mut self) -> Option<&Buffer> {
        let record = self.records.get(self.next)?;
        self.next += 1;
        Some(record)
    }

    pub(super) fn drain(&mut self, queue: &Queue) -> usize {
        self.next = 0;
        queue.drain(&mut self.records, BATCH);
        self.records.len()
    }
}

impl Drop for Batch {
    /// What was never written stays as it is in the black box, for whoever finds it there.
    fn drop(&mut self) {
        self.records.drain(..).for_each(std::mem::forget);
    }
}
