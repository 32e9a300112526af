//! Forks are noticed, once, whether something tells or not: C code has no hooks of Python's, and other hooks may log before this library's
//! own has run.

use pyo3::prelude::*;
use unified_logger_core::{clock, platform, slab};

use crate::interpreter::gil::Gil;

/// What a forked child does first.
static IN_CHILD: Gil<&[fn(Python<'_>)]> = Gil::new(&[]);

/// Says what a forked child does first, in this order.
pub fn set_in_child(py: Python<'_>, functions: &'static [fn(Python<'_>)]) {
    IN_CHILD.replace(py, functions);
}

/// Asked before anything of the engine is touched.
#[inline]
pub fn notice(py: Python<'_>) {
    if platform::has_forked() {
        begin_anew(py);
    }
}

#[cold]
fn begin_anew(py: Python<'_>) {
    platform::notice_forks();
    clock::after_fork_in_child();
    slab::leave_to_parent();
    let functions = IN_CHILD.copied(py);
    functions.iter().for_each(|function| function(py));
}
