//! Records that are drained at once.

use crate::platform;
use crate::queue::Queue;
use crate::slab::Buffer;

/// The most records that are drained at once.
const BATCH: usize = 1_024;

/// How many records ahead memory is asked for, and for how many bytes of a record at most.
const AHEAD: usize = 3;
const MOST: usize = 512;

/// Records on their way through a pipeline. Each is handed on once, even if a panic interrupts the batch.
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
        // Other processors have written the records. One that is not in this processor's cache would be waited for at each of its parts.
        if let Some(later) = self.records.get(self.next + AHEAD) {
            let bytes = later.as_slice();
            platform::prefetch(&bytes[..bytes.len().min(MOST)]);
        }
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
    /// Records that were never written stay in the black box, for a recovery.
    fn drop(&mut self) {
        self.records.drain(..).for_each(std::mem::forget);
    }
}
