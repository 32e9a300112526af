//! What many records share (call sites, logger and thread names) is interned once and sent by number.
//!
//! A table only grows, up to its bound, and numbers are never reused: a record can never refer to something gone.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// An append-only, bounded set that numbers its items.
#[derive(Debug)]
pub struct Table<T> {
    bound: usize,
    inner: Mutex<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    numbers: HashMap<Arc<T>, u32>,
    items: Vec<Arc<T>>,
}

impl<T: Eq + Hash> Table<T> {
    #[must_use]
    pub fn new(bound: usize) -> Self {
        Self { bound, inner: Mutex::new(Inner { numbers: HashMap::new(), items: Vec::new() }) }
    }

    /// The number of `item`, or `None` once the table is full: the item then travels inside the record.
    pub fn intern(&self, item: T) -> Option<u32> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = inner.numbers.get(&item) {
            return Some(*number);
        }
        if inner.items.len() >= self.bound {
            return None;
        }
        let number = u32::try_from(inner.items.len()).ok()?;
        let item = Arc::new(item);
        inner.items.push(Arc::clone(&item));
        inner.numbers.insert(item, number);
        Some(number)
    }

    fn items_from(&self, start: usize) -> Vec<Arc<T>> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.items.get(start..).map(<[_]>::to_vec).unwrap_or_default()
    }
}

/// One reader's own copy of a table, with what it derives from each item; looking up takes no lock.
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
        self.items.extend(table.items_from(self.items.len()).into_iter().map(|item| {
            let derived = derive(&item);
            (item, derived)
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_items_share_a_number_and_a_full_table_refuses_new_ones() {
        let table = Table::new(2);
        assert_eq!(table.intern("a"), Some(0));
        assert_eq!(table.intern("b"), Some(1));
        assert_eq!(table.intern("a"), Some(0));
        assert_eq!(table.intern("c"), None);
    }

    #[test]
    fn a_view_sees_items_added_after_it() {
        let table = Table::new(9);
        let mut view = View::new();
        assert!(view.get(&table, 0, |text: &&str| text.len()).is_none());
        table.intern("long");
        assert_eq!(view.get(&table, 0, |text| text.len()).map(|(_, length)| *length), Some(4));
    }
}
