//! Numbers of payment cards: their first digit, their length, how they are written, and their check digit.

use std::borrow::Cow;
use std::ops::Range;

use super::kinds::Kinds;
use super::view::{self, View};

/// Digits of a card's number.
const DIGITS: std::ops::RangeInclusive<usize> = 13..=19;
/// Digits that stand together at least, where spaces or hyphens part them.
const GROUP: usize = 3;
const SEPARATORS: [char; 3] = [' ', '-', '.'];
/// Floats from here to there may be cards.
const FLOATS: std::ops::Range<f64> = 1e12..1e19;

/// The card's number that begins where `text` does, as long as it can be. `text` is digits, single spaces, hyphens and dots.
pub fn at_start_of(text: &str) -> Option<Range<usize>> {
    let digits: Vec<usize> =
        text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()).map(|(at, _)| at).collect();
    let ends = |count: usize| digits[count - 1] + 1;
    (*DIGITS.start()..=digits.len().min(*DIGITS.end()))
        .rev()
        .filter(|count| text.as_bytes().get(ends(*count)).is_none_or(|byte| !byte.is_ascii_digit()))
        .map(|count| 0..ends(count))
        .find(|range| is_card(&text[range.clone()]))
}

/// Whether these digits, spaces, hyphens and dots are the number of a card. Numbers of cards begin with 2 to 6: times since 1970, with
/// or without their fractions, do not.
fn is_card(text: &str) -> bool {
    let mut separators = text.bytes().filter(|byte| !byte.is_ascii_digit());
    let separator = separators.next();
    let digits = text.bytes().filter(u8::is_ascii_digit);
    matches!(text.as_bytes().first(), Some(b'2'..=b'6'))
        && separators.all(|other| Some(other) == separator)
        && text.split(SEPARATORS).all(|group| group.len() >= GROUP)
        // One dot is that of a fraction.
        && (separator != Some(b'.') || text.split(SEPARATORS).count() >= 3)
        && has_check_digit(digits)
}

/// The algorithm of Luhn (ISO/IEC 7812-1, annex B).
fn has_check_digit(digits: impl DoubleEndedIterator<Item = u8>) -> bool {
    let sum: u32 = digits
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            let value = u32::from(digit - b'0') * if index % 2 == 1 { 2 } else { 1 };
            value / 10 + value % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Whether a whole number is that of a card.
pub fn is_number(number: &str) -> bool {
    DIGITS.contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit()) && is_card(number)
}

/// The digits of a card, however they are written.
pub fn digits(secret: &str) -> String {
    let mut text = Cow::Borrowed(secret);
    for _ in 0..view::DEEPEST {
        match View::of(&text, Kinds::of(&text)) {
            Some(view) => text = Cow::Owned(view.text),
            None => break,
        }
    }
    text.chars().filter(char::is_ascii_digit).collect()
}

/// The digits of a float that is a whole number: `4111111111111111.0`.
pub fn whole(number: &str) -> Option<String> {
    let value: f64 = number.parse().ok()?;
    (FLOATS.contains(&value) && value.fract() == 0.0).then(|| format!("{value:.0}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_known_with_and_without_separators() {
        for card in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "378282246310005",
            "3782 822463 10005",
            "5555555555554444",
            "6011111111111117",
            "30569309025904",
            "2223003122003222",
            "4222222222222",
            "6304000000000000000",
            "4111.1111.1111.1111",
        ] {
            assert_eq!(at_start_of(card), Some(0..card.len()), "{card}");
        }
    }

    #[test]
    fn digits_are_read_however_they_are_written() {
        for card in ["4111 1111-1111.1111", "４１１１\u{a0}1111\u{2011}1111%201111", r"4111\u00201111 1111 1111"] {
            assert_eq!(digits(card), "4111111111111111", "{card}");
        }
        assert_eq!(whole("4111111111111111.0").as_deref(), Some("4111111111111111"));
        assert_eq!(whole("4.111111111111111e15").as_deref(), Some("4111111111111111"));
        assert_eq!(
            (whole("4111111111111111.5"), whole("1e300"), whole("1.5e"), whole("nan")),
            (None, None, None, None)
        );
    }

    #[test]
    fn what_follows_a_card_is_not_part_of_it() {
        assert_eq!(at_start_of("4111 1111 1111 1111 123"), Some(0..19));
    }

    #[test]
    fn other_numbers_are_none() {
        for number in [
            "4111111111111112",
            "1771497000123456789",
            "1771497000123",
            "411111111111",
            "41111111111111111111",
            "4111-1111 1111-1111",
            "2026-02-19 10-30-00",
            "20 26 02 19 10 30 00",
            "4111.111111111111",
            "0000000000000000",
        ] {
            assert_eq!(at_start_of(number), None, "{number}");
        }
    }
}
