//! The most frequent values, written in a row: the room and the form are not checked again for each value.

use pyo3::ffi;
use unified_logger_core::slab::Buffer;
use unified_logger_core::value::{FALSE, FLOAT, INTEGER, NULL, Put, TEXT, TRUE};

use super::{integer, text};

/// Writes the first values, as long as they are ASCII texts, integers of one digit, floats, booleans or None, and fit
/// into the room. Returns their number. The other values are not touched.
///
/// # Safety
/// `values` are `count` live objects, and the interpreter is attached.
#[inline]
pub unsafe fn capture(out: &mut Buffer, values: *const *mut ffi::PyObject, count: usize) -> usize {
    let (start, room) = out.spare();
    // SAFETY: promised by the caller; nothing is written that would not fit.
    unsafe {
        let mut row = Row { at: start, end: start.add(room) };
        let done = (0..count).find(|index| !row.put(*values.add(*index))).unwrap_or(count);
        out.advance(row.at.offset_from_unsigned(start));
        done
    }
}

/// The room for the next value.
struct Row {
    at: *mut u8,
    end: *mut u8,
}

impl Row {
    /// Writes one value. False if it is not of these types, or does not fit.
    #[inline]
    unsafe fn put(&mut self, object: *mut ffi::PyObject) -> bool {
        // SAFETY: as in `capture`.
        unsafe {
            if ffi::PyUnicode_CheckExact(object) != 0 {
                return text::ascii(object).is_some_and(|(data, count)| self.text(data, count));
            }
            if ffi::PyLong_CheckExact(object) != 0 {
                return integer::small(object).is_some_and(|number| self.tagged(INTEGER, number.to_le_bytes()));
            }
            if ffi::PyFloat_CheckExact(object) != 0 {
                let number = ffi::PyFloat_AS_DOUBLE(object);
                return number.is_finite() && self.tagged(FLOAT, number.to_le_bytes());
            }
            if object == ffi::Py_None() {
                return self.tag(NULL);
            }
            if object == ffi::Py_True() {
                return self.tag(TRUE);
            }
            object == ffi::Py_False() && self.tag(FALSE)
        }
    }

    /// Whether this many bytes fit.
    #[inline]
    fn has_room(&self, bytes: usize) -> bool {
        bytes <= self.end as usize - self.at as usize
    }

    #[inline]
    unsafe fn text(&mut self, data: *const u8, count: usize) -> bool {
        const HEAD: usize = 5;
        if count > text::CHARACTERS || !self.has_room(HEAD + count) {
            return false;
        }
        // SAFETY: it fits, and the caller has `count` bytes.
        unsafe {
            self.at.write(TEXT);
            self.at.add(1).cast::<u32>().write_unaligned((count as u32).to_le());
            text::copy(data, self.at.add(HEAD), count);
            self.at = self.at.add(HEAD + count);
        }
        true
    }

    #[inline]
    unsafe fn tagged(&mut self, tag: u8, payload: [u8; 8]) -> bool {
        if !self.has_room(9) {
            return false;
        }
        // SAFETY: it fits.
        unsafe {
            self.at.write(tag);
            self.at.add(1).cast::<[u8; 8]>().write_unaligned(payload);
            self.at = self.at.add(9);
        }
        true
    }

    #[inline]
    unsafe fn tag(&mut self, tag: u8) -> bool {
        if !self.has_room(1) {
            return false;
        }
        // SAFETY: it fits.
        unsafe {
            self.at.write(tag);
            self.at = self.at.add(1);
        }
        true
    }
}
