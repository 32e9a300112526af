//! The pools: the current one, from which captures allocate, and freeing those that were replaced.

use std::ptr::{self, NonNull};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

use super::slots::{Class, Large};
use super::units::Units;
use super::{Area, Buffer, FIRST_LARGE, HEAP_BYTES, KINDS, PREFIX, SIZES, UNIT, areas};
use crate::forks;
use crate::platform::Mapping;
use crate::table::lock_briefly;

/// Pools at once. Each engine has a pool, and a pool that was replaced stays until its records are written.
const POOLS: usize = 63;
/// The least number of unused slots of each size whose memory is present already: see `Pool::prepare`.
const AHEAD: [u32; SIZES.len()] = [1_024, 64];
/// The same of chunks.
const CHUNKS_AHEAD: u32 = 1;

/// One pool.
#[derive(Debug)]
pub(super) struct Slab {
    pub(super) number: u32,
    pub(super) classes: [Class; SIZES.len()],
    pub(super) large: Large,
    memory: Mapping,
    /// All room was allocated to close the pool. Nothing is stored into the memory from then on.
    closed: AtomicBool,
}

// SAFETY: a slot is handed to one owner at a time; everything else in a slab is atomic.
unsafe impl Send for Slab {}

// SAFETY: as above.
unsafe impl Sync for Slab {}

pub(super) static SLABS: [AtomicPtr<Slab>; POOLS] = [const { AtomicPtr::new(ptr::null_mut()) }; POOLS];
static CURRENT: AtomicPtr<Slab> = AtomicPtr::new(ptr::null_mut());
/// Pools whose engine is gone, until their last buffer is back. Each has its number, and the count of forks when it
/// was made.
pub(super) static RETIRING: Mutex<Vec<(u32, u32)>> = Mutex::new(Vec::new());
/// Bytes of the first pool, which is there before any engine: enough for the records before a start.
const FIRST: usize = 1 << 20;

impl Slab {
    /// The pool that captures take from.
    #[inline]
    pub(super) fn current() -> Option<&'static Self> {
        // SAFETY: a pool is freed only when it is not current and all its slots are back (`retire`).
        unsafe { CURRENT.load(Ordering::Acquire).as_ref() }.or_else(Self::first)
    }

    #[cold]
    fn first() -> Option<&'static Self> {
        let pool = Pool::anonymous(FIRST)?;
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
    pub(super) fn numbered(number: u32) -> Option<&'static Self> {
        // SAFETY: a pool is freed only when its owner is gone and all its slots are back; those of a parent never are.
        unsafe { SLABS[number as usize].load(Ordering::Acquire).as_ref() }
    }

    /// Whether the slot at this address is in this pool. A pool of the parent process may have had the same number.
    /// Its memory stays mapped in the child, so no other pool has its addresses.
    #[inline]
    pub(super) fn holds(&self, slot: NonNull<u8>) -> bool {
        slot.as_ptr().addr().wrapping_sub(self.memory.start().as_ptr().addr()) < self.memory.length()
    }

    pub(super) fn buffer(&'static self, class: usize) -> Option<Buffer> {
        let slots = &self.classes[class];
        let index = slots.stack.pop()?;
        let slot = (class as u32) << 30 | self.number << 24 | index;
        // SAFETY: the slot is this one's alone from here on, and larger than the prefix.
        Some(unsafe { Buffer::begin(slots.slot(index), slots.size, slot) })
    }

    /// Allocates room for a large record of `bytes` bytes, prefix included.
    #[cold]
    fn large_buffer(&'static self, bytes: usize) -> Option<Buffer> {
        let first = self.large.alloc(bytes)?;
        let slot = FIRST_LARGE | self.number << 24 | first;
        let size = self.large.units.count(first) as usize * UNIT;
        // SAFETY: the units are this one's alone from here on, and larger than the prefix.
        Some(unsafe { Buffer::begin(self.large.unit(first), size, slot) })
    }

    /// Allocates the smallest free room for a record of `bytes` bytes.
    pub(super) fn room_for(&'static self, bytes: usize) -> Option<Buffer> {
        let roomy = (0..SIZES.len()).filter(|class| SIZES[*class] - PREFIX >= bytes);
        roomy.into_iter().find_map(|class| self.buffer(class)).or_else(|| self.large_buffer(bytes + PREFIX))
    }

    pub(super) fn is_idle(&self) -> bool {
        self.closed.load(Ordering::Acquire) || self.all_is_free()
    }

    fn all_is_free(&self) -> bool {
        self.classes.iter().all(|class| class.stack.free() == class.count) && self.large.units.are_free()
    }
}

/// An engine's pool. After it is dropped, its memory is freed as soon as the last buffer is back.
#[derive(Debug)]
pub struct Pool {
    pub(super) number: u32,
    forks: u32,
}

impl Pool {
    /// A pool of memory of this process alone. `None` when there is none, or too many pools are waiting for buffers.
    #[must_use]
    pub fn anonymous(bytes: usize) -> Option<Self> {
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
        for (number, entry) in SLABS.iter().enumerate() {
            slab.number = number as u32;
            let pointer = ptr::from_mut(&mut *slab);
            if entry.compare_exchange(ptr::null_mut(), pointer, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                let _ = Box::into_raw(slab);
                return Some(Self { number: number as u32, forks: forks::count() });
            }
        }
        None
    }

    /// The slab. Only the process that made the pool may call this.
    pub(super) fn slab(&self) -> &'static Slab {
        Slab::numbered(self.number).unwrap_or_else(|| unreachable!("it is there as long as its owner"))
    }

    /// Lets captures take from this pool from now on.
    ///
    /// A pool that was current is freed once its engine is gone and its buffers are back. So no thread may allocate
    /// from the current pool during this call. The interpreter's lock sees to that.
    pub fn make_current(&self) {
        CURRENT.store(ptr::from_ref(self.slab()).cast_mut(), Ordering::Release);
    }

    /// Asks the system for the memory of slots before their first use, so that calls do not wait for it. One thread at
    /// a time may call this. It is called whenever slots were allocated.
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
    pub fn alloc(&self, bytes: usize) -> Option<Buffer> {
        if self.is_anothers() {
            return None;
        }
        self.slab().room_for(bytes)
    }

    /// Closes the pool by allocating all its room. Nothing is stored into its memory from now on, and records lie on
    /// the heap. False, with nothing changed, while a buffer holds some of the room.
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
        // The check took no lock, so another thread may have allocated since.
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

/// Frees pools without buffers. The other pools are checked again when the next pool is retired.
pub(super) fn retire(pool: Option<(u32, u32)>) {
    // A fork left the lock held. The waiting pools are the parent's, and this pool is never freed.
    let Some(mut waiting) = lock_briefly(&RETIRING) else { return };
    waiting.extend(pool);
    waiting.retain(|&(number, forks)| {
        let entry = &SLABS[number as usize];
        let pointer = entry.load(Ordering::Acquire);
        if forks != forks::count() || pointer.is_null() {
            // The pool is the parent's, and another pool may have its number by now.
            return false;
        }
        // SAFETY: the pool is there, since only this, under the lock, frees any.
        if pointer == CURRENT.load(Ordering::Acquire) || !unsafe { &*pointer }.is_idle() {
            return true;
        }
        entry.store(ptr::null_mut(), Ordering::Release);
        // SAFETY: made by `Pool::new`; its owner is gone, nobody takes from it, and every slot is back.
        drop(unsafe { Box::from_raw(pointer) });
        false
    });
}

/// To be called in a forked child. The pools belong to the parent process, which goes on using them, and the child
/// starts with a new pool. Their numbers become free, because otherwise none would be left after some thirty
/// generations of forks.
///
/// The memory of the pools stays mapped, because a capture under way may still be read from it.
pub fn leave_to_parent() {
    forks::note();
    CURRENT.store(ptr::null_mut(), Ordering::Release);
    for entry in &SLABS {
        entry.store(ptr::null_mut(), Ordering::Release);
    }
    // The bytes of the parent's records are never given back in this process.
    HEAP_BYTES.store(0, Ordering::Relaxed);
}
