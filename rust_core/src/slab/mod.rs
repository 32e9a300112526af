//! The pools of buffers that records are captured into: fixed memory, taken and given back without a lock.
//!
//! A buffer is a slot of one of two sizes, then as many units as its record needs, and moves on when the record outgrows it; past the
//! last, and when a pool is empty, it lies on the heap, which is counted. A pool may lie in a black box. Before each slot's record stands
//! what tells, of a slot found after a crash, whether its record is whole and whether it was written.
//!
//! There is one current pool that captures take from, and for each engine its own, so that a capture in progress never
//! depends on an engine. A queue holds buffers of its engine's pool, or on the heap.

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
/// In the place of a size's number.
const LARGE: usize = 3;
/// Bytes of a chunk of units: no buffer of a pool is larger.
pub const CHUNK: usize = UNIT * UNITS as usize;
/// How much of a pool's memory the slots of the second size and the units get, in hundredths: what is left goes to the smallest. Units serve
/// small records too, once there is no slot for them; slots serve no large ones.
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

/// Where the slots of one size are: bytes from the start of the memory, and how many. Or chunks, behind a word for each.
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

    /// Where this area ends; `None` past all numbers.
    #[must_use]
    pub fn end(self, kind: usize) -> Option<usize> {
        match SIZES.get(kind) {
            Some(size) => (self.count as usize).checked_mul(*size)?.checked_add(self.offset),
            None => (self.count as usize).checked_mul(CHUNK)?.checked_add(self.chunks()),
        }
    }
}

/// Shares `bytes` of memory, from `start` on, out among the kinds.
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
