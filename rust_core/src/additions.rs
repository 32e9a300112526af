//! A list that only grows, in which nothing stands twice.

use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

#[derive(Debug)]
struct Node<T> {
    item: T,
    next: AtomicPtr<Node<T>>,
}

/// Items in the order in which they came. Adding needs no lock: a forked child could find it held for good.
#[derive(Debug)]
pub struct Additions<T> {
    first: AtomicPtr<Node<T>>,
    owned: PhantomData<Node<T>>,
}

impl<T> Default for Additions<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Additions<T> {
    #[must_use]
    pub const fn new() -> Self {
        Self { first: AtomicPtr::new(ptr::null_mut()), owned: PhantomData }
    }

    /// The first item of which `is` holds. If there is none, `make` makes it, and it goes to the end. All threads that look for the same
    /// item at the same time get one and the same: what they make in vain is dropped.
    pub fn find_or_add(&self, is: impl Fn(&T) -> bool, make: impl FnOnce() -> T) -> &T {
        let mut make = Some(make);
        let mut made: Option<Box<Node<T>>> = None;
        let mut place = &self.first;
        loop {
            // SAFETY: a place holds null or a node from `Box::into_raw` below, which lives as long as the list and is only ever shared.
            if let Some(node) = unsafe { place.load(Ordering::Acquire).as_ref() } {
                if is(&node.item) {
                    return &node.item;
                }
                place = &node.next;
                continue;
            }
            let node = match (made.take(), make.take()) {
                (Some(node), _) => node,
                (None, Some(make)) => Box::new(Node { item: make(), next: AtomicPtr::default() }),
                (None, None) => unreachable!("what was made is kept until it is added"),
            };
            let node = Box::into_raw(node);
            match place.compare_exchange(ptr::null_mut(), node, Ordering::AcqRel, Ordering::Acquire) {
                // SAFETY: the list owns the node from now on, see above.
                Ok(_) => return unsafe { &(*node).item },
                // Another thread was faster: its item is looked at next.
                // SAFETY: nobody else has seen this node.
                Err(_) => made = Some(unsafe { Box::from_raw(node) }),
            }
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let mut place = &self.first;
        std::iter::from_fn(move || {
            // SAFETY: as in `find_or_add`.
            let node = unsafe { place.load(Ordering::Acquire).as_ref() }?;
            place = &node.next;
            Some(&node.item)
        })
    }
}

impl<T> Drop for Additions<T> {
    fn drop(&mut self) {
        let mut next = *self.first.get_mut();
        while !next.is_null() {
            // SAFETY: nobody else has the list any more, and each node stands in one place.
            let mut node = unsafe { Box::from_raw(next) };
            next = *node.next.get_mut();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Barrier};
    use std::thread;

    #[test]
    fn items_stand_in_the_order_in_which_they_came_each_once() {
        let list = Additions::new();
        for item in ["b", "a", "b"] {
            assert_eq!(*list.find_or_add(|known| *known == item, || item), item);
        }
        assert_eq!(list.iter().copied().collect::<Vec<_>>(), ["b", "a"]);
    }

    #[test]
    fn threads_that_add_the_same_item_at_once_share_it() {
        for _ in 0..200 {
            let (list, barrier) = (Additions::new(), Barrier::new(4));
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        barrier.wait();
                        for item in 0..20 {
                            let found = list.find_or_add(|known: &Arc<i32>| **known == item, || Arc::new(item));
                            assert_eq!(**found, item);
                        }
                    });
                }
            });
            assert_eq!(list.iter().map(|item| **item).collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
        }
    }
}
