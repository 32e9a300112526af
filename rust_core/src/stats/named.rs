//! Counts by the names of outputs.

use std::sync::Arc;

use super::{Count, Words};
use crate::additions::Additions;

/// A count in parts, such as one for each cause.
#[derive(Clone, Copy, Debug)]
pub struct Split<const N: usize>([Count; N]);

impl<const N: usize> Split<N> {
    pub(super) const fn new(parts: [Count; N]) -> Self {
        Self(parts)
    }

    /// All of them.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.iter().map(|part| part.get()).sum()
    }

    /// # Panics
    /// When there is no such part.
    #[must_use]
    pub const fn of(&self, part: usize) -> Count {
        self.0[part]
    }
}

/// Counts of one output.
pub trait NamedCounts {
    /// Those of the output of this name.
    fn at(words: &'static Words, name: &str) -> Self;
}

/// Counts of each output of one kind, by its name. They go on when an output is opened anew, so none is ever taken away.
#[derive(Debug)]
pub struct Named<T> {
    all: Additions<(String, Arc<T>)>,
    words: &'static Words,
}

impl<T: NamedCounts> Named<T> {
    /// With those that are there from the beginning.
    #[must_use]
    pub fn new(words: &'static Words, names: &[&str]) -> Self {
        let named = Self { all: Additions::new(), words };
        for name in names {
            named.of(name);
        }
        named
    }

    /// The counts of the output of this name.
    pub fn of(&self, name: &str) -> Arc<T> {
        let make = || (name.to_owned(), Arc::new(T::at(self.words, name)));
        Arc::clone(&self.all.find_or_add(|(known, _)| known == name, make).1)
    }

    /// All of them, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<T>)> {
        self.all.iter().map(|(name, counts)| (name.as_str(), counts))
    }
}
