//! Room for large records, in units. A record gets as many units in a row as it needs. Free units are bits that are
//! set, and no lock is taken.
//!
//! The memory itself says, before the units, where records begin. Without that, a reader after a crash could take the
//! text of one record for another record.

use crate::sync::{AtomicU8, AtomicU32, AtomicU64, Ordering};

/// Bytes of one unit.
pub const UNIT: usize = 1 << 10;
/// Units of one chunk, in which a record lies with all its units.
pub const UNITS: u32 = u64::BITS;

#[derive(Debug)]
pub struct Units {
    /// For each chunk a bit for each free unit.
    free: Box<[AtomicU64]>,
    /// How many units were taken, where they begin.
    counts: Box<[AtomicU8]>,
    /// All units before this chunk were in use at the last search. It is only a hint where to begin.
    from: AtomicU32,
    /// Chunks from here on have never been used.
    used: AtomicU32,
}

impl Units {
    /// All units of so many chunks, all of them free.
    pub fn new(chunks: u32) -> Self {
        Self {
            free: (0..chunks).map(|_| AtomicU64::new(u64::MAX)).collect(),
            counts: (0..chunks * UNITS).map(|_| AtomicU8::new(0)).collect(),
            from: AtomicU32::new(0),
            used: AtomicU32::new(0),
        }
    }

    /// Allocates `count` units in a row, at most as many as a chunk has, and returns the first of them.
    pub fn alloc(&self, count: u32) -> Option<u32> {
        let chunks = self.free.len() as u32;
        let from = self.from.load(Ordering::Relaxed).min(chunks);
        let mut full = true;
        for chunk in (from..chunks).chain(0..from) {
            let word = &self.free[chunk as usize];
            let mut free = word.load(Ordering::Relaxed);
            while let Some(unit) = run(free, count) {
                // Acquire pairs with the release in `give_back`: what the last owner did there was before.
                match word.compare_exchange_weak(free, free & !mask(unit, count), Ordering::Acquire, Ordering::Relaxed)
                {
                    Ok(_) => return Some(self.begin(chunk * UNITS + unit, count)),
                    Err(now) => free = now,
                }
            }
            full &= free == 0;
            if full && chunk >= from {
                self.from.store(chunk + 1, Ordering::Relaxed);
            }
        }
        None
    }

    fn begin(&self, first: u32, count: u32) -> u32 {
        self.counts[first as usize].store(count as u8, Ordering::Relaxed);
        let chunk = first / UNITS;
        if chunk >= self.used.load(Ordering::Relaxed) {
            self.used.fetch_max(chunk + 1, Ordering::Relaxed);
        }
        first
    }

    /// How many units the owner of `first` has from there on.
    pub fn count(&self, first: u32) -> u32 {
        u32::from(self.counts[first as usize].load(Ordering::Relaxed))
    }

    /// Gives back all units from `first` on but `keep`. With none kept, nobody owns them any more.
    pub fn give_back(&self, first: u32, keep: u32) {
        let count = self.count(first);
        if keep >= count {
            return;
        }
        self.counts[first as usize].store(keep as u8, Ordering::Relaxed);
        let chunk = first / UNITS;
        // Release: the owner's writes happen before the next owner's.
        self.free[chunk as usize].fetch_or(mask(first % UNITS + keep, count - keep), Ordering::Release);
        self.from.fetch_min(chunk, Ordering::Relaxed);
    }

    /// Chunks that were ever used: those from here on are still to be used for the first time.
    pub fn used_ever(&self) -> u32 {
        self.used.load(Ordering::Relaxed)
    }

    /// Allocates all units if all are free. They are never given back.
    pub fn close(&self) -> bool {
        let close = |free: &AtomicU64| free.compare_exchange(u64::MAX, 0, Ordering::Acquire, Ordering::Relaxed).is_ok();
        let closed = self.free.iter().take_while(|free| close(free)).count();
        if closed < self.free.len() {
            self.free.iter().take(closed).for_each(|free| free.store(u64::MAX, Ordering::Release));
            return false;
        }
        true
    }

    /// Whether all units are free. Exact only while no thread allocates or gives back.
    pub fn are_free(&self) -> bool {
        self.free.iter().all(|free| free.load(Ordering::Acquire) == u64::MAX)
    }
}

/// The lowest bit from which on `count` are set.
fn run(mut free: u64, count: u32) -> Option<u32> {
    let mut known = 1;
    while known < count && free != 0 {
        let step = known.min(count - known);
        free &= free >> step;
        known += step;
    }
    (free != 0).then(|| free.trailing_zeros())
}

fn mask(unit: u32, count: u32) -> u64 {
    (u64::MAX >> (UNITS - count)) << unit
}

/// Where records begin in a chunk, in the memory itself: a bit for each unit.
#[repr(transparent)]
#[derive(Debug)]
pub struct Begins(pub AtomicU64);

impl Begins {
    /// A record may be found from this unit on. The unit's prefix says already that there is none.
    pub fn note(&self, unit: u32) {
        self.0.fetch_or(1 << unit, Ordering::Release);
    }

    /// No record is found from this unit on any more. To be called before the units get another owner.
    pub fn forget(&self, unit: u32) {
        self.0.fetch_and(!(1 << unit), Ordering::Release);
    }
}
