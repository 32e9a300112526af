//! Numbers as an index has them: seven bits a byte, the low ones first.

pub fn put(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let byte = (number & 0x7F) as u8;
        number >>= 7;
        if number == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

/// Small numbers of either sign take few bytes.
pub fn put_signed(out: &mut Vec<u8>, number: i64) {
    put(out, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

pub fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put(out, text.len() as u64);
    out.extend_from_slice(text);
}

/// Reads what was put. Each is `None` at an end that comes too early, and for what nobody puts.
#[derive(Clone, Debug)]
pub struct Bytes<'b> {
    all: &'b [u8],
    at: usize,
}

impl<'b> Bytes<'b> {
    pub const fn new(all: &'b [u8]) -> Self {
        Self { all, at: 0 }
    }

    pub const fn at(&self) -> usize {
        self.at
    }

    pub fn rest(&self) -> &'b [u8] {
        &self.all[self.at..]
    }

    pub fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let bytes = self.rest().get(..length)?;
        self.at += length;
        Some(bytes)
    }

    pub fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    pub fn fixed<const LENGTH: usize>(&mut self) -> Option<[u8; LENGTH]> {
        self.take(LENGTH)?.try_into().ok()
    }

    pub fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            if shift == 63 && bits > 1 {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// A number of a smaller kind.
    pub fn small<N: TryFrom<u64>>(&mut self) -> Option<N> {
        self.number()?.try_into().ok()
    }

    pub fn text(&mut self) -> Option<&'b str> {
        let length = self.small()?;
        std::str::from_utf8(self.take(length)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_put_is_read(numbers in prop::collection::vec(any::<u64>(), 0..20), signed: i64, text: String) {
            let mut out = Vec::new();
            numbers.iter().for_each(|number| put(&mut out, *number));
            put_signed(&mut out, signed);
            put_text(&mut out, text.as_bytes());
            let mut bytes = Bytes::new(&out);
            for number in numbers {
                prop_assert_eq!(bytes.number(), Some(number));
            }
            prop_assert_eq!(bytes.signed(), Some(signed));
            prop_assert_eq!(bytes.text(), Some(text.as_str()));
            prop_assert_eq!(bytes.byte(), None);
        }

        #[test]
        fn what_nobody_puts_is_no_number(bytes in prop::collection::vec(0x80_u8.., 0..12)) {
            prop_assert_eq!(Bytes::new(&bytes).number(), None);
        }
    }
}
