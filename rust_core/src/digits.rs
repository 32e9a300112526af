//! Digits of numbers, without a loop and without a table.

/// The eight digits of a number, the first in the lowest byte. Halves are split side by side: into fours, twos and ones.
#[inline]
#[must_use]
pub const fn digits(number: u32) -> u64 {
    let fours = (number / 10_000) as u64 | ((number % 10_000) as u64) << 32;
    // In place of a division by 100, of numbers below 10,000; then by 10, of numbers below 100.
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let twos = hundreds | (fours - 100 * hundreds) << 16;
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | (twos - 10 * tens) << 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_number() {
        let parts = (0..10_000).flat_map(|part| [part, part * 10_000, part * 10_000 + 9_999, 99_990_000 + part]);
        for number in parts.chain([12_345_678, 99_999_999]) {
            let bytes = digits(number).to_le_bytes().map(|digit| b'0' + digit);
            assert_eq!(str::from_utf8(&bytes), Ok(&*format!("{number:08}")));
        }
    }
}
