//! Compares numbers in memory with what they were.

use std::ops::{BitOr, BitXor, Not};

/// A number in memory, as it was.
#[derive(Clone, Copy)]
struct Same<T> {
    at: *const T,
    was: T,
}

/// Numbers in memory, as they were. The first `N` are compared without a loop, because each call compares them.
pub struct Words<T, const N: usize> {
    first: [Same<T>; N],
    count: usize,
    more: Vec<Same<T>>,
}

// SAFETY: used under the interpreter lock.
unsafe impl<T, const N: usize> Send for Words<T, N> {}
// SAFETY: as above.
unsafe impl<T, const N: usize> Sync for Words<T, N> {}

impl<T: Number, const N: usize> Words<T, N> {
    pub fn new() -> Self {
        // The unused ones point to a number that never changes.
        Self { first: [Same { at: T::ZERO, was: *T::ZERO }; N], count: 0, more: Vec::new() }
    }

    /// Numbers that count as changed.
    #[cfg(not(Py_3_12))]
    pub fn never() -> Self {
        let mut changed = Self::new();
        changed.first[0].was = !*T::ZERO;
        changed
    }

    /// Adds a number to compare.
    ///
    /// # Safety
    /// `at` can be read, now and whenever the numbers are compared.
    pub unsafe fn push(&mut self, at: *const T) {
        // SAFETY: promised by the caller.
        let word = Same { at, was: unsafe { *at } };
        match self.first.get_mut(self.count) {
            Some(free) => *free = word,
            None => self.more.push(word),
        }
        self.count += 1;
    }

    /// Accepts the present number as the one to compare with, in the order of `push`.
    #[cfg(not(Py_3_12))]
    pub fn accept(&mut self, index: usize) {
        let word = match self.first.get_mut(index) {
            Some(first) => first,
            None => &mut self.more[index - N],
        };
        // SAFETY: promised to `push`.
        word.was = unsafe { *word.at };
    }

    #[inline(always)]
    pub fn are_unchanged(&self) -> bool {
        // All are compared: that takes less time than to decide after each.
        Self::difference(&self.first) == *T::ZERO && (self.more.is_empty() || Self::difference(&self.more) == *T::ZERO)
    }

    #[inline(always)]
    fn difference(words: &[Same<T>]) -> T {
        // SAFETY: promised to `push`.
        words.iter().fold(*T::ZERO, |difference, word| difference | unsafe { *word.at } ^ word.was)
    }
}

/// Numbers that are compared.
pub trait Number:
    Copy + PartialEq + BitXor<Output = Self> + BitOr<Output = Self> + Not<Output = Self> + 'static
{
    const ZERO: &'static Self;
}

impl Number for u32 {
    const ZERO: &'static Self = &0;
}

impl Number for u64 {
    const ZERO: &'static Self = &0;
}

impl Number for usize {
    const ZERO: &'static Self = &0;
}
