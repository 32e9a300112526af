//! Levels that have a method of their own beside the standard ones. Guards remember the answers for them too.

use pyo3::prelude::*;

use crate::filter::guard;
use crate::interpreter::gil::Gil;

/// How many there can be: each has a bit in a guard.
pub const MOST: usize = 32;

/// A level that a program has added.
#[derive(Clone, Copy)]
pub struct NamedLevel {
    pub number: i32,
    /// Kept for ever, as the method is.
    pub name: &'static str,
}

static LEVELS: Gil<Vec<NamedLevel>> = Gil::new(Vec::new());

/// Adds a level and returns its slot. `None` if there are too many.
pub fn add(py: Python<'_>, name: &str, number: i32) -> Option<usize> {
    // SAFETY: no Python code runs while the reference lives.
    let levels = unsafe { &mut *LEVELS.get(py) };
    if levels.len() == MOST {
        return None;
    }
    levels.push(NamedLevel { number, name: name.to_owned().leak() });
    guard::ask_again(py);
    Some(levels.len() - 1)
}

/// The level in a slot.
pub fn at(py: Python<'_>, slot: usize) -> Option<NamedLevel> {
    // SAFETY: looked at only.
    unsafe { &*LEVELS.get(py) }.get(slot).copied()
}

/// The level of this name.
pub fn find(py: Python<'_>, name: &str) -> Option<NamedLevel> {
    // SAFETY: looked at only.
    unsafe { &*LEVELS.get(py) }.iter().find(|level| level.name == name).copied()
}

/// For how many levels a guard keeps an answer.
pub fn count(py: Python<'_>) -> usize {
    // SAFETY: looked at only.
    unsafe { &*LEVELS.get(py) }.len()
}
