//! The pools of buffers for records: fixed memory, allocated and given back without a lock.
//!
//! A buffer is a slot of one of two sizes, or as many units as its record needs. It moves on when the record outgrows
//! it. Records that are too large for units, or that find an empty pool, lie on the heap, whose bytes are counted. A
//! pool may lie in a black box. A prefix before each record says whether the record is whole and whether it was
//! written, so that a slot can be read after a crash.
//!
//! Captures allocate from the one current pool, and each engine has a pool of its own. So a capture in progress never
//! depends on an engine. The buffers in a queue are of its engine's pool, or on the heap.

mod buffer;
mod give_back;
mod heap;
mod pool;
mod prefix;
mod slots;
mod stack;
mod units;

use std::sync::atomic::{AtomicUsize, Ordering};

use units::Begins;

pub use buffer::Buffer;
pub use give_back::give_back;
pub use heap::give_back_kept;
pub use pool::{Pool, leave_to_parent};
pub use prefix::Prefix;
pub use units::{UNIT, UNITS};

/// Slot sizes in bytes, with the part before the record.
pub const SIZES: [usize; 2] = [320, 768];
/// Kinds of room: slots of each size, and units.
pub const KINDS: usize = SIZES.len() + 1;
/// Stands for units where a number of a slot size is expected.
const LARGE: usize = 3;
/// Bytes of a chunk of units: no buffer of a pool is larger.
pub const CHUNK: usize = UNIT * UNITS as usize;
/// The percentage of a pool's memory for slots of the second size and for units. Slots of the first size get the
/// remainder. Small records use units once the slots are used up; large records fit no slot.
const SHARES: [usize; KINDS] = [0, 6, 59];
/// Bytes before each record: see `Prefix`.
pub const PREFIX: usize = 24;
/// In place of a slot: the buffer is on the heap.
const HEAP: u32 = u32::MAX;
/// Bits of a slot that are its index, or its first unit.
const INDEX: u32 = 0x00FF_FFFF;
/// Slots from here on are units, or `HEAP`.
const FIRST_LARGE: u32 = (LARGE as u32) << 30;
const ALIGN: usize = 64;
/// Bytes of the heap held by buffers now.
static HEAP_BYTES: AtomicUsize = AtomicUsize::new(0);

#[must_use]
pub fn heap_bytes() -> usize {
    HEAP_BYTES.load(Ordering::Relaxed)
}

const _: () = assert!(size_of::<Prefix>() == PREFIX);

/// The slots of one size: their offset in the memory, and their count. Or the chunks of units, which follow one word
/// for each chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    pub offset: usize,
    pub count: u32,
}

impl Area {
    /// Where the chunks begin, if this is their area.
    #[must_use]
    pub fn chunks(self) -> usize {
        let words = (self.count as usize).saturating_mul(size_of::<Begins>());
        self.offset.saturating_add(words).checked_next_multiple_of(ALIGN).unwrap_or(usize::MAX)
    }

    /// The end of this area. `None` if it is no number of this machine.
    #[must_use]
    pub fn end(self, kind: usize) -> Option<usize> {
        match SIZES.get(kind) {
            Some(size) => (self.count as usize).checked_mul(*size)?.checked_add(self.offset),
            None => (self.count as usize).checked_mul(CHUNK)?.checked_add(self.chunks()),
        }
    }
}

/// Divides `bytes` of memory among the kinds, from `start` on.
#[must_use]
pub fn areas(start: usize, bytes: usize) -> [Area; KINDS] {
    let mut parts = SHARES.map(|share| bytes / 100 * share);
    parts[0] = bytes - parts.iter().sum::<usize>();
    let mut offset = start.next_multiple_of(ALIGN);
    let end = start + bytes;
    let mut areas = [Area { offset, count: 0 }; KINDS];
    for (kind, area) in areas.iter_mut().enumerate() {
        let room = parts[kind].min(end.saturating_sub(offset));
        let (fits, each) = match SIZES.get(kind) {
            Some(size) => (room / size, 1),
            None => (room.saturating_sub(ALIGN) / (CHUNK + size_of::<Begins>()), UNITS),
        };
        *area = Area { offset, count: u32::try_from(fits).unwrap_or(0).min(INDEX / each) };
        offset = area.end(kind).unwrap_or(end).next_multiple_of(ALIGN);
    }
    areas
}

#[cfg(test)]
mod tests;
