//! Where texts and words of JSON end.

use memchr::memchr3;

/// Where the next quote, backslash or newline is, from `at` on. Texts are mostly short: their first bytes are looked at before the search that has to
/// be called.
#[inline(always)]
pub fn end_or_escape(line: &[u8], at: usize) -> Option<usize> {
    let rest = line.get(at..)?;
    let (blocks, _) = rest.as_chunks::<16>();
    for (number, block) in blocks.iter().take(3).enumerate() {
        if let Some(found) = first_in(block) {
            return Some(at + number * 16 + found);
        }
    }
    let passed = blocks.len().min(3) * 16;
    memchr3(b'"', b'\\', b'\n', &rest[passed..]).map(|found| at + passed + found)
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn first_in(block: &[u8; 16]) -> Option<usize> {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8};
    // SAFETY: every processor of this kind has the instructions, and sixteen bytes are read of sixteen.
    let found = unsafe {
        let bytes = _mm_loadu_si128(block.as_ptr().cast());
        let quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"'.cast_signed()));
        let escapes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\'.cast_signed()));
        let newlines = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\n'.cast_signed()));
        _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, escapes), newlines))
    };
    (found != 0).then(|| found.trailing_zeros() as usize)
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn first_in(block: &[u8; 16]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // The lowest bit that is set belongs to the first byte that is zero.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let (words, _) = block.as_chunks::<8>();
    words.iter().enumerate().find_map(|(number, word)| {
        let word = u64::from_le_bytes(*word);
        let found = zeros(word ^ (ONES * u64::from(b'"')))
            | zeros(word ^ (ONES * u64::from(b'\\')))
            | zeros(word ^ (ONES * u64::from(b'\n')));
        (found != 0).then(|| number * 8 + found.trailing_zeros() as usize / 8)
    })
}

/// What numbers and words are made of.
pub const WORD: [bool; 256] = {
    let mut is_word = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let letter = byte as u8;
        is_word[byte] = letter.is_ascii_alphanumeric() || matches!(letter, b'+' | b'-' | b'.');
        byte += 1;
    }
    is_word
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_end_or_escape_is_found(line in "[a-c\"\\\\\u{e9}]{0,3}[a-z#!\n]{0,90}[a-c\"\\\\]{0,3}", at in 0..110_usize) {
            let expected = line.as_bytes().iter().skip(at).position(|byte| matches!(byte, b'"' | b'\\' | b'\n')).map(|found| at + found);
            prop_assert_eq!(end_or_escape(line.as_bytes(), at), expected);
        }
    }
}
