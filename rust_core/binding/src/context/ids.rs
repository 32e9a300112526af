//! New ids of traces and spans. Random bytes are read from the system a thousand at a time: a system call costs more
//! than all other work for a context.

use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::interpreter::fork;
use crate::interpreter::gil::Gil;
use crate::interpreter::made;

const BYTES: usize = 1_024;

struct Pool {
    bytes: [u8; BYTES],
    used: usize,
}

static POOL: Gil<Pool> = Gil::new(Pool { bytes: [0; BYTES], used: BYTES });

/// A child makes ids of its own: its parent goes on to use the bytes that both have.
pub fn after_fork_in_child(py: Python<'_>) {
    // SAFETY: a number.
    unsafe { (*POOL.get(py)).used = BYTES };
}

/// Hexadecimal digits of `SIZE` random bytes, which are not all zero.
fn new<const SIZE: usize>(py: Python<'_>) -> PyResult<Bound<'_, PyString>> {
    fork::notice(py);
    let mut id = [0; SIZE];
    while id == [0; SIZE] {
        // SAFETY: no Python code runs while the pool is looked at.
        let pool = unsafe { &mut *POOL.get(py) };
        if pool.used + SIZE > BYTES {
            getrandom::fill(&mut pool.bytes)
                .map_err(|error| pyo3::exceptions::PyOSError::new_err(format!("no randomness for ids: {error}")))?;
            pool.used = 0;
        }
        id.copy_from_slice(&pool.bytes[pool.used..pool.used + SIZE]);
        pool.used += SIZE;
    }
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(id) {
        pair.copy_from_slice(&[
            b"0123456789abcdef"[usize::from(byte >> 4)],
            b"0123456789abcdef"[usize::from(byte & 15)],
        ]);
    }
    made::text(py, std::str::from_utf8(&digits[..2 * SIZE]).unwrap_or_default())
}

/// A new trace id: 32 hexadecimal digits, not all zero (W3C Trace Context, 3.2.2.3).
#[pyfunction]
pub fn new_trace_id(py: Python<'_>) -> PyResult<Bound<'_, PyString>> {
    new::<16>(py)
}

/// A new span id: 16 hexadecimal digits, not all zero (W3C Trace Context, 3.2.2.4).
#[pyfunction]
pub fn new_span_id(py: Python<'_>) -> PyResult<Bound<'_, PyString>> {
    new::<8>(py)
}
