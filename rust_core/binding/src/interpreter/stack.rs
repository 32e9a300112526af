//! How much of the thread's stack is left. A thread may have little stack (Python accepts 32 KiB), and nested values
//! and values whose texts log may need much. A process that runs over the end of a stack dies. So code that goes deeper
//! checks first, and notes what it left out.

use std::cell::Cell;
use std::io;
use std::panic::resume_unwind;
use std::thread;

use pyo3::exceptions::PyRecursionError;
use pyo3::prelude::*;
use unified_logger_core::platform;

/// The stack that work of unknown depth needs, such as compiling expressions.
const SPACIOUS: usize = 512 << 10;

thread_local! {
    /// The lowest address of this thread's stack, and its bytes. 0 until they are asked for.
    static STACK: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// The current position on the stack.
#[inline(always)]
fn here() -> usize {
    let local = 0_u8;
    std::hint::black_box(&raw const local) as usize
}

/// The lowest address and the bytes of this thread's stack. If the system cannot tell them, the stack counts as
/// endless.
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

/// Bytes that are left. Many if that is not known, as in a green thread with a stack of its own.
fn left() -> usize {
    let (lowest, bytes) = bounds();
    match here().checked_sub(lowest) {
        Some(left) if left <= bytes => left,
        _ => usize::MAX,
    }
}

/// The lowest address that the library's own code may use; see `is_below`.
#[inline]
pub fn lowest() -> usize {
    let (lowest, bytes) = bounds();
    if left() == usize::MAX { 0 } else { lowest + (bytes / 4).min(32 << 10) }
}

/// Whether the stack reaches below an address from `lowest`.
#[inline]
pub fn is_below(lowest: usize) -> bool {
    here() < lowest
}

/// Whether the library's own code must not go deeper.
pub fn is_nearly_used() -> bool {
    is_below(lowest())
}

/// How many of `most` levels fit, if each takes `bytes`.
pub fn levels(most: usize, bytes: usize) -> usize {
    most.min(left() / bytes)
}

/// Whether too little is left for a call of Python code.
pub fn is_short() -> bool {
    left() < (bounds().1 / 3).min(128 << 10)
}

/// # Errors
/// Too little is left for a call of Python code.
pub fn expect_python() -> PyResult<()> {
    if is_short() { Err(PyRecursionError::new_err("the stack is nearly used up")) } else { Ok(()) }
}

/// Does work of unknown depth that does not touch Python. If this thread has little stack left, another thread does it.
///
/// # Errors
/// The system gives no thread.
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
    // A panic continues here, as it would have without the other thread.
    Ok(done.unwrap_or_else(|payload| resume_unwind(payload)))
}
