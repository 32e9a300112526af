//! The slots and the units of a pool, and their addresses in its memory.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use super::prefix::Prefix;
use super::stack::Stack;
use super::units::{Begins, Units};
use super::{CHUNK, UNIT, UNITS};
use crate::platform::Mapping;

/// Slots of one size.
#[derive(Debug)]
pub(super) struct Class {
    pub(super) slots: NonNull<u8>,
    pub(super) size: usize,
    pub(super) count: u32,
    pub(super) stack: Stack,
    /// The memory of the slots up to this index is present.
    pub(super) ready: AtomicU32,
}

impl Class {
    pub(super) fn new(slots: NonNull<u8>, size: usize, count: u32) -> Self {
        Self { slots, size, count, stack: Stack::new(count), ready: AtomicU32::new(0) }
    }

    pub(super) fn prepare(&self, memory: &Mapping, ahead: u32) {
        let part = Part { start: self.slots, size: self.size, count: self.count, taken: self.stack.taken_ever() };
        part.prepare(memory, &self.ready, ahead);
    }

    #[inline]
    pub(super) fn slot(&self, index: u32) -> NonNull<u8> {
        debug_assert!(index < self.count);
        // SAFETY: indices are below `count`, so the slot lies within the memory.
        unsafe { self.slots.add(index as usize * self.size) }
    }
}

/// Units, and where in the memory they are.
#[derive(Debug)]
pub(super) struct Large {
    pub(super) begins: NonNull<Begins>,
    pub(super) chunks: NonNull<u8>,
    pub(super) count: u32,
    pub(super) units: Units,
    /// The memory of the chunks up to this index is present.
    pub(super) ready: AtomicU32,
}

impl Large {
    #[inline]
    pub(super) fn unit(&self, first: u32) -> NonNull<u8> {
        debug_assert!(first < self.count * UNITS);
        // SAFETY: it is below all units there are, so it lies within the memory.
        unsafe { self.chunks.add(first as usize * UNIT) }
    }

    pub(super) fn begins(&self, first: u32) -> &Begins {
        debug_assert!(first < self.count * UNITS);
        // SAFETY: one of `count` words, aligned, within the memory, and only ever used as atomics.
        unsafe { self.begins.add((first / UNITS) as usize).as_ref() }
    }

    /// Allocates units for `bytes` bytes, prefix included, and for a quarter more if there are as many. Units that the
    /// record does not need are given back once it is whole.
    #[cold]
    pub(super) fn alloc(&self, bytes: usize) -> Option<u32> {
        if bytes > CHUNK {
            return None;
        }
        let (least, wanted) = (bytes.div_ceil(UNIT) as u32, (bytes + bytes / 4).min(CHUNK).div_ceil(UNIT) as u32);
        let taken = self.units.alloc(wanted);
        let first = if least < wanted { taken.or_else(|| self.units.alloc(least)) } else { taken }?;
        // SAFETY: every unit has room for a prefix, aligned as it is, and these are this one's alone.
        unsafe { self.unit(first).cast::<Prefix>().as_ref() }.clear();
        self.begins(first).note(first % UNITS);
        Some(first)
    }

    #[cold]
    pub(super) fn give_back(&self, first: u32) {
        self.begins(first).forget(first % UNITS);
        self.units.give_back(first, 0);
    }

    pub(super) fn prepare(&self, memory: &Mapping, ahead: u32) {
        let part = Part { start: self.chunks, size: CHUNK, count: self.count, taken: self.units.used_ever() };
        part.prepare(memory, &self.ready, ahead);
    }
}

/// Slots or chunks of a pool, and how many of them were ever used.
struct Part {
    start: NonNull<u8>,
    size: usize,
    count: u32,
    taken: u32,
}

impl Part {
    /// Asks the system for memory of the next pieces: as many as a quarter of those used so far, and at least `ahead`.
    /// It does so again once half of them are used up.
    fn prepare(&self, memory: &Mapping, ready: &AtomicU32, ahead: u32) {
        let ahead = ahead.max(self.taken / 4);
        let until = ready.load(Ordering::Relaxed);
        if self.taken + ahead / 2 < until || until == self.count {
            return;
        }
        let (from, until) = (until.max(self.taken), (self.taken + ahead).min(self.count));
        if from >= until {
            return;
        }
        ready.store(until, Ordering::Relaxed);
        memory.populate(
            self.start.as_ptr().addr() - memory.start().as_ptr().addr() + from as usize * self.size,
            (until - from) as usize * self.size,
        );
    }
}
