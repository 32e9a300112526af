//! Bounded tables of results that can be worked out again: each set has four ways, and an evicted entry only costs
//! time.

const WAYS: usize = 4;

pub struct Cache<E, const SETS: usize> {
    sets: Vec<[Option<E>; WAYS]>,
    next: u8,
}

impl<E, const SETS: usize> Cache<E, SETS> {
    pub const fn new() -> Self {
        assert!(SETS.is_power_of_two());
        Self { sets: Vec::new(), next: 0 }
    }

    #[inline]
    fn set_of(key: u64) -> usize {
        // The high bits: keys are made of aligned addresses, so the low bits differ little.
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as usize & (SETS - 1)
    }

    #[inline]
    pub fn find(&self, key: u64, is_it: impl Fn(&E) -> bool) -> Option<&E> {
        self.sets.get(Self::set_of(key))?.iter().flatten().find(|entry| is_it(entry))
    }

    /// Inserts an entry in place of the same entry, in a free way, or in any way. The caller drops the evicted entry
    /// once its reference to the table is gone: dropping may run Python code. Without memory for the table, the entry
    /// itself comes back.
    #[must_use]
    pub fn insert(&mut self, key: u64, entry: E, is_it: impl Fn(&E) -> bool) -> Option<E> {
        if self.sets.is_empty() {
            if self.sets.try_reserve_exact(SETS).is_err() {
                return Some(entry);
            }
            self.sets.resize_with(SETS, || [const { None }; WAYS]);
        }
        let set = &mut self.sets[Self::set_of(key)];
        let same = set.iter().position(|slot| slot.as_ref().is_some_and(&is_it));
        let way = same.or_else(|| set.iter().position(Option::is_none)).unwrap_or_else(|| {
            self.next = self.next.wrapping_add(1);
            usize::from(self.next) % WAYS
        });
        set[way].replace(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_replaced_and_evicted() {
        let mut cache = Cache::<(u64, u32), 1>::new();
        assert_eq!(cache.find(7, |entry| entry.0 == 7), None);
        for key in 0..4 {
            assert_eq!(cache.insert(key, (key, 0), |entry| entry.0 == key), None);
        }
        assert_eq!(cache.insert(2, (2, 9), |entry| entry.0 == 2), Some((2, 0)));
        assert_eq!(cache.find(2, |entry| entry.0 == 2), Some(&(2, 9)));
        assert!(cache.insert(8, (8, 0), |entry| entry.0 == 8).is_some());
        assert_eq!(cache.find(8, |entry| entry.0 == 8), Some(&(8, 0)));
    }
}
