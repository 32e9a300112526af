//! The compact form of a value on its way through the queue.
//!
//! A tag byte, then the payload: integers and floats in 8 bytes, texts with a length of 4 bytes before them. Containers
//! become JSON at the call (a record shows the value at the time of the call) and travel as `Json`.

mod json;

use std::str;

use crate::memory;
pub use crate::memory::OutOfMemory;

pub const NULL: u8 = 0;
pub const FALSE: u8 = 1;
pub const TRUE: u8 = 2;
pub const INTEGER: u8 = 3;
pub const FLOAT: u8 = 4;
pub const TEXT: u8 = 5;
pub const JSON: u8 = 6;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    /// Always finite: infinities and NaN are captured as text.
    Float(f64),
    Text(&'a str),
    /// JSON already, valid and without a raw newline.
    Json(&'a str),
}

/// Where captured bytes go: a pooled buffer, or a `Vec` in between.
pub trait Put {
    fn put(&mut self, bytes: &[u8]);

    /// Makes room for `bytes` more, and returns the pointer to write them to.
    fn room(&mut self, bytes: usize) -> *mut u8;

    /// What was put.
    fn bytes(&self) -> &[u8];

    /// Makes sure that the memory is this process's own: code that ran since the last put may have forked. `before` are the
    /// bytes from before it ran, for the parent goes on with what it shares with a child, and puts other records there.
    fn keep_own(&mut self, _before: Option<Vec<u8>>) {}

    /// Takes over bytes written to the pointer that `room` returned.
    ///
    /// # Safety
    /// The next `count` bytes there have been written, and `room` was made for as many.
    unsafe fn advance(&mut self, count: usize);

    #[inline]
    fn put_u8(&mut self, byte: u8) {
        self.put(&[byte]);
    }

    /// A text with its length before it.
    #[inline]
    fn put_text(&mut self, text: &str) {
        self.put(&length(text.len()).to_le_bytes());
        self.put(text.as_bytes());
    }

    #[inline]
    fn put_value(&mut self, value: Value<'_>) {
        match value {
            Value::Null => self.put_u8(NULL),
            Value::Bool(value) => self.put_u8(if value { TRUE } else { FALSE }),
            Value::Integer(value) => self.put_tagged(INTEGER, value.to_le_bytes()),
            Value::Float(value) => self.put_tagged(FLOAT, value.to_le_bytes()),
            Value::Text(text) => {
                self.put_u8(TEXT);
                self.put_text(text);
            }
            Value::Json(text) => {
                self.put_u8(JSON);
                self.put_text(text);
            }
        }
    }

    #[inline]
    fn put_tagged(&mut self, tag: u8, payload: [u8; 8]) {
        let mut bytes = [tag; 9];
        bytes[1..].copy_from_slice(&payload);
        self.put(&bytes);
    }
}

impl Put for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.room(bytes.len());
        self.extend_from_slice(bytes);
    }

    #[inline]
    fn room(&mut self, bytes: usize) -> *mut u8 {
        if self.try_reserve(bytes).is_err() {
            memory::give_up();
        }
        self.spare_capacity_mut().as_mut_ptr().cast()
    }

    unsafe fn advance(&mut self, count: usize) {
        // SAFETY: the caller has written that many bytes behind the end, within the capacity.
        unsafe { self.set_len(self.len() + count) };
    }
}

/// Puts `text` as a JSON string. Where there is no memory for it, the record ends as with `Put`.
#[inline]
pub fn put_quoted(text: &str, out: &mut Vec<u8>) {
    // Every byte as six, and what the escaping may write beyond the end: it asks for no more.
    out.room(text.len() * 6 + 64);
    json_escape_simd::escape_into(text, out);
}

/// Lengths are 4 bytes: capture bounds every text far below that.
#[inline]
#[must_use]
pub fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// Reads captured bytes from the front. Every read checks its bounds; `None` means the bytes end early, or, for a checked
/// reader, that they are not what capture writes.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    /// Whether texts and values are checked before they are used.
    checked: bool,
}

impl<'a> Reader<'a> {
    /// # Safety
    /// Every text in `bytes` must be UTF-8, as `Put::put_text` writes it.
    #[must_use]
    pub const unsafe fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, checked: false }
    }

    /// Reads bytes of any origin.
    #[must_use]
    pub const fn checked(bytes: &'a [u8]) -> Self {
        Self { bytes, checked: true }
    }

    /// A reader of a part of these bytes, checked as this one is.
    #[must_use]
    pub const fn of_part(&self, part: &'a [u8]) -> Self {
        Self { bytes: part, checked: self.checked }
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The bytes that are still to be read.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    #[inline]
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(head)
    }

    #[inline]
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.bytes.split_first_chunk::<N>()?;
        self.bytes = rest;
        Some(*head)
    }

    #[inline]
    pub fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    #[inline]
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Bytes with their length before them.
    #[inline]
    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let count = self.u32()? as usize;
        self.take(count)
    }

    #[inline]
    pub fn text(&mut self) -> Option<&'a str> {
        let bytes = self.bytes()?;
        if self.checked {
            return str::from_utf8(bytes).ok();
        }
        // SAFETY: promised to `new`.
        Some(unsafe { str::from_utf8_unchecked(bytes) })
    }

    /// Always in place: a value that came by way of memory, stored in parts and read in one, costs more than all else here.
    #[inline(always)]
    pub fn value(&mut self) -> Option<Value<'a>> {
        Some(match self.u8()? {
            NULL => Value::Null,
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            INTEGER => Value::Integer(i64::from_le_bytes(self.array()?)),
            FLOAT => Value::Float(self.float()?),
            TEXT => Value::Text(self.text()?),
            JSON => Value::Json(self.json()?),
            _ => return None,
        })
    }

    #[inline]
    fn float(&mut self) -> Option<f64> {
        let float = f64::from_le_bytes(self.array()?);
        (!self.checked || float.is_finite()).then_some(float)
    }

    #[inline]
    fn json(&mut self) -> Option<&'a str> {
        let text = self.text()?;
        (!self.checked || json::is_plain(text)).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_checked_reader_refuses_what_capture_never_writes() {
        let mut infinite = Vec::new();
        infinite.put_value(Value::Float(f64::INFINITY));
        let mut broken = Vec::new();
        broken.put_value(Value::Json("{\"a\":1}\n{}"));
        let text = [TEXT, 1, 0, 0, 0, 0xff];
        for bytes in [&infinite[..], &broken, &text, &[9]] {
            assert_eq!(Reader::checked(bytes).value(), None);
        }
    }

    proptest! {
        #[test]
        fn values_are_read_back_as_written(integer: i64, float: f64, text: String) {
            let values = [Value::Null, Value::Bool(true), Value::Bool(false), Value::Integer(integer), Value::Float(float), Value::Text(&text), Value::Json("[1]")];
            let mut bytes = Vec::new();
            for value in values {
                bytes.put_value(value);
            }
            // SAFETY: written by `put_value` just above.
            let mut reader = unsafe { Reader::new(&bytes) };
            for value in values {
                let read = reader.value().unwrap();
                prop_assert!(read == value || matches!((read, value), (Value::Float(a), Value::Float(b)) if a.is_nan() && b.is_nan()));
            }
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn bytes_of_any_kind_are_read_with_a_check(bytes: Vec<u8>) {
            let mut reader = Reader::checked(&bytes);
            while let Some(value) = reader.value() {
                if let Value::Text(text) | Value::Json(text) = value {
                    prop_assert!(str::from_utf8(text.as_bytes()).is_ok());
                }
            }
        }

        #[test]
        fn bytes_cut_short_end_the_reading(cut in 0_usize..13) {
            let mut bytes = Vec::new();
            bytes.put_value(Value::Text("12345678"));
            // SAFETY: written by `put_value`; the cut is inside ASCII.
            prop_assert_eq!(unsafe { Reader::new(&bytes[..cut]) }.value(), None);
        }
    }
}
