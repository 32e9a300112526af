//! Counts by the names of outputs.

use std::sync::Arc;

/// Counts of each output of one kind, by its name. They go on when an output is opened anew, so none is ever taken away. No lock is needed:
/// a forked child could find it held for good.
#[derive(Debug)]
pub struct Named<T>(boxcar::Vec<(String, Arc<T>)>);

impl<T: Default> Named<T> {
    /// With those that are there from the beginning.
    #[must_use]
    pub fn new(names: &[&str]) -> Self {
        Self(names.iter().map(|name| ((*name).to_owned(), Arc::default())).collect())
    }

    /// The counts of the output of this name.
    #[must_use]
    pub fn of(&self, name: &str) -> Arc<T> {
        let known = self.iter().find(|(known, _)| *known == name).map(|(_, counts)| Arc::clone(counts));
        known.unwrap_or_else(|| {
            let counts = Arc::<T>::default();
            self.0.push((name.to_owned(), Arc::clone(&counts)));
            counts
        })
    }

    /// All of them, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<T>)> {
        self.0.iter().map(|(_, (name, counts))| (name.as_str(), counts))
    }
}
