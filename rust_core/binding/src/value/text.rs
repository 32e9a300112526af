//! Texts as UTF-8, straight from the string object. Nothing is cached inside it, and nothing is allocated.

use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;
use unified_logger_core::value::Put;

/// Characters of one text. The rest is cut off and counted.
pub const CHARACTERS: usize = 256 * 1024;
/// Characters of a short text.
const SHORT: usize = 16;

/// Bytes of one copy. For more, the C library may use `rep movsb`. Some processors are fifteen times slower at it if
/// source and target are a few bytes apart modulo a page, as a large text and a large buffer are.
const AT_ONCE: usize = 1_024;

/// Writes a text with its length. Lone surrogates become `\udXXX`.
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
        let target = out.room(4 + characters.count * characters.longest());
        let length = characters.encode(characters.count, target.add(4));
        std::ptr::copy_nonoverlapping((length as u32).to_le_bytes().as_ptr(), target, 4);
        out.advance(4 + length);
    }
}

/// Writes the characters of a long text that are kept, and the number of the others.
#[cold]
unsafe fn capture_long(out: &mut impl Put, characters: &Characters) {
    let suffix = format!("…(+{} characters)", characters.count - CHARACTERS);
    // SAFETY: as in `capture_text`.
    unsafe {
        let target = out.room(4 + CHARACTERS * characters.longest() + suffix.len());
        let mut length = characters.encode(CHARACTERS, target.add(4));
        std::ptr::copy_nonoverlapping(suffix.as_ptr(), target.add(4 + length), suffix.len());
        length += suffix.len();
        std::ptr::copy_nonoverlapping((length as u32).to_le_bytes().as_ptr(), target, 4);
        out.advance(4 + length);
    }
}

/// Copies `count` bytes. Most texts are short and copied without a call.
#[inline]
pub unsafe fn copy(from: *const u8, to: *mut u8, count: usize) {
    // SAFETY: the caller has `count` bytes at source and target. Two pieces of a fixed size that may overlap cover them
    // all.
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
            ..=AT_ONCE => std::ptr::copy_nonoverlapping(from, to, count),
            _ => {
                for start in (0..count).step_by(AT_ONCE) {
                    let part = AT_ONCE.min(count - start);
                    std::ptr::copy_nonoverlapping(from.add(start), to.add(start), part);
                }
            }
        }
    }
}

/// The bits of the word `state` in the head of a string object: 2 bits whether it is interned, 3 bits for the width of
/// its characters. Then whether the characters follow the head, and whether all are ASCII. Not promised, so a probe
/// checks it at the import.
const INTERNED: u32 = 3;
const KIND_SHIFT: u32 = 2;
const KIND_MASK: u32 = 7;
const COMPACT: u32 = 1 << 5;
const ASCII: u32 = 1 << 6;

/// `COMPACT` if strings have the known layout. Otherwise 0, a bit that no string has: then every character is asked.
static KNOWN_LAYOUT: AtomicU32 = AtomicU32::new(0);

/// Probes the layout of strings.
pub fn probe(py: Python<'_>) -> PyResult<bool> {
    let texts = ["", "a", "plain", "é", "naïveté", "中", "中文 text", "😀", "smile 😀", &"long ".repeat(20)];
    let as_known = texts.iter().all(|text| {
        let object = PyString::new(py, text);
        // SAFETY: a live string.
        unsafe { Characters::stored(object.as_ptr(), COMPACT).is_some_and(|stored| stored.are(text)) }
    });
    let interned = |text: &Bound<'_, PyString>| {
        // SAFETY: a live string.
        unsafe { (*text.as_ptr().cast::<ffi::PyASCIIObject>()).state & INTERNED != 0 }
    };
    let as_known = as_known
        && interned(&PyString::intern(py, "a text that is interned"))
        && !interned(&PyString::new(py, "a text that is not"));
    KNOWN_LAYOUT.store(if as_known { COMPACT } else { 0 }, Ordering::Relaxed);
    Ok(as_known)
}

/// Whether a text is interned. False if that is not known.
#[inline]
pub unsafe fn is_interned(object: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller has a live string, and every one begins with this head.
    KNOWN_LAYOUT.load(Ordering::Relaxed) != 0 && unsafe { (*object.cast::<ffi::PyASCIIObject>()).state } & INTERNED != 0
}

/// The characters of an ASCII text right behind its head, where nearly all ASCII texts have them.
#[inline]
pub unsafe fn ascii(object: *mut ffi::PyObject) -> Option<(*const u8, usize)> {
    // SAFETY: the caller has a live string; with the known layout, one that is compact and ASCII has its characters
    // behind its head.
    unsafe {
        let head = object.cast::<ffi::PyASCIIObject>();
        let is_ascii =
            KNOWN_LAYOUT.load(Ordering::Relaxed) != 0 && (*head).state & (COMPACT | ASCII) == COMPACT | ASCII;
        is_ascii.then(|| (head.add(1).cast::<u8>().cast_const(), (*head).length.unsigned_abs()))
    }
}

/// The characters of a string object, in the width in which it keeps them.
struct Characters {
    data: CharacterData,
    count: usize,
}

#[derive(Clone, Copy)]
enum CharacterData {
    Ascii(*const u8),
    One(*const u8),
    Two(*const u16),
    Four(*const u32),
    /// The object is asked for each character: it is of a subclass, or its layout is not known.
    Asked(*mut ffi::PyObject),
}

impl Characters {
    #[inline]
    unsafe fn of(object: *mut ffi::PyObject) -> Self {
        // SAFETY: a live string, by the caller's word.
        unsafe {
            match Self::stored(object, KNOWN_LAYOUT.load(Ordering::Relaxed)) {
                Some(stored) => stored,
                None => Self::asked(object),
            }
        }
    }

    /// The characters in the string object, if `known` says that its layout is the known one.
    #[inline]
    unsafe fn stored(object: *mut ffi::PyObject, known: u32) -> Option<Self> {
        // SAFETY: a live string, and every one begins with this head.
        let (head, state) =
            unsafe { (object.cast::<ffi::PyASCIIObject>(), (*object.cast::<ffi::PyASCIIObject>()).state) };
        if state & known == 0 {
            return None;
        }
        // SAFETY: the characters follow the head, which is a longer one where they are not all ASCII.
        let (after, after_longer) = unsafe { (head.add(1), head.cast::<ffi::PyCompactUnicodeObject>().add(1)) };
        let data = match state >> KIND_SHIFT & KIND_MASK {
            1 if state & ASCII != 0 => CharacterData::Ascii(after.cast()),
            1 => CharacterData::One(after_longer.cast()),
            2 => CharacterData::Two(after_longer.cast()),
            4 => CharacterData::Four(after_longer.cast()),
            _ => return None,
        };
        // SAFETY: as above.
        Some(Self { data, count: unsafe { (*head).length }.unsigned_abs() })
    }

    #[cold]
    unsafe fn asked(object: *mut ffi::PyObject) -> Self {
        // SAFETY: a live string.
        let count = usize::try_from(unsafe { ffi::PyUnicode_GetLength(object) }).unwrap_or_else(|_| {
            // SAFETY: attached.
            unsafe { ffi::PyErr_Clear() };
            0
        });
        Self { data: CharacterData::Asked(object), count }
    }

    /// Whether these are the characters of a text, in the width that the text needs.
    unsafe fn are(&self, text: &str) -> bool {
        let widest = text.chars().max().map_or(0, u32::from);
        let narrowest = match self.data {
            CharacterData::Ascii(_) => widest < 0x80,
            CharacterData::One(_) => (0x80..0x100).contains(&widest),
            CharacterData::Two(_) => (0x100..0x1_0000).contains(&widest),
            CharacterData::Four(_) => widest >= 0x1_0000,
            CharacterData::Asked(_) => false,
        };
        let mut encoded = vec![0; 6 * text.len()];
        narrowest && self.count == text.chars().count() && {
            // SAFETY: there is room for more than the text, and no text is shorter in characters of this width.
            let length = unsafe { self.encode(self.count, encoded.as_mut_ptr()) };
            encoded[..length] == *text.as_bytes()
        }
    }

    /// Bytes of the longest encoding of one of these characters.
    #[inline]
    fn longest(&self) -> usize {
        match self.data {
            CharacterData::Ascii(_) => 1,
            CharacterData::One(_) => 2,
            // Too much room costs less than checking every character.
            CharacterData::Two(_) | CharacterData::Four(_) if self.count <= SHORT => 6,
            // A lone surrogate is written as six ASCII characters.
            CharacterData::Two(_) | CharacterData::Four(_) if self.has_surrogate() => 6,
            CharacterData::Two(_) => 3,
            CharacterData::Four(_) => 4,
            CharacterData::Asked(_) => 6,
        }
    }

    #[inline]
    fn has_surrogate(&self) -> bool {
        let is_surrogate = |code: u32| (0xD800..=0xDFFF).contains(&code);
        // SAFETY: the object has `count` characters of this width.
        unsafe {
            match self.data {
                CharacterData::Two(data) => {
                    std::slice::from_raw_parts(data, self.count).iter().any(|code| is_surrogate(u32::from(*code)))
                }
                CharacterData::Four(data) => {
                    std::slice::from_raw_parts(data, self.count).iter().any(|code| is_surrogate(*code))
                }
                CharacterData::Ascii(_) | CharacterData::One(_) | CharacterData::Asked(_) => false,
            }
        }
    }

    /// Writes the first `count` characters and returns the number of bytes.
    #[inline]
    unsafe fn encode(&self, count: usize, to: *mut u8) -> usize {
        // SAFETY: the object has `count` characters of this width; the caller has made room for the longest encoding.
        unsafe {
            match self.data {
                CharacterData::Ascii(data) => {
                    copy(data, to, count);
                    count
                }
                CharacterData::One(data) => encode(count, to, |index| u32::from(*data.add(index))),
                CharacterData::Two(data) => encode(count, to, |index| u32::from(*data.add(index))),
                CharacterData::Four(data) => encode(count, to, |index| *data.add(index)),
                CharacterData::Asked(object) => encode(count, to, |index| ask(object, index)),
            }
        }
    }
}

/// A character of a string object. If it cannot be read, the replacement character: any other number would not be valid
/// UTF-8.
unsafe fn ask(object: *mut ffi::PyObject, index: usize) -> u32 {
    // SAFETY: the caller has a live string, and is attached.
    unsafe {
        let code = ffi::PyUnicode_ReadChar(object, index.cast_signed());
        if code <= u32::from(char::MAX) {
            return code;
        }
        ffi::PyErr_Clear();
        u32::from(char::REPLACEMENT_CHARACTER)
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
