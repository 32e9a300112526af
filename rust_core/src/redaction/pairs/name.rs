//! The name before a sign.

use std::ops::Range;

use super::super::extent::QUOTES;
use super::text::{is_of_name, is_space};
use super::{LONGEST, SPACE};
/// Last words of names that are two: `api key`, `card number`.
const LAST_OF_TWO: [&str; 8] = ["key", "keys", "id", "number", "string", "card", "code", "phrase"];
/// Words that are names alone, and the words with which they are names of two. Any other word before them belongs to a sentence.
const ALONE_OR_LAST: [&str; 4] = ["token", "tokens", "secret", "secrets"];
const FIRST_OF_TWO: [&str; 14] = [
    "access", "api", "app", "auth", "bearer", "bot", "client", "csrf", "device", "oauth", "personal", "refresh",
    "session", "xsrf",
];

/// A name, and how it stands in the text.
pub(super) struct Name {
    pub(super) range: Range<usize>,
    /// The range with the word before it, if the name may be two words.
    pub(super) phrase: Option<Range<usize>>,
    pub(super) quoted: bool,
    pub(super) bracketed: bool,
}

impl Name {
    /// The name that ends where a sign such as `=` or `:` begins.
    pub(super) fn before(text: &str, at: usize) -> Option<Self> {
        let bytes = text.as_bytes();
        let mut end = at;
        while end > 0 && at - end < SPACE && is_space(bytes[end - 1]) {
            end -= 1;
        }
        // `user[password]=…`, `config["password"] = …`
        let bracketed = end > 0 && bytes[end - 1] == b']';
        end -= usize::from(bracketed);
        let quote = bytes[..end].last().copied().filter(|last| QUOTES.contains(last));
        if quote.is_some() {
            end -= 1;
            // CSV doubles them; JSON in JSON has slashes.
            end -= usize::from(end > 0 && bytes[end - 1] == bytes[end]);
            while end > 0 && bytes[end - 1] == b'\\' {
                end -= 1;
            }
        }
        let range = name_that_ends(text, end)?;
        let last = &text[range.clone()];
        let is_last_among = |words: &[&str]| words.iter().any(|word| last.eq_ignore_ascii_case(word));
        let phrase = if is_last_among(&LAST_OF_TWO) {
            phrase(bytes, range.clone())
        } else if is_last_among(&ALONE_OR_LAST) {
            phrase(bytes, range.clone()).filter(|phrase| {
                let first = &text[phrase.start..range.start - 1];
                FIRST_OF_TWO.iter().any(|word| first.eq_ignore_ascii_case(word))
            })
        } else {
            None
        };
        // In prose names stand between backticks.
        Some(Self { range, phrase, quoted: quote.is_some_and(|quote| quote != b'`'), bracketed })
    }
}

pub(super) fn name_that_ends(text: &str, end: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut start = end;
    while start > 0 && end - start < LONGEST && is_of_name(bytes[start - 1]) {
        start -= 1;
    }
    while !text.is_char_boundary(start) {
        start += 1;
    }
    (start < end).then_some(start..end)
}

/// A word with the one before it.
fn phrase(bytes: &[u8], last: Range<usize>) -> Option<Range<usize>> {
    let space = last.start.checked_sub(1).filter(|at| bytes[*at] == b' ')?;
    let length = bytes[..space].iter().rev().take(LONGEST).take_while(|byte| byte.is_ascii_alphabetic()).count();
    (length > 0).then_some(space - length..last.end)
}
