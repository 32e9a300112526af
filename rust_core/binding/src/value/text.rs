//! Texts as UTF-8, straight from the string object: nothing is cached inside it, nothing allocated.

use pyo3::ffi;
use unified_logger_core::value::Put;

/// Characters of one text; the rest is cut off and counted.
pub const CHARACTERS: usize = 256 * 1024;
/// Characters of a text that is short.
const SHORT: usize = 16;

/// Puts a text with its length. Lone surrogates become `\udXXX`.
///
/// # Safety
/// `object` is a live `str`, and the interpreter is attached.
#[inline]
pub unsafe fn capture_text(out: &mut impl Put, object: *mut ffi::PyObject) {
    // SAFETY: promised by the caller; room is made for the longest encoding before anything is written.
    unsafe {
        let characters = Characters::of(object);
        if characters.count > CHARACTERS {
            return capture_long(out, &characters);
        }
        let place = out.room(4 + characters.count * characters.longest());
        let length = characters.encode(characters.count, place.add(4));
        std::ptr::copy_nonoverlapping((length as u32).to_le_bytes().as_ptr(), place, 4);
        out.advance(4 + length);
    }
}

/// As much of a long text as is kept, and how much that is not.
#[cold]
unsafe fn capture_long(out: &mut impl Put, characters: &Characters) {
    let suffix = format!("…(+{} characters)", characters.count - CHARACTERS);
    // SAFETY: as in `capture_text`.
    unsafe {
        let place = out.room(4 + CHARACTERS * characters.longest() + suffix.len());
        let mut length = characters.encode(CHARACTERS, place.add(4));
        std::ptr::copy_nonoverlapping(suffix.as_ptr(), place.add(4 + length), suffix.len());
        length += suffix.len();
        std::ptr::copy_nonoverlapping((length as u32).to_le_bytes().as_ptr(), place, 4);
        out.advance(4 + length);
    }
}

/// Copies `count` bytes; the short ones of most texts without a call.
#[inline]
pub unsafe fn copy(from: *const u8, to: *mut u8, count: usize) {
    // SAFETY: the caller has `count` bytes at both places. Two pieces of a fixed size that may overlap cover them all.
    unsafe {
        match count {
            17..=32 => {
                let head = from.cast::<u128>().read_unaligned();
                let tail = from.add(count - 16).cast::<u128>().read_unaligned();
                to.cast::<u128>().write_unaligned(head);
                to.add(count - 16).cast::<u128>().write_unaligned(tail);
            }
            8..=16 => {
                let head = from.cast::<u64>().read_unaligned();
                let tail = from.add(count - 8).cast::<u64>().read_unaligned();
                to.cast::<u64>().write_unaligned(head);
                to.add(count - 8).cast::<u64>().write_unaligned(tail);
            }
            4..=7 => {
                let head = from.cast::<u32>().read_unaligned();
                let tail = from.add(count - 4).cast::<u32>().read_unaligned();
                to.cast::<u32>().write_unaligned(head);
                to.add(count - 4).cast::<u32>().write_unaligned(tail);
            }
            _ => std::ptr::copy_nonoverlapping(from, to, count),
        }
    }
}

/// The characters of a text in ASCII that lie right behind its head, as those of nearly all do.
#[inline]
pub unsafe fn ascii(object: *mut ffi::PyObject) -> Option<(*const u8, usize)> {
    // SAFETY: the caller has a live string.
    unsafe {
        (ffi::PyUnicode_IS_COMPACT_ASCII(object) != 0).then(|| {
            let data = object.cast::<ffi::PyASCIIObject>().add(1).cast::<u8>().cast_const();
            (data, ffi::PyUnicode_GET_LENGTH(object).unsigned_abs())
        })
    }
}

/// The characters of a string object, in the width it keeps them in.
struct Characters {
    data: *const u8,
    count: usize,
    width: Width,
}

#[derive(Clone, Copy)]
enum Width {
    Ascii,
    One,
    Two,
    Four,
}

impl Characters {
    #[inline]
    unsafe fn of(object: *mut ffi::PyObject) -> Self {
        // SAFETY: a live string. Only strings made through an interface removed in 3.12 can need readying.
        unsafe {
            if ffi::PyUnicode_READY(object) != 0 {
                ffi::PyErr_Clear();
                return Self { data: b"".as_ptr(), count: 0, width: Width::Ascii };
            }
            let width = if ffi::PyUnicode_IS_ASCII(object) != 0 {
                Width::Ascii
            } else {
                match ffi::PyUnicode_KIND(object) {
                    ffi::PyUnicode_1BYTE_KIND => Width::One,
                    ffi::PyUnicode_2BYTE_KIND => Width::Two,
                    _ => Width::Four,
                }
            };
            let count = ffi::PyUnicode_GET_LENGTH(object).unsigned_abs();
            Self { data: ffi::PyUnicode_DATA(object).cast(), count, width }
        }
    }

    /// Bytes of the longest encoding of one of these characters.
    #[inline]
    fn longest(&self) -> usize {
        match self.width {
            Width::Ascii => 1,
            Width::One => 2,
            // Rather room for more than a look at every character.
            Width::Two | Width::Four if self.count <= SHORT => 6,
            // A lone surrogate is written as six ASCII characters.
            Width::Two | Width::Four if self.has_surrogate() => 6,
            Width::Two => 3,
            Width::Four => 4,
        }
    }

    #[inline]
    fn has_surrogate(&self) -> bool {
        let is_surrogate = |code: u32| (0xD800..=0xDFFF).contains(&code);
        // SAFETY: the object has `count` characters of this width.
        unsafe {
            match self.width {
                Width::Ascii | Width::One => false,
                Width::Two => {
                    let codes = std::slice::from_raw_parts(self.data.cast::<u16>(), self.count);
                    codes.iter().any(|code| is_surrogate(u32::from(*code)))
                }
                Width::Four => {
                    let codes = std::slice::from_raw_parts(self.data.cast::<u32>(), self.count);
                    codes.iter().any(|code| is_surrogate(*code))
                }
            }
        }
    }

    /// Writes the first `count` characters and returns the number of bytes.
    #[inline]
    unsafe fn encode(&self, count: usize, to: *mut u8) -> usize {
        // SAFETY: the object has `count` characters of this width; the caller has made room for the longest encoding.
        unsafe {
            match self.width {
                Width::Ascii => {
                    copy(self.data, to, count);
                    count
                }
                Width::One => encode(count, to, |index| u32::from(*self.data.add(index))),
                Width::Two => encode(count, to, |index| u32::from(*self.data.cast::<u16>().add(index))),
                Width::Four => encode(count, to, |index| *self.data.cast::<u32>().add(index)),
            }
        }
    }
}

#[inline]
unsafe fn encode(count: usize, to: *mut u8, at: impl Fn(usize) -> u32) -> usize {
    let mut end = to;
    // SAFETY: at most six bytes are written for each character, as the caller has room for.
    unsafe {
        let mut put = |byte: u32| {
            *end = byte as u8;
            end = end.add(1);
        };
        for index in 0..count {
            let code = at(index);
            match code {
                0..0x80 => put(code),
                0x80..0x800 => {
                    put(0xC0 | code >> 6);
                    put(0x80 | code & 0x3F);
                }
                0xD800..=0xDFFF => {
                    put(u32::from(b'\\'));
                    put(u32::from(b'u'));
                    for shift in [12, 8, 4, 0] {
                        put(u32::from(b"0123456789abcdef"[(code >> shift & 0xF) as usize]));
                    }
                }
                0x800..0x1_0000 => {
                    put(0xE0 | code >> 12);
                    put(0x80 | code >> 6 & 0x3F);
                    put(0x80 | code & 0x3F);
                }
                _ => {
                    put(0xF0 | code >> 18);
                    put(0x80 | code >> 12 & 0x3F);
                    put(0x80 | code >> 6 & 0x3F);
                    put(0x80 | code & 0x3F);
                }
            }
        }
        end.offset_from_unsigned(to)
    }
}
