//! Short texts and small numbers, which most values are: written in whole words, without a call.

use crate::digits::digits;
use crate::value::Put;

const EACH: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x80 * EACH;
/// The longest text that is short, in bytes.
const LONGEST: usize = 32;

/// Whether one of eight bytes is no plain ASCII: a control character, a quote, a backslash, or 0x7f and above.
#[inline]
const fn has_special(word: u64) -> bool {
    let (quote, backslash) = (word ^ (b'"' as u64 * EACH), word ^ (b'\\' as u64 * EACH));
    // A byte that is too small borrows. That may mark the byte above it, too, but never leaves all of them unmarked.
    let small = word.wrapping_sub(b' ' as u64 * EACH) | quote.wrapping_sub(EACH) | backslash.wrapping_sub(EACH);
    // One more than 0x7e has the high bit, and takes nothing from its neighbour.
    let large = (word & !HIGH) + EACH;
    (small | large | word) & HIGH != 0
}

/// Puts a text of 4 to 32 bytes in quotes, if it is plain ASCII. Else it puts nothing, and returns false.
#[inline]
pub fn put_plain(text: &[u8], out: &mut Vec<u8>) -> bool {
    // Two parts that may overlap cover the text.
    if let (Some(first), Some(last)) = (text.first_chunk::<16>(), text.last_chunk::<16>()) {
        text.len() <= LONGEST && put_parts(text.len(), *first, *last, out, halves)
    } else if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        put_parts(text.len(), *first, *last, out, |first, last| {
            has_special(u64::from_le_bytes(first)) | has_special(u64::from_le_bytes(last))
        })
    } else if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        put_parts(text.len(), *first, *last, out, |first, last| {
            has_special(u64::from(u32::from_le_bytes(first)) | u64::from(u32::from_le_bytes(last)) << 32)
        })
    } else {
        false
    }
}

#[inline]
fn halves(first: [u8; 16], last: [u8; 16]) -> bool {
    let special = |part: [u8; 16]| {
        let part = u128::from_le_bytes(part);
        has_special(part as u64) | has_special((part >> 64) as u64)
    };
    special(first) | special(last)
}

/// Puts a text with these first and last bytes in quotes, unless they are special.
#[inline]
fn put_parts<const N: usize>(
    length: usize,
    first: [u8; N],
    last: [u8; N],
    out: &mut Vec<u8>,
    are_special: impl FnOnce([u8; N], [u8; N]) -> bool,
) -> bool {
    if are_special(first, last) {
        return false;
    }
    debug_assert!((N..=2 * N).contains(&length));
    let pointer = out.room(length + 2);
    // SAFETY: there is room for the text and its quotes. Both parts lie within the text, which is no shorter than either and no longer
    // than the two.
    unsafe {
        pointer.write(b'"');
        pointer.add(1).cast::<[u8; N]>().write_unaligned(first);
        pointer.add(1 + length - N).cast::<[u8; N]>().write_unaligned(last);
        pointer.add(1 + length).write(b'"');
        out.advance(length + 2);
    }
    true
}

/// Puts a number of at most eight digits. Else it puts nothing, and returns false.
#[inline]
pub fn put_small(number: i64, out: &mut Vec<u8>) -> bool {
    let Some(number) = u32::try_from(number).ok().filter(|number| *number < 100_000_000) else { return false };
    // Counted by themselves: what is written next waits for the count, and not for the digits.
    let bounds = [10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];
    let count = 1 + bounds.iter().filter(|bound| number >= **bound).count();
    let text = (digits(number) | (u64::from(b'0') * EACH)) >> (64 - 8 * count);
    let pointer = out.room(8);
    // SAFETY: there is room for eight bytes, of which as many count as there are digits.
    unsafe {
        pointer.cast::<[u8; 8]>().write_unaligned(text.to_le_bytes());
        out.advance(count);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(text: &[u8]) -> Option<Vec<u8>> {
        let mut out = b"before".to_vec();
        let put = put_plain(text, &mut out);
        assert!(put || out == b"before");
        put.then(|| out.split_off(6))
    }

    proptest! {
        #[test]
        fn a_short_plain_text_is_put_in_quotes(text in "[ !#-\\[\\]-~]{4,32}") {
            prop_assert_eq!(plain(text.as_bytes()), Some(format!("\"{text}\"").into_bytes()));
        }

        #[test]
        fn a_byte_that_is_special_is_seen_wherever_it_stands(
            mut text in "[ !#-\\[\\]-~]{4,31}".prop_map(String::into_bytes),
            at: prop::sample::Index,
            special in prop_oneof![0_u8..b' ', Just(b'"'), Just(b'\\'), 0x7f_u8..],
        ) {
            text.insert(at.index(text.len() + 1), special);
            prop_assert_eq!(plain(&text), None);
        }

        #[test]
        fn a_small_number_is_put_as_it_is_written(number in 0_i64..100_000_000, digits in 1_u32..9) {
            for number in [number, number % 10_i64.pow(digits)] {
                let mut out = b"before".to_vec();
                prop_assert!(put_small(number, &mut out));
                prop_assert_eq!(String::from_utf8(out).unwrap(), format!("before{number}"));
            }
        }
    }

    #[test]
    fn texts_and_numbers_of_other_sizes_are_not_put() {
        for text in ["", "abc", "123456789 123456789 123456789 123"] {
            assert_eq!(plain(text.as_bytes()), None, "{text}");
        }
        for number in [-1, 100_000_000, i64::MIN, i64::MAX, 1 << 32] {
            assert!(!put_small(number, &mut Vec::new()), "{number}");
        }
    }
}
