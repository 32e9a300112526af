//! Integers of one digit, read where the interpreter keeps them. That is not promised, so a probe checks it at the
//! import. With another layout, the interpreter is asked for every integer.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;

static AS_KNOWN: AtomicBool = AtomicBool::new(false);

/// The layout of an integer: after the head, a word for size and sign, and the first digit of 30 bits.
#[repr(C)]
struct IntegerLayout {
    head: ffi::PyObject,
    size_and_sign: isize,
    digit: u32,
}

/// Probes the layout of integers.
pub fn probe(py: Python<'_>) -> PyResult<bool> {
    let digit = 1_i64 << 30;
    let numbers = [0, 1, -1, 234, -5, 256, 257, -70_000, digit - 1, 1 - digit, digit, -digit, i64::MAX, i64::MIN];
    let mut as_known = true;
    for number in numbers {
        let object = number.into_pyobject(py)?;
        // SAFETY: a live int, and no int is smaller than one digit.
        let read = unsafe { one_digit(object.as_ptr()) };
        as_known &= read == Some(number).filter(|number| number.unsigned_abs() < digit.unsigned_abs());
    }
    AS_KNOWN.store(as_known, Ordering::Relaxed);
    Ok(as_known)
}

/// The value of an integer, if it is known to have only one digit.
///
/// # Safety
/// `object` is a live `int`.
#[inline]
pub unsafe fn small(object: *mut ffi::PyObject) -> Option<i64> {
    if !AS_KNOWN.load(Ordering::Relaxed) {
        return None;
    }
    // SAFETY: promised by the caller.
    unsafe { one_digit(object) }
}

#[inline]
unsafe fn one_digit(object: *mut ffi::PyObject) -> Option<i64> {
    // SAFETY: promised by the caller; every int has room for one digit.
    let (size, digit) = unsafe {
        let layout = object.cast::<IntegerLayout>();
        ((*layout).size_and_sign, i64::from((*layout).digit))
    };
    // The number of digits, negative for a negative integer.
    #[cfg(not(Py_3_12))]
    return (-1..=1).contains(&size).then(|| size as i64 * digit);
    // The number of digits from bit 3 on. Below it the sign: 0, or 1 for zero, or 2 for a negative integer.
    #[cfg(Py_3_12)]
    return (0..16).contains(&size).then(|| (1 - (size as i64 & 3)) * digit);
}
