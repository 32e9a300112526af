//! Counts by the names of outputs.

use std::sync::Arc;

use crate::additions::Additions;

/// Counts of each output of one kind, by its name. They go on when an output is opened anew, so none is ever taken away.
#[derive(Debug)]
pub struct Named<T>(Additions<(String, Arc<T>)>);

impl<T: Default> Named<T> {
    /// With those that are there from the beginning.
    #[must_use]
    pub fn new(names: &[&str]) -> Self {
        let named = Self(Additions::new());
        for name in names {
            named.of(name);
        }
        named
    }

    /// The counts of the output of this name.
    pub fn of(&self, name: &str) -> Arc<T> {
        Arc::clone(&self.0.find_or_add(|(known, _)| known == name, || (name.to_owned(), Arc::default())).1)
    }

    /// All of them, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<T>)> {
        self.0.iter().map(|(name, counts)| (name.as_str(), counts))
    }
}
