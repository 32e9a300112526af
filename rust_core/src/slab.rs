//! The one pool of buffers that records are captured into: fixed memory, taken and given back without a lock.
//!
//! A buffer is a slot of one of three sizes and moves up to the next when its record outgrows it; past the last, and when
//! the pool is empty, it is plain memory, which is counted. The pool never changes size and is one for the whole process,
//! so that a capture in progress never depends on a queue, and so that it can be mapped shared with others later.

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, handle_alloc_error, realloc};
use std::ptr::{self, NonNull};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;

use crate::value::Put;

/// Slot size in bytes and number of slots of each class: 12 MiB in all, of which only touched pages cost memory.
const CLASSES: [(usize, u32); 3] = [(512, 16_384), (4_096, 512), (65_536, 32)];
/// In place of a slot: the buffer is plain memory.
const HEAP: u32 = u32::MAX;
/// In place of an index: the stack is empty.
const NONE: u32 = u32::MAX;
const ALIGN: usize = 64;

/// Bytes of plain memory held by buffers now.
static HEAP_BYTES: AtomicUsize = AtomicUsize::new(0);

#[must_use]
pub fn heap_bytes() -> usize {
    HEAP_BYTES.load(Ordering::Relaxed)
}

/// Slots of one size. Free ones are a stack of indices (Treiber's), so that a quiet program reuses few pages.
struct Class {
    slots: NonNull<u8>,
    size: usize,
    count: u32,
    /// Index of the first free slot in the low half; the high half counts changes, against ABA.
    head: CachePadded<AtomicU64>,
    /// Slots from here on have never been used: they need no link, and their pages no memory.
    fresh: AtomicU32,
    next: Box<[AtomicU32]>,
}

// SAFETY: a slot is handed to one owner at a time; everything else in a class is atomic.
unsafe impl Send for Class {}
// SAFETY: as above.
unsafe impl Sync for Class {}

impl Class {
    fn new(size: usize, count: u32) -> Self {
        let layout = Layout::from_size_align(size * count as usize, ALIGN).expect("constant layout");
        // SAFETY: the size is not zero.
        let slots = NonNull::new(unsafe { alloc_zeroed(layout) }).unwrap_or_else(|| handle_alloc_error(layout));
        let next = (0..count).map(|_| AtomicU32::new(NONE)).collect();
        Self {
            slots,
            size,
            count,
            head: CachePadded::new(AtomicU64::new(u64::from(NONE))),
            fresh: AtomicU32::new(0),
            next,
        }
    }

    #[inline]
    fn pop(&self) -> Option<u32> {
        // Acquire pairs with the release in `push_chain`: the links of what is found are visible.
        let mut head = self.head.load(Ordering::Acquire);
        loop {
            let index = head as u32;
            if index == NONE {
                return self.pop_fresh();
            }
            let next = self.next[index as usize].load(Ordering::Relaxed);
            let new = (head >> 32).wrapping_add(1) << 32 | u64::from(next);
            match self.head.compare_exchange_weak(head, new, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Some(index),
                Err(changed) => head = changed,
            }
        }
    }

    #[cold]
    fn pop_fresh(&self) -> Option<u32> {
        self.fresh
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |fresh| (fresh < self.count).then_some(fresh + 1))
            .ok()
    }

    /// Gives back slots already linked from `first` to `last`.
    fn push_chain(&self, first: u32, last: u32) {
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            self.next[last as usize].store(head as u32, Ordering::Relaxed);
            let new = (head >> 32).wrapping_add(1) << 32 | u64::from(first);
            // Release: the owner's writes to slot and links happen before the next owner's.
            match self.head.compare_exchange_weak(head, new, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(changed) => head = changed,
            }
        }
    }

    #[inline]
    fn slot(&self, index: u32) -> NonNull<u8> {
        debug_assert!(index < self.count);
        // SAFETY: indices are below `count`, so the slot lies within the allocation.
        unsafe { self.slots.add(index as usize * self.size) }
    }
}

static SLAB: OnceLock<[Class; 3]> = OnceLock::new();

#[inline]
fn slab() -> &'static [Class; 3] {
    SLAB.get_or_init(|| CLASSES.map(|(size, count)| Class::new(size, count)))
}

/// A record being captured, or on its way: owned memory that grows from slot to slot.
#[derive(Debug)]
pub struct Buffer {
    bytes: NonNull<u8>,
    len: u32,
    capacity: u32,
    /// Class in the high byte and index below, or `HEAP`.
    slot: u32,
}

// SAFETY: a buffer is the only owner of its memory.
unsafe impl Send for Buffer {}

impl Buffer {
    /// An empty buffer of the smallest class.
    #[inline]
    #[must_use]
    pub fn take() -> Self {
        Self::of_class(0).unwrap_or_else(|| Self::on_heap(CLASSES[0].0))
    }

    #[inline]
    fn of_class(class: usize) -> Option<Self> {
        let slots = &slab()[class];
        let index = slots.pop()?;
        Some(Self { bytes: slots.slot(index), len: 0, capacity: slots.size as u32, slot: (class as u32) << 24 | index })
    }

    #[cold]
    fn on_heap(capacity: usize) -> Self {
        let layout = Layout::from_size_align(capacity, ALIGN).expect("lengths are below 4 GiB");
        // SAFETY: capacity is never zero.
        let bytes = NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout));
        HEAP_BYTES.fetch_add(capacity, Ordering::Relaxed);
        Self { bytes, len: 0, capacity: u32::try_from(capacity).expect("below 4 GiB"), slot: HEAP }
    }

    #[inline]
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: the first `len` bytes have been written.
        unsafe { std::slice::from_raw_parts(self.bytes.as_ptr(), self.len as usize) }
    }

    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.bytes.as_ptr(), self.len as usize) }
    }

    /// Bytes of plain memory this buffer holds.
    #[inline]
    #[must_use]
    pub fn heap_size(&self) -> usize {
        if self.slot == HEAP { self.capacity as usize } else { 0 }
    }

    /// Moves to memory with room for `needed` bytes in all.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, needed: usize) {
        if self.slot == HEAP {
            let capacity = needed.max(self.capacity as usize * 2);
            let old = Layout::from_size_align(self.capacity as usize, ALIGN).expect("as allocated");
            // SAFETY: allocated by `on_heap` with this layout; the new size is not zero.
            let bytes = unsafe { realloc(self.bytes.as_ptr(), old, capacity) };
            self.bytes = NonNull::new(bytes).unwrap_or_else(|| handle_alloc_error(old));
            HEAP_BYTES.fetch_add(capacity - self.capacity as usize, Ordering::Relaxed);
            self.capacity = u32::try_from(capacity).expect("capture bounds records far below 4 GiB");
            return;
        }
        let roomy = CLASSES.iter().position(|(size, _)| *size >= needed).and_then(Self::of_class);
        let mut larger = roomy.unwrap_or_else(|| Self::on_heap(needed.next_power_of_two()));
        // SAFETY: both are owned, do not overlap, and `larger` has room for more than `len`.
        unsafe { ptr::copy_nonoverlapping(self.bytes.as_ptr(), larger.bytes.as_ptr(), self.len as usize) };
        larger.len = self.len;
        *self = larger;
    }
}

impl Put for Buffer {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        let place = self.room(bytes.len());
        // SAFETY: there is room; `bytes` cannot overlap memory that is owned here.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len());
            self.advance(bytes.len());
        }
    }

    #[inline]
    fn room(&mut self, bytes: usize) -> *mut u8 {
        let end = self.len as usize + bytes;
        if end > self.capacity as usize {
            self.grow(end);
        }
        // SAFETY: `len` is within the capacity.
        unsafe { self.bytes.as_ptr().add(self.len as usize) }
    }

    #[inline]
    unsafe fn advance(&mut self, count: usize) {
        debug_assert!(self.len as usize + count <= self.capacity as usize);
        self.len += count as u32;
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.slot == HEAP {
            let layout = Layout::from_size_align(self.capacity as usize, ALIGN).expect("as allocated");
            // SAFETY: allocated by `on_heap` or `grow` with this layout.
            unsafe { dealloc(self.bytes.as_ptr(), layout) };
            HEAP_BYTES.fetch_sub(self.capacity as usize, Ordering::Relaxed);
        } else {
            let index = self.slot & 0x00FF_FFFF;
            slab()[(self.slot >> 24) as usize].push_chain(index, index);
        }
    }
}

/// Gives back a batch with one exchange per class; `batch` keeps its room.
pub fn give_back(batch: &mut Vec<Buffer>) {
    let slab = slab();
    let mut chains = [(NONE, NONE); CLASSES.len()];
    for buffer in batch.drain(..) {
        if buffer.slot == HEAP {
            continue;
        }
        let (class, index) = ((buffer.slot >> 24) as usize, buffer.slot & 0x00FF_FFFF);
        std::mem::forget(buffer);
        let (first, last) = &mut chains[class];
        if *first == NONE {
            *last = index;
        } else {
            slab[class].next[index as usize].store(*first, Ordering::Relaxed);
        }
        *first = index;
    }
    for (class, (first, last)) in chains.into_iter().enumerate() {
        if first != NONE {
            slab[class].push_chain(first, last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_keeps_its_bytes_while_it_grows() {
        let mut buffer = Buffer::take();
        let mut expected = Vec::new();
        for round in 0..40_000_u32 {
            buffer.put(&round.to_le_bytes());
            expected.extend_from_slice(&round.to_le_bytes());
        }
        assert_eq!(buffer.as_slice(), expected);
        assert!(buffer.heap_size() >= expected.len());
    }

    #[test]
    fn threads_never_share_a_slot() {
        std::thread::scope(|scope| {
            for thread in 0..4_u8 {
                scope.spawn(move || {
                    for round in 0..2_000_usize {
                        let mut held: Vec<Buffer> = (0..round % 37 + 1).map(|_| Buffer::take()).collect();
                        for buffer in &mut held {
                            buffer.put(&[thread; 200]);
                        }
                        assert!(held.iter().all(|buffer| buffer.as_slice() == [thread; 200]));
                        if round % 2 == 0 {
                            give_back(&mut held);
                        }
                    }
                });
            }
        });
    }

    #[test]
    fn an_empty_pool_gives_plain_memory() {
        let held: Vec<Buffer> = (0..=CLASSES[0].1).map(|_| Buffer::take()).collect();
        assert!(held.iter().any(|buffer| buffer.heap_size() > 0));
    }
}
