//! A single count.

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering, fence};

use crate::forks;

/// A plain count.
#[derive(Clone, Copy, Debug)]
pub struct Count {
    word: &'static AtomicU64,
    /// What was counted in blocks before this one. The process counts on.
    before: &'static AtomicU64,
}

static ZERO: AtomicU64 = AtomicU64::new(0);
/// How many moves of words from one block to another are under way, in the low bits, and how many there were.
static MOVES: AtomicU64 = AtomicU64::new(0);
const ENDED: u64 = 1 << 8;
const UNDER_WAY: u64 = ENDED - 1;
/// A move takes some microseconds, unless another thread has its processor. A reader that meets one for longer was forked in the middle of it.
const TRIES: usize = 3_000;
/// After so many tries, the reader lets other threads run.
const SPINS: usize = 1_000;

/// Lets readers know of a move while it lives.
pub(super) struct Moving(());

impl Moving {
    pub(super) fn begin() -> Self {
        MOVES.fetch_add(1, Ordering::SeqCst);
        Self(())
    }

    /// The same in a forked child, where no move of the parent ends.
    pub(super) fn begin_alone() -> Self {
        if forks::count() == 0 {
            return Self::begin();
        }
        MOVES.store(MOVES.load(Ordering::SeqCst) & !UNDER_WAY | 1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Moving {
    fn drop(&mut self) {
        MOVES.fetch_add(ENDED - 1, Ordering::SeqCst);
    }
}

/// Reads words that no move changes meanwhile.
pub(super) fn read(words: impl Fn() -> u64) -> u64 {
    for tried in 0..TRIES {
        let moves = MOVES.load(Ordering::Acquire);
        let count = words();
        fence(Ordering::Acquire);
        if moves & UNDER_WAY == 0 && MOVES.load(Ordering::Relaxed) == moves {
            return count;
        }
        if tried < SPINS {
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
    }
    words()
}

impl Count {
    pub(super) const fn new(word: &'static AtomicU64, before: &'static AtomicU64) -> Self {
        Self { word, before }
    }

    /// A count of this process alone, in no block.
    #[must_use]
    pub fn private() -> Self {
        Self::new(Box::leak(Box::new(AtomicU64::new(0))), &ZERO)
    }

    /// Whether it is a word that nobody reads.
    pub(super) fn is_spare(self) -> bool {
        ptr::eq(self.word, self.before)
    }

    #[inline]
    pub fn add(self, amount: u64) {
        self.word.fetch_add(amount, Ordering::Relaxed);
    }

    /// Counts what the block of another process has got: only this process tells of it here.
    pub fn add_elsewhere(self, amount: u64) {
        self.before.fetch_add(amount, Ordering::Relaxed);
    }

    #[must_use]
    pub fn get(self) -> u64 {
        read(|| self.before.load(Ordering::Relaxed).wrapping_add(self.word.load(Ordering::Relaxed)))
    }

    /// What was counted in the present block.
    #[inline]
    #[must_use]
    pub fn here(self) -> u64 {
        self.word.load(Ordering::Relaxed)
    }

    /// Takes back what was counted before it came to something.
    pub fn take_back(self, amount: u64) {
        self.word.fetch_sub(amount, Ordering::Relaxed);
    }

    pub fn set(self, value: u64) {
        self.before.store(0, Ordering::Relaxed);
        self.word.store(value, Ordering::Relaxed);
    }

    /// Tells what it was before.
    pub fn raise_to(self, value: u64) -> u64 {
        self.word.fetch_max(value, Ordering::Relaxed)
    }
}

/// A count of the process that is there before anything else is: its word is found later.
#[derive(Debug)]
pub struct Early {
    /// Never null.
    word: AtomicPtr<AtomicU64>,
    /// The word until then, and for threads that know no other yet.
    first: &'static AtomicU64,
}

impl Early {
    #[must_use]
    pub const fn new(first: &'static AtomicU64) -> Self {
        Self { word: AtomicPtr::new(ptr::from_ref(first).cast_mut()), first }
    }

    #[inline]
    pub fn add(&self, amount: u64) {
        // SAFETY: it leads to a static, or to a word that is never given back.
        unsafe { &*self.word.load(Ordering::Relaxed) }.fetch_add(amount, Ordering::Relaxed);
    }

    /// Counts on in a word of a block.
    pub fn go_on_in(&self, count: Count) {
        self.word.store(ptr::from_ref(count.word).cast_mut(), Ordering::Relaxed);
        self.settle(count);
    }

    /// Brings what threads counted that knew no other word to where it belongs.
    pub fn settle(&self, count: Count) {
        if self.first.load(Ordering::Relaxed) > 0 {
            count.add(self.first.swap(0, Ordering::Relaxed));
        }
    }
}
