//! The pools of buffers that records are captured into: fixed memory, taken and given back without a lock.
//!
//! A buffer is a slot of one of two sizes, then as many units as its record needs, and moves on when the record outgrows it; past the
//! last, and when a pool is empty, it is plain memory, which is counted. A pool may lie in a black box. Before each slot's record stands
//! what tells, of a slot found after a crash, whether its record is whole and whether it was written.
//!
//! There is one current pool that captures take from, and for each engine its own, so that a capture in progress never
//! depends on an engine. A queue holds buffers of its engine's pool, or plain memory.

mod plain;
mod prefix;
mod stack;
mod units;

use std::ptr::{self, NonNull};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use crate::checksum;
use crate::forks;
use crate::memory;
use crate::platform::{self, Mapping};
use crate::table::lock_briefly;
use crate::value::Put;

use plain::{block, free_block};

pub use plain::give_back_kept;
pub use prefix::Prefix;
use stack::Stack;
use units::{Begins, Units};

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
/// Pools there may be at once: each engine has one, and those replaced while their records are on their way.
const POOLS: usize = 63;
/// Slots of each size whose memory is there before they are first taken, at the least: see `Pool::prepare`.
const AHEAD: [u32; SIZES.len()] = [1_024, 64];
/// The same of chunks.
const CHUNKS_AHEAD: u32 = 1;
/// In place of a slot: the buffer is plain memory.
const HEAP: u32 = u32::MAX;
/// Bits of a slot that are its index, or its first unit.
const INDEX: u32 = 0x00FF_FFFF;
/// Slots from here on are units, or `HEAP`.
const FIRST_LARGE: u32 = (LARGE as u32) << 30;
const ALIGN: usize = 64;

/// Bytes of plain memory held by buffers now.
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

/// Slots of one size.
#[derive(Debug)]
struct Class {
    slots: NonNull<u8>,
    size: usize,
    count: u32,
    stack: Stack,
    /// Slots up to this one have their memory.
    ready: AtomicU32,
}

impl Class {
    fn new(slots: NonNull<u8>, size: usize, count: u32) -> Self {
        Self { slots, size, count, stack: Stack::new(count), ready: AtomicU32::new(0) }
    }

    fn prepare(&self, memory: &Mapping, ahead: u32) {
        let part = Part { start: self.slots, size: self.size, count: self.count, taken: self.stack.taken_ever() };
        part.prepare(memory, &self.ready, ahead);
    }

    #[inline]
    fn slot(&self, index: u32) -> NonNull<u8> {
        debug_assert!(index < self.count);
        // SAFETY: indices are below `count`, so the slot lies within the memory.
        unsafe { self.slots.add(index as usize * self.size) }
    }
}

/// Units, and where in the memory they are.
#[derive(Debug)]
struct Large {
    begins: NonNull<Begins>,
    chunks: NonNull<u8>,
    count: u32,
    units: Units,
    /// Chunks up to this one have their memory.
    ready: AtomicU32,
}

impl Large {
    #[inline]
    fn unit(&self, first: u32) -> NonNull<u8> {
        debug_assert!(first < self.count * UNITS);
        // SAFETY: it is below all units there are, so it lies within the memory.
        unsafe { self.chunks.add(first as usize * UNIT) }
    }

    fn begins(&self, first: u32) -> &Begins {
        debug_assert!(first < self.count * UNITS);
        // SAFETY: one of `count` words, aligned, within the memory, and only ever used as atomics.
        unsafe { self.begins.add((first / UNITS) as usize).as_ref() }
    }

    /// Room for so many bytes with the prefix, and for a quarter more if that can be had: it is given back once the record is whole.
    #[cold]
    fn take(&self, bytes: usize) -> Option<u32> {
        if bytes > CHUNK {
            return None;
        }
        let (least, wanted) = (bytes.div_ceil(UNIT) as u32, (bytes + bytes / 4).min(CHUNK).div_ceil(UNIT) as u32);
        let taken = self.units.take(wanted);
        let first = if least < wanted { taken.or_else(|| self.units.take(least)) } else { taken }?;
        // SAFETY: every unit has room for a prefix, aligned as it is, and these are this one's alone.
        unsafe { self.unit(first).cast::<Prefix>().as_ref() }.clear();
        self.begins(first).note(first % UNITS);
        Some(first)
    }

    #[cold]
    fn give_back(&self, first: u32) {
        self.begins(first).forget(first % UNITS);
        self.units.give_back(first, 0);
    }

    fn prepare(&self, memory: &Mapping, ahead: u32) {
        let part = Part { start: self.chunks, size: CHUNK, count: self.count, taken: self.units.used_ever() };
        part.prepare(memory, &self.ready, ahead);
    }
}

/// Pieces of a pool, of one size, the first of which were taken already.
struct Part {
    start: NonNull<u8>,
    size: usize,
    count: u32,
    taken: u32,
}

impl Part {
    /// A quarter more pieces than were ever taken get their memory, and at least `ahead` more, once half of those are used up.
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

/// One pool.
#[derive(Debug)]
struct Slab {
    number: u32,
    classes: [Class; SIZES.len()],
    large: Large,
    memory: Mapping,
    /// All room was taken for good: nobody stores into the memory any more.
    closed: AtomicBool,
}

// SAFETY: a slot is handed to one owner at a time; everything else in a slab is atomic.
unsafe impl Send for Slab {}
// SAFETY: as above.
unsafe impl Sync for Slab {}

static SLABS: [AtomicPtr<Slab>; POOLS] = [const { AtomicPtr::new(ptr::null_mut()) }; POOLS];
static CURRENT: AtomicPtr<Slab> = AtomicPtr::new(ptr::null_mut());
/// Pools whose engine is gone, until the last of their buffers is back: their numbers, each with the forks that led to its process.
static RETIRING: Mutex<Vec<(u32, u32)>> = Mutex::new(Vec::new());

/// Memory of the pool that is there before any other: enough for what is logged before a start.
const FIRST: usize = 1 << 20;

impl Slab {
    /// The pool that captures take from.
    #[inline]
    fn current() -> Option<&'static Self> {
        // SAFETY: a pool is freed only when it is not current and all its slots are back (`retire`).
        unsafe { CURRENT.load(Ordering::Acquire).as_ref() }.or_else(Self::first)
    }

    #[cold]
    fn first() -> Option<&'static Self> {
        let pool = Pool::plain(FIRST)?;
        let slab = pool.slab();
        std::mem::forget(pool);
        let _ = CURRENT.compare_exchange(
            ptr::null_mut(),
            ptr::from_ref(slab).cast_mut(),
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        // SAFETY: as in `current`.
        unsafe { CURRENT.load(Ordering::Acquire).as_ref() }
    }

    /// The pool with this number. `None` where it was a parent's.
    #[inline]
    fn numbered(number: u32) -> Option<&'static Self> {
        // SAFETY: a pool is freed only when its owner is gone and all its slots are back; those of a parent never are.
        unsafe { SLABS[number as usize].load(Ordering::Acquire).as_ref() }
    }

    /// Whether the slot that begins here is one of this pool. One of a parent's pool, whose number this one has now, is not: what a
    /// parent's pool occupies stays mapped, so nothing else is ever there.
    #[inline]
    fn holds(&self, slot: NonNull<u8>) -> bool {
        slot.as_ptr().addr().wrapping_sub(self.memory.start().as_ptr().addr()) < self.memory.length()
    }

    fn buffer(&'static self, class: usize) -> Option<Buffer> {
        let slots = &self.classes[class];
        let index = slots.stack.pop()?;
        let slot = (class as u32) << 30 | self.number << 24 | index;
        // SAFETY: the slot is this one's alone from here on, and larger than the prefix.
        Some(unsafe { Buffer::begin(slots.slot(index), slots.size, slot) })
    }

    /// Room of a large record, for so many bytes with the prefix.
    #[cold]
    fn large_buffer(&'static self, bytes: usize) -> Option<Buffer> {
        let first = self.large.take(bytes)?;
        let slot = FIRST_LARGE | self.number << 24 | first;
        let size = self.large.units.count(first) as usize * UNIT;
        // SAFETY: the units are this one's alone from here on, and larger than the prefix.
        Some(unsafe { Buffer::begin(self.large.unit(first), size, slot) })
    }

    /// The smallest room for so many bytes of a record that there is.
    fn room_for(&'static self, bytes: usize) -> Option<Buffer> {
        let roomy = (0..SIZES.len()).filter(|class| SIZES[*class] - PREFIX >= bytes);
        roomy.into_iter().find_map(|class| self.buffer(class)).or_else(|| self.large_buffer(bytes + PREFIX))
    }

    fn is_idle(&self) -> bool {
        self.closed.load(Ordering::Acquire) || self.all_is_free()
    }

    fn all_is_free(&self) -> bool {
        self.classes.iter().all(|class| class.stack.free() == class.count) && self.large.units.are_free()
    }
}

/// An engine's pool. When it goes, its memory goes as soon as the last buffer is back.
#[derive(Debug)]
pub struct Pool {
    number: u32,
    forks: u32,
}

impl Pool {
    /// A pool of memory of this process alone. `None` when there is none, or too many pools are waiting for buffers.
    #[must_use]
    pub fn plain(bytes: usize) -> Option<Self> {
        Self::new(Mapping::anonymous(bytes).ok()?, areas(0, bytes))
    }

    /// A pool in the given memory. It must be zeroed.
    #[must_use]
    pub fn new(memory: Mapping, areas: [Area; KINDS]) -> Option<Self> {
        for (kind, area) in areas.iter().enumerate() {
            assert!(area.offset % 8 == 0 && area.end(kind).is_some_and(|end| end <= memory.length()));
        }
        let [.., chunks] = areas;
        let start = memory.start();
        let mut slab = Box::new(Slab {
            number: 0,
            // SAFETY: the areas lie within the memory, as just asserted.
            classes: [0, 1]
                .map(|class| unsafe { Class::new(start.add(areas[class].offset), SIZES[class], areas[class].count) }),
            // SAFETY: the same.
            large: unsafe {
                Large {
                    begins: start.add(chunks.offset).cast(),
                    chunks: start.add(chunks.chunks()),
                    count: chunks.count,
                    units: Units::new(chunks.count),
                    ready: AtomicU32::new(0),
                }
            },
            memory,
            closed: AtomicBool::new(false),
        });
        retire(None);
        for (number, place) in SLABS.iter().enumerate() {
            slab.number = number as u32;
            let pointer = ptr::from_mut(&mut *slab);
            if place.compare_exchange(ptr::null_mut(), pointer, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                let _ = Box::into_raw(slab);
                return Some(Self { number: number as u32, forks: forks::count() });
            }
        }
        None
    }

    /// To be asked for by the process that made the pool.
    fn slab(&self) -> &'static Slab {
        Slab::numbered(self.number).unwrap_or_else(|| unreachable!("it is there as long as its owner"))
    }

    /// Lets captures take from this pool from now on.
    ///
    /// A pool that was current is freed once its engine is gone and its buffers are back. So whoever takes buffers from the
    /// current pool while this is called must be kept from doing so at that moment: by the interpreter's lock.
    pub fn make_current(&self) {
        CURRENT.store(ptr::from_ref(self.slab()).cast_mut(), Ordering::Release);
    }

    /// Has the system provide the memory of slots ahead of their first use: whoever writes a record must not wait for that. To be
    /// called by one thread at a time, whenever slots were taken.
    pub fn prepare(&self) {
        if self.is_anothers() {
            return;
        }
        let slab = self.slab();
        for (class, ahead) in slab.classes.iter().zip(AHEAD) {
            class.prepare(&slab.memory, ahead);
        }
        slab.large.prepare(&slab.memory, CHUNKS_AHEAD);
    }

    /// A buffer of this pool with room for `bytes`, if there is one free.
    #[must_use]
    pub fn take(&self, bytes: usize) -> Option<Buffer> {
        if self.is_anothers() {
            return None;
        }
        self.slab().room_for(bytes)
    }

    /// Takes all the room there is, for good: from now on nobody stores into the memory, and records are plain memory. False, with nothing
    /// taken, while somebody has any of it.
    #[must_use]
    pub fn close(&self) -> bool {
        if self.is_anothers() {
            return false;
        }
        let slab = self.slab();
        if slab.closed.load(Ordering::Acquire) {
            return true;
        }
        if !slab.all_is_free() {
            return false;
        }
        // It was only looked at: who takes some now has it.
        let taken = slab.classes.each_ref().map(|class| std::iter::from_fn(|| class.stack.pop()).collect::<Vec<u32>>());
        let is_all = slab.classes.iter().zip(&taken).all(|(class, taken)| taken.len() == class.count as usize);
        if is_all && slab.large.units.close() {
            slab.closed.store(true, Ordering::Release);
            return true;
        }
        for (class, taken) in slab.classes.iter().zip(taken) {
            taken.into_iter().for_each(|index| class.stack.push_chain(index, index));
        }
        false
    }

    /// Whether a buffer is of this pool.
    #[inline]
    #[must_use]
    pub fn owns(&self, buffer: &Buffer) -> bool {
        buffer.slot() >> 24 & 63 == self.number
    }

    /// Whether it belongs to the process that this one was forked from.
    #[must_use]
    pub fn is_anothers(&self) -> bool {
        forks::is_anothers(self.forks)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        retire(Some((self.number, self.forks)));
    }
}

/// Frees pools that nobody uses any more. Those that are waited for are looked at again with the next.
fn retire(pool: Option<(u32, u32)>) {
    // Left locked by a fork: what waits there is the parent's, and this one stays.
    let Some(mut waiting) = lock_briefly(&RETIRING) else { return };
    waiting.extend(pool);
    waiting.retain(|&(number, forks)| {
        let place = &SLABS[number as usize];
        let pointer = place.load(Ordering::Acquire);
        if forks != forks::count() || pointer.is_null() {
            // A parent's: its number may be another's by now.
            return false;
        }
        // SAFETY: the pool is there, since only this, under the lock, frees any.
        if pointer == CURRENT.load(Ordering::Acquire) || !unsafe { &*pointer }.is_idle() {
            return true;
        }
        place.store(ptr::null_mut(), Ordering::Release);
        // SAFETY: made by `Pool::new`; its owner is gone, nobody takes from it, and every slot is back.
        drop(unsafe { Box::from_raw(pointer) });
        false
    });
}

/// In a forked child: the pools belong to the parent, which goes on using them; from now on there is a new one. Their numbers are free
/// again, or after some thirty generations there would be none left.
///
/// What they occupy stays mapped: a capture under way may still have to be read from there.
pub fn leave_to_parent() {
    forks::note();
    CURRENT.store(ptr::null_mut(), Ordering::Release);
    for place in &SLABS {
        place.store(ptr::null_mut(), Ordering::Release);
    }
    // What the parent's records hold is never given back here.
    HEAP_BYTES.store(0, Ordering::Relaxed);
}

/// A record being captured, or on its way: owned memory that grows from slot to slot. Two words, which are handed on in
/// registers.
#[derive(Debug)]
pub struct Buffer {
    bytes: NonNull<u8>,
    /// The slot above, the length below: one word, so that a change of one is not waited for when both are read.
    slot_and_length: u64,
}

// SAFETY: a buffer is the only owner of its memory.
unsafe impl Send for Buffer {}

impl Buffer {
    /// An empty buffer, the smallest there is.
    #[inline]
    #[must_use]
    pub fn take() -> Self {
        match Slab::current().and_then(|slab| slab.buffer(0)) {
            Some(buffer) => buffer,
            None => Self::take_larger(),
        }
    }

    #[cold]
    fn take_larger() -> Self {
        let larger = Slab::current().and_then(|slab| slab.room_for(SIZES[0] - PREFIX));
        larger.unwrap_or_else(|| Self::on_heap(SIZES[0]))
    }

    /// In plain memory, of so many bytes with the prefix.
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
    unsafe fn begin(start: NonNull<u8>, size: usize, slot: u32) -> Self {
        // SAFETY: promised by the caller.
        let buffer = Self { bytes: unsafe { start.add(PREFIX) }, slot_and_length: u64::from(slot) << 32 };
        buffer.prefix().begin((size - PREFIX) as u32);
        buffer
    }

    /// Class in the two highest bits, pool in the next six and index below, or the first unit; or `HEAP`.
    #[inline]
    fn slot(&self) -> u32 {
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

    /// Where the next byte goes, and how many there is room for.
    #[inline]
    pub fn spare(&mut self) -> (*mut u8, usize) {
        // SAFETY: the length is within what there is room for.
        unsafe { (self.bytes.as_ptr().add(self.len()), self.room_in_all() - self.len()) }
    }

    /// Bytes of plain memory this buffer holds.
    #[inline]
    #[must_use]
    pub fn heap_size(&self) -> usize {
        if self.slot() == HEAP { self.room_in_all() + PREFIX } else { 0 }
    }

    #[inline]
    fn prefix(&self) -> &Prefix {
        // SAFETY: every slot, and every block, starts with a prefix, aligned as it is, just before the record.
        unsafe { self.bytes.sub(PREFIX).cast().as_ref() }
    }

    /// Bytes there are for the record; once it is accepted, no more than it has. A child that writes on in its parent's slot
    /// sees one or the other, whatever the parent does with it.
    #[inline]
    fn room_in_all(&self) -> usize {
        self.prefix().room() as usize
    }

    /// Marks the record as accepted under this number: from here on it survives the process, if the pool does. False for plain
    /// memory, which never does.
    #[inline]
    pub fn accept(&self, sequence: u64) -> bool {
        if self.slot() >= FIRST_LARGE && !self.keep_needed() {
            return false;
        }
        self.prefix().accept(sequence, self.len() as u32, checksum::of(self.as_slice()) as u32);
        true
    }

    /// Gives back the units that the record came to do without. False for plain memory.
    #[cold]
    fn keep_needed(&self) -> bool {
        // A child's copy is in plain memory before it is whole.
        if let Some(slab) = self.slab() {
            slab.large.units.give_back(self.slot() & INDEX, (self.len() + PREFIX).div_ceil(UNIT) as u32);
        }
        self.slot() != HEAP
    }

    /// Notes the record's place in the order of writing, from 1.
    #[inline]
    pub fn note_taken(&self, place: u64) {
        if self.slot() != HEAP {
            self.prefix().note_taken(place);
        }
    }

    /// Goes on in plain memory of this process: the slot is that of the process it was forked from, which uses it.
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
        // One of a parent's grows into plain memory.
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

    /// The pool that the slot is of. `None` for plain memory, and for the slot of a parent, though nobody may have noticed the fork yet.
    #[inline]
    fn slab(&self) -> Option<&'static Slab> {
        let slot = self.slot();
        if slot == HEAP || platform::has_forked() {
            return None;
        }
        Slab::numbered(slot >> 24 & 63).filter(|slab| slab.holds(self.bytes))
    }

    /// Class and index of the slot; it no longer holds a record that was accepted. `None` for units and plain memory, and for the
    /// slot of a parent, which is not touched.
    #[inline]
    fn clear(&self) -> Option<(&'static Slab, usize, u32)> {
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
        let place = self.room(bytes.len());
        // SAFETY: there is room; `bytes` cannot overlap memory that is owned here.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len());
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
            // A capture under way over a fork has its bytes counted in the parent.
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

/// Gives back a batch with one exchange per size for runs of the same pool; `batch` keeps its room.
pub fn give_back(batch: &mut Vec<Buffer>) {
    let mut chains = Chains::default();
    for buffer in batch.drain(..) {
        let Some((slab, class, index)) = buffer.clear() else { continue };
        std::mem::forget(buffer);
        chains.add(slab, class, index);
    }
    chains.close();
}

/// Slots of one pool on their way back, linked by size.
#[derive(Default)]
struct Chains {
    slab: Option<&'static Slab>,
    ends: [Option<(u32, u32)>; SIZES.len()],
}

impl Chains {
    #[inline]
    fn add(&mut self, slab: &'static Slab, class: usize, index: u32) {
        if self.slab.is_none_or(|known| known.number != slab.number) {
            self.close();
            self.slab = Some(slab);
        }
        let last = match self.ends[class] {
            Some((first, last)) => {
                slab.classes[class].stack.link(index, first);
                last
            }
            None => index,
        };
        self.ends[class] = Some((index, last));
    }

    fn close(&mut self) {
        let Some(slab) = self.slab.take() else { return };
        for (class, ends) in self.ends.iter_mut().enumerate() {
            if let Some((first, last)) = ends.take() {
                slab.classes[class].stack.push_chain(first, last);
            }
        }
    }
}

#[cfg(test)]
mod tests;
