//! Values behind a sign, and the spaces around it.

use std::ops::Range;

use super::super::extent::{self, QUOTES};
use super::{LONGEST, SPACE};
/// The least characters of a value that looks random.
const RANDOM: usize = 16;
const SHORT: usize = 6;
const SHORTEST: usize = 3;

/// Whether a value looks random, and is no word of a sentence. Behind a name of two words, a shorter value counts, and digits alone:
/// `api key: x7y8z9`, `security code: 123`. Behind more than one of them, a number counts them: `api keys: 120`.
pub(super) fn is_made_up(rest: &[u8], phrase: Option<&str>) -> bool {
    let is_token = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-.+/=~".contains(byte);
    let length = rest.iter().take(4 * RANDOM).take_while(is_token).count();
    let value = &rest[..length];
    let count = |is: &dyn Fn(&u8) -> bool| value.iter().filter(|byte| is(byte)).count();
    let (digits, letters) = (count(&u8::is_ascii_digit), count(&u8::is_ascii_alphabetic));
    let is_quoted = rest.first().is_some_and(|first| QUOTES.contains(first));
    let least = match phrase {
        None => (RANDOM, 3, 3),
        Some(phrase) if phrase.ends_with(['s', 'S']) => (SHORT, 1, 1),
        Some(_) => (SHORTEST, 1, 0),
    };
    is_quoted && phrase.is_some()
        || !value.starts_with(b"/") && length >= least.0 && digits >= least.1 && letters >= least.2
}

/// Whether source that begins here computes a value: a call or an item, `read_token(…)`, `values["x"]`.
pub(super) fn is_computed(rest: &[u8]) -> bool {
    let is_of_path = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.".contains(byte);
    let length = rest.iter().take(LONGEST).take_while(is_of_path).count();
    let begins = rest.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_');
    begins && matches!(rest.get(length), Some(b'(' | b'['))
}

/// A text up to an offset, or to the character before it.
pub(super) fn up_to(text: &str, at: usize) -> &str {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    &text[..at]
}

/// The value that begins behind a sign, of any kind.
pub(super) fn plain_value(text: &str, start: usize) -> Option<Range<usize>> {
    let start = start + spaces(text.as_bytes().get(start..)?);
    let value = extent::quoted(text, start).unwrap_or_else(|| start..extent::bare(text, start));
    (!value.is_empty()).then_some(value)
}

pub(super) fn without_spaces(bytes: &[u8]) -> &[u8] {
    let count = bytes.iter().rev().take(SPACE).take_while(|byte| is_space(**byte)).count();
    &bytes[..bytes.len() - count]
}

pub(super) fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || byte >= 0x80
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

pub(super) fn spaces(bytes: &[u8]) -> usize {
    bytes.iter().take(SPACE).take_while(|byte| is_space(**byte)).count()
}
