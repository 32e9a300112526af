//! Free slots, as a stack of their indices (Treiber's): the last one given back goes first, so that a quiet program reuses
//! few pages. Takes no lock.

use crossbeam_utils::CachePadded;

use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// In place of an index: the stack is empty.
const NONE: u32 = u32::MAX;

#[derive(Debug)]
pub struct Stack {
    /// The first free index in the low half; the high half counts changes, against ABA.
    head: CachePadded<AtomicU64>,
    /// Indices from here on were never used. They need no link, and their slots no memory.
    fresh: AtomicU32,
    next: Box<[AtomicU32]>,
}

impl Stack {
    /// Indices up to `count`, all of them free.
    pub fn new(count: u32) -> Self {
        Self {
            head: CachePadded::new(AtomicU64::new(u64::from(NONE))),
            fresh: AtomicU32::new(0),
            next: (0..count).map(|_| AtomicU32::new(NONE)).collect(),
        }
    }

    #[inline]
    pub fn pop(&self) -> Option<u32> {
        // Acquire pairs with the release in `push_chain`: the links of what is found are visible.
        let mut head = self.head.load(Ordering::Acquire);
        loop {
            let index = head as u32;
            if index == NONE {
                return self.pop_fresh();
            }
            let next = self.next[index as usize].load(Ordering::Relaxed);
            match self.head.compare_exchange_weak(head, changed(head, next), Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Some(index),
                Err(now) => head = now,
            }
        }
    }

    #[cold]
    fn pop_fresh(&self) -> Option<u32> {
        let count = self.next.len() as u32;
        self.fresh.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |fresh| (fresh < count).then_some(fresh + 1)).ok()
    }

    /// Puts a taken index before another, for `push_chain`.
    #[inline]
    pub fn link(&self, index: u32, next: u32) {
        self.next[index as usize].store(next, Ordering::Relaxed);
    }

    /// Gives back indices already linked from `first` to `last`.
    pub fn push_chain(&self, first: u32, last: u32) {
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            self.link(last, head as u32);
            // Release: the owner's writes to slot and links happen before the next owner's.
            match self.head.compare_exchange_weak(head, changed(head, first), Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// How many indices were ever used. The next index has never been used.
    #[inline]
    pub fn taken_ever(&self) -> u32 {
        self.fresh.load(Ordering::Relaxed)
    }

    /// How many are free. Exact only while no thread allocates or gives back.
    pub fn free(&self) -> u32 {
        let count = self.next.len() as u32;
        let mut free = count - self.fresh.load(Ordering::Acquire);
        let mut index = self.head.load(Ordering::Acquire) as u32;
        while index != NONE && free < count {
            free += 1;
            index = self.next[index as usize].load(Ordering::Relaxed);
        }
        free
    }
}

/// The head after this one, with another first index.
#[inline]
fn changed(head: u64, first: u32) -> u64 {
    (head >> 32).wrapping_add(1) << 32 | u64::from(first)
}
