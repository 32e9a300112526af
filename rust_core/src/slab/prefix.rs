//! The words before a record in its slot. After a crash they say what the slot holds.

use crate::sync::{AtomicU32, AtomicU64, Ordering, fence};

#[repr(C)]
#[derive(Debug)]
pub struct Prefix {
    /// The record's number in its queue plus one, see also `record::waiting_sequence`; 0 while the slot holds no record that was accepted. Stored last.
    pub accepted: AtomicU64,
    /// The record's position in the order of writing, from 1; 0 until the writer has drained it.
    pub position: AtomicU64,
    pub length: AtomicU32,
    pub check: AtomicU32,
}

impl Prefix {
    /// To be called before the first byte of another record is written into the slot. A reader that sees any of the
    /// new record then sees that the old record is gone.
    #[inline]
    pub fn begin(&self, capacity: u32) {
        fence(Ordering::Release);
        self.length.store(capacity, Ordering::Relaxed);
    }

    /// Bytes that the record may have. Once the record is accepted, the bytes that it has.
    #[inline]
    pub fn room(&self) -> u32 {
        self.length.load(Ordering::Relaxed)
    }

    /// The record is whole: from here on it survives the process.
    #[inline]
    pub fn accept(&self, sequence: u64, length: u32, check: u32) {
        self.position.store(0, Ordering::Relaxed);
        self.length.store(length, Ordering::Relaxed);
        self.check.store(check, Ordering::Relaxed);
        // Release: a reader that sees this number sees the record. A process that is killed has stored in this order.
        self.accepted.store(sequence + 1, Ordering::Release);
    }

    /// The writer has drained the record.
    #[inline]
    pub fn note_position(&self, position: u64) {
        self.position.store(position, Ordering::Release);
    }

    /// The slot holds no record any more. To be called before the slot gets another owner.
    #[inline]
    pub fn clear(&self) {
        self.accepted.store(0, Ordering::Release);
    }
}
