//! What many records share (call sites, logger and thread names) is interned once and sent by number.
//!
//! A table only grows, up to its bound, and numbers are never reused: a record can never refer to something gone.
//! Reading takes no lock, so the writer can never be held up, nor a forked child by a lock whose holder it does not have.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use crate::forks;
use crate::memory;
use crate::platform;

/// Bytes for each item that a table may take at once when it grows.
const GROWTH: usize = 64;
/// How long a lock is waited for that is held for microseconds, where a fork may have left its holder behind.
const PATIENCE: Duration = Duration::from_millis(20);
/// The same where there was no fork: the holder has only lost its core to others.
const LONG_PATIENCE: Duration = Duration::from_secs(2);

/// The lock, or `None` when its holder seems to be gone: a forked child has locks of threads that it does not have.
pub(crate) fn lock_briefly<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    let mut started = None;
    loop {
        match mutex.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                let waited = started.get_or_insert_with(Instant::now).elapsed();
                if waited <= PATIENCE {
                    std::thread::yield_now();
                } else if waited <= LONG_PATIENCE && forks::count() == 0 && !platform::has_forked() {
                    std::thread::sleep(Duration::from_millis(1));
                } else {
                    return None;
                }
            }
        }
    }
}

/// An append-only, bounded set that numbers its items.
#[derive(Debug)]
pub struct Table<T> {
    bound: usize,
    numbers: Mutex<HashMap<Arc<T>, u32>>,
    items: boxcar::Vec<Arc<T>>,
}

impl<T: Eq + Hash> Table<T> {
    #[must_use]
    pub fn new(bound: usize) -> Self {
        Self { bound, numbers: Mutex::default(), items: boxcar::Vec::new() }
    }

    /// The number of `item`, or `None` once the table is full: the item then travels inside the record.
    ///
    /// A new number is given out only after `publish` has said yes to it.
    pub fn intern(&self, item: T, publish: impl FnOnce(u32, &T) -> bool) -> Option<u32> {
        let mut numbers = lock_briefly(&self.numbers)?;
        if let Some(number) = numbers.get(&item) {
            return Some(*number);
        }
        let number = self.items.count();
        // Tables grow by as much again; an allocation that fails would end the process.
        if numbers.try_reserve(1).is_err() || numbers.len() == numbers.capacity() / 2 && !memory::has(number * GROWTH) {
            return None;
        }
        if number >= self.bound || !publish(u32::try_from(number).ok()?, &item) {
            return None;
        }
        let item = Arc::new(item);
        let number = u32::try_from(self.items.push(Arc::clone(&item))).ok()?;
        numbers.insert(item, number);
        Some(number)
    }

    /// Adds items to an empty table, in the order of their numbers. False if one is among them twice.
    #[must_use]
    pub fn fill(&self, items: Vec<T>) -> bool {
        (0..).zip(items).all(|(number, item)| self.intern(item, |_, _| true) == Some(number))
    }

    #[must_use]
    pub fn get(&self, number: u32) -> Option<&Arc<T>> {
        self.items.get(number as usize)
    }
}

/// One reader's own copy of a table, with what it derives from each item.
#[derive(Debug)]
pub struct View<T, D> {
    items: Vec<(Arc<T>, D)>,
}

impl<T, D> Default for View<T, D> {
    fn default() -> Self {
        Self { items: Vec::new() }
    }
}

impl<T: Eq + Hash, D> View<T, D> {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The item with this number and what was derived from it; `None` for a number never given out.
    #[inline]
    pub fn get(&mut self, table: &Table<T>, number: u32, derive: impl FnMut(&T) -> D) -> Option<&mut (Arc<T>, D)> {
        if number as usize >= self.items.len() {
            self.catch_up(table, derive);
        }
        self.items.get_mut(number as usize)
    }

    #[cold]
    fn catch_up(&mut self, table: &Table<T>, mut derive: impl FnMut(&T) -> D) {
        while let Some(item) = table.items.get(self.items.len()) {
            let derived = derive(item);
            self.items.push((Arc::clone(item), derived));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_items_share_a_number_and_a_full_table_refuses_new_ones() {
        let table = Table::new(2);
        assert_eq!(table.intern("a", |_, _| true), Some(0));
        assert_eq!(table.intern("b", |_, _| true), Some(1));
        assert_eq!(table.intern("a", |_, _| unreachable!()), Some(0));
        assert_eq!(table.intern("c", |_, _| true), None);
    }

    #[test]
    fn a_number_that_could_not_be_published_is_not_given_out() {
        let table = Table::new(2);
        assert_eq!(table.intern("a", |_, _| false), None);
        assert_eq!(table.intern("b", |number, _| number == 0), Some(0));
    }

    #[test]
    fn a_view_sees_items_added_after_it() {
        let table = Table::new(9);
        let mut view = View::new();
        assert!(view.get(&table, 0, |text: &&str| text.len()).is_none());
        table.intern("long", |_, _| true);
        assert_eq!(view.get(&table, 0, |text| text.len()).map(|(_, length)| *length), Some(4));
    }

    #[test]
    fn a_lock_whose_holder_is_gone_holds_nobody_up() {
        let table = Table::new(9);
        let held = table.numbers.lock();
        assert_eq!(table.intern("a", |_, _| true), None);
        drop(held);
        assert_eq!(table.intern("a", |_, _| true), Some(0));
    }
}
