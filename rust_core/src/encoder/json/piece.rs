//! A part that many lines repeat: made once, and copied without a call.

use crate::escape;
use crate::value::Put;

/// Bytes that are copied at once. Most pieces are no longer than two of these.
const STEP: usize = 32;

/// A part of lines, with everything in it escaped.
#[derive(Debug, Default)]
pub struct Piece {
    /// The part, and zeros up to a whole number of steps.
    bytes: Vec<u8>,
    length: usize,
}

impl Piece {
    pub fn new(write: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut piece = Self::default();
        piece.rewrite(write);
        piece
    }

    /// Makes it another part, in the memory it has.
    pub fn rewrite(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.clear();
        write(&mut self.bytes);
        escape::json_line(&mut self.bytes, 0);
        self.length = self.bytes.len();
        self.bytes.resize(self.length.next_multiple_of(STEP), 0);
    }

    #[inline]
    pub fn put(&self, out: &mut Vec<u8>) {
        let pointer = out.room(self.bytes.len());
        // SAFETY: there is room for all steps, and the bytes are a whole number of them; `length` of them count.
        unsafe {
            for (step, bytes) in self.bytes.as_chunks::<STEP>().0.iter().enumerate() {
                pointer.add(step * STEP).cast::<[u8; STEP]>().write_unaligned(*bytes);
            }
            out.advance(self.length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_piece_is_put_as_it_was_written(texts in prop::collection::vec("[ -~]{0,100}", 1..5)) {
            let mut piece = Piece::default();
            let (mut out, mut expected) = (Vec::new(), Vec::new());
            for text in &texts {
                piece.rewrite(|out| out.extend_from_slice(text.as_bytes()));
                piece.put(&mut out);
                expected.extend_from_slice(text.as_bytes());
            }
            prop_assert_eq!(out, expected);
        }
    }
}
