//! The kinds of bytes that a text has, by one pass. Most texts have no byte that a search begins with.

/// An at sign, or what stands for one.
pub const AT: u8 = 1;
/// Signs that may stand behind a name.
pub const SIGN: u8 = 1 << 1;
pub const QUOTE: u8 = 1 << 2;
pub const HYPHEN: u8 = 1 << 3;
/// Bytes that begin an escape.
pub const ESCAPE: u8 = 1 << 4;
/// The first byte of characters that only look different, and of signs in full width.
pub const FOLD: u8 = 1 << 5;
pub const WIDE: u8 = 1 << 6;
const DIGIT: u8 = 1 << 7;

const KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < kinds.len() {
        kinds[byte] = of_byte(byte as u8);
        byte += 1;
    }
    kinds
};

/// Bytes that are read together.
const LANES: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds {
    kinds: u8,
    digits: usize,
}

const fn of_byte(byte: u8) -> u8 {
    match byte {
        b'@' => AT,
        b'%' => AT | ESCAPE,
        b'=' | b':' | b'>' => SIGN,
        b'"' | b'\'' => QUOTE,
        b'-' => HYPHEN,
        b'\\' | b'&' => ESCAPE,
        0xc2 | 0xe2 => FOLD,
        0xef => FOLD | WIDE,
        b'0'..=b'9' => DIGIT,
        _ => 0,
    }
}

/// Whether a byte may begin something that stands for a character.
#[inline]
pub const fn may_begin_piece(byte: u8) -> bool {
    KINDS[byte as usize] & (ESCAPE | FOLD) != 0
}

impl Kinds {
    #[inline]
    pub fn of(text: &str) -> Self {
        let (chunks, rest) = text.as_bytes().as_chunks::<LANES>();
        let mut found = Self { kinds: 0, digits: 0 };
        if !chunks.is_empty() {
            found = Self::of_chunks(chunks);
        }
        for byte in rest {
            let kind = KINDS[usize::from(*byte)];
            found.kinds |= kind;
            found.digits += usize::from(kind >> 7);
        }
        found
    }

    /// Written so that each step is one instruction for all lanes.
    fn of_chunks(chunks: &[[u8; LANES]]) -> Self {
        let mut kinds = [0_u8; LANES];
        let mut digits = 0;
        for chunk in chunks {
            let mut of_chunk = [0_u8; LANES];
            for lane in 0..LANES {
                let byte = chunk[lane];
                let is = |other: u8, kind: u8| if byte == other { kind } else { 0 };
                kinds[lane] |= is(b'@', AT) | is(b'%', AT | ESCAPE) | is(b'-', HYPHEN);
                kinds[lane] |= is(b'=', SIGN) | is(b':', SIGN) | is(b'>', SIGN) | is(b'"', QUOTE) | is(b'\'', QUOTE);
                kinds[lane] |= is(b'\\', ESCAPE) | is(b'&', ESCAPE) | is(0xc2, FOLD) | is(0xe2, FOLD);
                kinds[lane] |= is(0xef, FOLD | WIDE);
                of_chunk[lane] = u8::from(byte.wrapping_sub(b'0') < 10);
            }
            digits += usize::from(of_chunk.iter().sum::<u8>());
        }
        Self { kinds: kinds.iter().fold(0, |all, kind| all | kind), digits }
    }

    /// Whether there are bytes of one of these kinds.
    #[inline]
    pub const fn have(self, kinds: u8) -> bool {
        self.kinds & kinds != 0
    }

    #[inline]
    pub const fn digits(self) -> usize {
        self.digits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_of_its_kinds_wherever_it_stands() {
        for character in (0..0x250).chain([0x2019, 0xff1a, 0x4e2d]).filter_map(char::from_u32) {
            for offset in [0, 1, 15, 16, 17, 40] {
                let text = format!("{}{character}{}", "x".repeat(offset), "y".repeat(37));
                let expected = character.encode_utf8(&mut [0; 4]).bytes().fold(0, |all, byte| all | of_byte(byte));
                let kinds = Kinds::of(&text);
                assert_eq!(kinds.kinds & !DIGIT, expected & !DIGIT, "{text}");
                assert_eq!(kinds.digits(), usize::from(character.is_ascii_digit()), "{text}");
            }
        }
        assert_eq!(Kinds::of(&"0123456789".repeat(1_000)).digits(), 10_000);
        assert!(!Kinds::of("").have(0xff));
    }
}
