//! How much of the thread's stack is left. Threads may be given little of it (32 KiB is the least that Python takes), and what is logged may
//! need much: values inside values, values whose own texts log. Beyond the end of a stack the process ends, so what goes on deeper
//! looks first, and says what it left out.

use std::cell::Cell;
use std::io;
use std::panic::resume_unwind;
use std::thread;

use pyo3::exceptions::PyRecursionError;
use pyo3::prelude::*;
use unified_logger_core::platform;

/// What a thread needs for work whose depth is not known, such as compiling expressions.
const SPACIOUS: usize = 512 << 10;

thread_local! {
    /// The lowest address of this thread's stack, and its bytes; 0 while it was not asked for.
    static STACK: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// Where the stack is now.
#[inline(always)]
fn here() -> usize {
    let local = 0_u8;
    std::hint::black_box(&raw const local) as usize
}

/// The lowest address and the bytes of this thread's stack. Where the system cannot tell, it has no end.
#[inline]
fn bounds() -> (usize, usize) {
    let known = STACK.get();
    if known.0 == 0 { ask() } else { known }
}

#[cold]
fn ask() -> (usize, usize) {
    let bounds = platform::stack_bounds().unwrap_or((1, 0));
    STACK.set(bounds);
    bounds
}

/// Bytes that are left; many where that is not known, as in a green thread that has a stack of its own.
fn left() -> usize {
    let (lowest, bytes) = bounds();
    match here().checked_sub(lowest) {
        Some(left) if left <= bytes => left,
        _ => usize::MAX,
    }
}

/// The address down to which the library's own code may go on; see `is_below`.
#[inline]
pub fn lowest() -> usize {
    let (lowest, bytes) = bounds();
    if left() == usize::MAX { 0 } else { lowest + (bytes / 4).min(32 << 10) }
}

/// Whether the stack reaches below an address that `lowest` gave.
#[inline]
pub fn is_below(lowest: usize) -> bool {
    here() < lowest
}

/// Whether the library's own code must not go deeper.
pub fn is_nearly_used() -> bool {
    is_below(lowest())
}

/// How many of `most` levels may be gone down, of `bytes` each.
pub fn levels(most: usize, bytes: usize) -> usize {
    most.min(left() / bytes)
}

/// Whether there is too little for a call of Python code.
pub fn is_short() -> bool {
    left() < (bounds().1 / 3).min(128 << 10)
}

/// # Errors
/// When there is too little for a call of Python code.
pub fn expect_python() -> PyResult<()> {
    if is_short() { Err(PyRecursionError::new_err("the stack is nearly used up")) } else { Ok(()) }
}

/// Does work whose depth is not known, and which does not touch Python: in a thread of its own where this one has little left.
///
/// # Errors
/// When the system gives no thread.
pub fn spacious<R: Send>(work: impl FnOnce() -> R + Send) -> io::Result<R> {
    if left() >= SPACIOUS / 2 { Ok(work()) } else { elsewhere(work) }
}

#[cold]
#[inline(never)]
fn elsewhere<R: Send>(work: impl FnOnce() -> R + Send) -> io::Result<R> {
    let done = thread::scope(|scope| {
        let worker = thread::Builder::new().name("unified_logger_work".into()).stack_size(SPACIOUS * 4);
        worker.spawn_scoped(scope, work).map(thread::ScopedJoinHandle::join)
    })?;
    // A panic goes on here, as it would have without the thread.
    Ok(done.unwrap_or_else(|payload| resume_unwind(payload)))
}
