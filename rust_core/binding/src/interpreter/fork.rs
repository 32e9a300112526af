//! Notices each fork once, with or without hooks. C code forks without Python's hooks, and other hooks may log before
//! the hook of this library runs.

use pyo3::prelude::*;
use unified_logger_core::{clock, platform, slab};

use crate::interpreter::gil::Gil;

/// The first functions that a forked child calls.
static IN_CHILD: Gil<&[fn(Python<'_>)]> = Gil::new(&[]);

/// Sets the functions that a forked child calls first, in this order.
pub fn set_in_child(py: Python<'_>, functions: &'static [fn(Python<'_>)]) {
    IN_CHILD.replace(py, functions);
}

/// Notices a fork. Called before any state of the engine is touched.
#[inline]
pub fn notice(py: Python<'_>) {
    if platform::has_forked() {
        start_again(py);
    }
}

#[cold]
fn start_again(py: Python<'_>) {
    platform::notice_forks();
    clock::after_fork_in_child();
    slab::leave_to_parent();
    let functions = IN_CHILD.copied(py);
    functions.iter().for_each(|function| function(py));
}
