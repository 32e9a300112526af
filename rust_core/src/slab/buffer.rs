//! A buffer: the memory of one record, which moves on as the record grows.

use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering;

use super::heap::{block, free_block};
use super::pool::Slab;
use super::{FIRST_LARGE, HEAP, HEAP_BYTES, INDEX, PREFIX, Prefix, SIZES, UNIT};
use crate::checksum;
use crate::memory;
use crate::platform;
use crate::value::Put;

/// The record of a call, from its capture until it is written. It owns its memory and moves to a larger slot as it
/// grows. It is two words long, so it is passed in registers.
#[derive(Debug)]
pub struct Buffer {
    pub(super) bytes: NonNull<u8>,
    /// The slot is in the upper half, the length in the lower half. They share a word, so that reading both never
    /// waits for a store to one.
    slot_and_length: u64,
}

// SAFETY: a buffer is the only owner of its memory.
unsafe impl Send for Buffer {}

impl Buffer {
    /// Allocates an empty buffer in a slot of the smallest size.
    #[inline]
    #[must_use]
    pub fn alloc() -> Self {
        match Slab::current().and_then(|slab| slab.buffer(0)) {
            Some(buffer) => buffer,
            None => Self::alloc_larger(),
        }
    }

    #[cold]
    fn alloc_larger() -> Self {
        let larger = Slab::current().and_then(|slab| slab.room_for(SIZES[0] - PREFIX));
        larger.unwrap_or_else(|| Self::on_heap(SIZES[0]))
    }

    /// Allocates a buffer of `size` bytes on the heap, prefix included.
    #[cold]
    fn on_heap(size: usize) -> Self {
        let (Some(bytes), true) = (block(size), u32::try_from(size).is_ok()) else { memory::give_up() };
        HEAP_BYTES.fetch_add(size, Ordering::Relaxed);
        // SAFETY: just made, of this size, which is larger than the prefix.
        unsafe { Self::begin(bytes, size, HEAP) }
    }

    /// # Safety
    /// `start` begins `size` bytes, more than the prefix takes, of nobody else's.
    #[inline]
    pub(super) unsafe fn begin(start: NonNull<u8>, size: usize, slot: u32) -> Self {
        // SAFETY: promised by the caller.
        let buffer = Self { bytes: unsafe { start.add(PREFIX) }, slot_and_length: u64::from(slot) << 32 };
        buffer.prefix().begin((size - PREFIX) as u32);
        buffer
    }

    /// Class in the two highest bits, pool in the next six and index below, or the first unit; or `HEAP`.
    #[inline]
    pub(super) fn slot(&self) -> u32 {
        (self.slot_and_length >> 32) as u32
    }

    #[inline]
    fn len(&self) -> usize {
        self.slot_and_length as u32 as usize
    }

    #[inline]
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: the first `len` bytes have been written.
        unsafe { std::slice::from_raw_parts(self.bytes.as_ptr(), self.len()) }
    }

    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.bytes.as_ptr(), self.len()) }
    }

    /// The address of the next byte, and the bytes that are free from there.
    #[inline]
    pub fn spare(&mut self) -> (*mut u8, usize) {
        // SAFETY: the length is within what there is room for.
        unsafe { (self.bytes.as_ptr().add(self.len()), self.room_in_all() - self.len()) }
    }

    /// Bytes of the heap that this buffer holds.
    #[inline]
    #[must_use]
    pub fn heap_size(&self) -> usize {
        if self.slot() == HEAP { self.room_in_all() + PREFIX } else { 0 }
    }

    /// Bytes of the memory that it holds from others: those of its slot, its units or its block.
    #[must_use]
    pub fn footprint(&self) -> usize {
        match self.slot() {
            HEAP => self.heap_size(),
            slot if slot >= FIRST_LARGE => (self.room_in_all() + PREFIX).next_multiple_of(UNIT),
            slot => SIZES[(slot >> 30) as usize],
        }
    }

    #[inline]
    fn prefix(&self) -> &Prefix {
        // SAFETY: every slot, and every block, starts with a prefix, aligned as it is, just before the record.
        unsafe { self.bytes.sub(PREFIX).cast().as_ref() }
    }

    /// Bytes for the record. Once the record is accepted, its own length. A child that goes on in a slot of its parent
    /// reads one of these two numbers.
    #[inline]
    fn room_in_all(&self) -> usize {
        self.prefix().room() as usize
    }

    /// Marks the record as accepted under this number. From here on the record survives the process if its pool does.
    /// False on the heap, which never survives.
    #[inline]
    pub fn accept(&self, sequence: u64) -> bool {
        if self.slot() >= FIRST_LARGE && !self.keep_needed() {
            return false;
        }
        self.prefix().accept(sequence, self.len() as u32, checksum::of(self.as_slice()) as u32);
        true
    }

    /// Whether the record is marked as accepted.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.slot() != HEAP && self.prefix().accepted.load(Ordering::Relaxed) != 0
    }

    /// Takes that mark back, for a record that is changed.
    pub fn withdraw(&self) {
        if self.slot() != HEAP {
            self.prefix().clear();
        }
    }

    /// Gives back the units that the record did not need. False on the heap.
    #[cold]
    fn keep_needed(&self) -> bool {
        // A child's copy is on the heap before it is whole.
        if let Some(slab) = self.slab() {
            slab.large.units.give_back(self.slot() & INDEX, (self.len() + PREFIX).div_ceil(UNIT) as u32);
        }
        self.slot() != HEAP
    }

    /// Notes the record's position in the order of writing, from 1.
    #[inline]
    pub fn note_position(&self, position: u64) {
        if self.slot() != HEAP {
            self.prefix().note_position(position);
        }
    }

    /// Continues on the heap of this process. The slot belongs to the parent process, which still uses it.
    #[cold]
    fn leave_to_parent(&mut self, bytes: &[u8]) {
        let mut own = Self::on_heap((bytes.len() + PREFIX).max(SIZES[0]));
        own.put(bytes);
        // The parent's slot stays as it is.
        std::mem::forget(std::mem::replace(self, own));
    }

    /// Moves to memory with room for `needed` bytes in all.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, needed: usize) {
        let size = needed + PREFIX;
        if self.slot() == HEAP {
            let size = size.max(self.heap_size() * 2);
            return self.move_to(Self::on_heap(size.checked_next_power_of_two().unwrap_or(size)));
        }
        // The buffer of a parent process grows onto the heap.
        let larger = self
            .slab()
            .and_then(|slab| slab.room_for(needed))
            .unwrap_or_else(|| Self::on_heap(size.checked_next_power_of_two().unwrap_or(size)));
        self.move_to(larger);
    }

    fn move_to(&mut self, mut larger: Self) {
        // SAFETY: both are owned, do not overlap, and `larger` has room for more than `len`.
        unsafe {
            ptr::copy_nonoverlapping(self.bytes.as_ptr(), larger.bytes.as_ptr(), self.len());
            larger.advance(self.len());
        }
        *self = larger;
    }

    /// The pool of the slot. `None` on the heap, and for a slot of the parent process, even before the fork is
    /// noticed.
    #[inline]
    fn slab(&self) -> Option<&'static Slab> {
        let slot = self.slot();
        if slot == HEAP || platform::has_forked() {
            return None;
        }
        Slab::numbered(slot >> 24 & 63).filter(|slab| slab.holds(self.bytes))
    }

    /// Clears the slot and returns its class and index. `None` for units, on the heap, and for a slot of the parent
    /// process, which stays as it is.
    #[inline]
    pub(super) fn clear(&self) -> Option<(&'static Slab, usize, u32)> {
        let slot = self.slot();
        if slot >= FIRST_LARGE {
            return None;
        }
        let slab = self.slab()?;
        self.prefix().clear();
        Some((slab, (slot >> 30) as usize, slot & INDEX))
    }
}

impl Put for Buffer {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        let pointer = self.room(bytes.len());
        // SAFETY: there is room; `bytes` cannot overlap memory that is owned here.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), pointer, bytes.len());
            self.advance(bytes.len());
        }
    }

    #[inline]
    fn room(&mut self, bytes: usize) -> *mut u8 {
        let end = self.len() + bytes;
        if end > self.room_in_all() {
            self.grow(end);
        }
        // SAFETY: the length is within what there is room for.
        unsafe { self.bytes.as_ptr().add(self.len()) }
    }

    fn bytes(&self) -> &[u8] {
        self.as_slice()
    }

    fn keep_own(&mut self, before: Option<Vec<u8>>) {
        if self.slot() != HEAP
            && let Some(before) = before
            && self.slab().is_none()
        {
            self.leave_to_parent(&before);
        }
    }

    #[inline]
    unsafe fn advance(&mut self, count: usize) {
        debug_assert!(self.len() + count <= self.room_in_all());
        // No carry into the slot: no record is as long as four gigabytes.
        self.slot_and_length += count as u64;
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.slot() == HEAP {
            let size = self.heap_size();
            // SAFETY: made by `block` with this size, which a block's prefix keeps, and owned here alone.
            unsafe { free_block(self.bytes.sub(PREFIX), size) };
            // The parent process counts the bytes of a capture that was under way at the fork.
            let _ =
                HEAP_BYTES.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| Some(held.saturating_sub(size)));
        } else if self.slot() >= FIRST_LARGE {
            if let Some(slab) = self.slab() {
                self.prefix().clear();
                slab.large.give_back(self.slot() & INDEX);
            }
        } else if let Some((slab, class, index)) = self.clear() {
            slab.classes[class].stack.push_chain(index, index);
        }
    }
}
