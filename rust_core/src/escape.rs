//! Texts that can neither end a line nor speak to a terminal, nor show themselves otherwise than they are.

use std::fmt::Write as _;

use memchr::{memchr, memchr3};

/// Whether a character acts where it is shown: ends a line, speaks to the terminal (C0, DEL and C1), or turns the
/// direction of writing. Escaped in every output.
#[must_use]
pub const fn acts(character: char) -> bool {
    matches!(
        character,
        '\0'..='\x1f'
            | '\x7f'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

/// Whether a character takes no place where it is shown, or is drawn by none: what could hide in a text that people read.
/// Variation selectors choose between two pictures and stay.
const fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{600}'..='\u{605}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{890}'
            | '\u{891}'
            | '\u{8e2}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200d}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}'
            | '\u{110cd}'
            | '\u{13430}'..='\u{1345f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// As much of a text as `bytes` hold, whole characters only.
#[must_use]
pub fn start_of(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

/// Puts `text` for people: on one line, with everything that acts or hides escaped. A joiner stays between two
/// characters beyond ASCII, where scripts and emoji need it.
pub fn put(line: &mut String, text: &str) {
    // All bytes are looked at, so that several are at once.
    if text.bytes().fold(true, |is_plain, byte| is_plain & (byte.wrapping_sub(b' ') < 0x5f)) {
        return line.push_str(text);
    }
    let is_shown = |character: Option<&char>| {
        character.is_some_and(|character| !character.is_ascii() && !acts(*character) && !is_hidden(*character))
    };
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            '\u{200c}' | '\u{200d}' if is_shown(before.as_ref()) && is_shown(characters.peek()) => line.push(character),
            control if control.is_control() => {
                let _ = write!(line, "\\x{:02x}", u32::from(control));
            }
            other if acts(other) || is_hidden(other) => put_code(line, other),
            plain => line.push(plain),
        }
        before = Some(character);
    }
}

/// `\uXXXX`, or `\UXXXXXXXX` beyond the first plane.
fn put_code(line: &mut String, character: char) {
    let code = u32::from(character);
    let _ = if code > 0xffff { write!(line, "\\U{code:08x}") } else { write!(line, "\\u{code:04x}") };
}

/// A text of somebody else's for a sentence on standard error.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    put(&mut line, text);
    line
}

/// Whether a text could hold something that acts once it is JSON: looks only for what is no plain ASCII.
#[inline]
#[must_use]
pub fn may_act(text: &str) -> bool {
    is_beyond_ascii(text.as_bytes())
}

/// Escapes what acts in a line of JSON, which lies in `out` from `start` on: it can stand there in texts only, and reads
/// back as what it was.
#[inline]
pub fn json_line(out: &mut Vec<u8>, start: usize) {
    let line = &out[start..];
    if is_beyond_ascii(line) && next_lead(line).is_some() {
        escape_json(out, start);
    }
}

/// Whether there is DEL, or a byte of a character beyond ASCII.
#[inline]
fn is_beyond_ascii(bytes: &[u8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // One more than 0x7e has the high bit, and takes nothing from its neighbour.
    let high = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        (((word & !HIGH) + (HIGH >> 7)) | word) & HIGH
    };
    let Some(last) = bytes.last_chunk() else { return bytes.iter().any(|byte| *byte >= 0x7f) };
    // Words, without an early end. The last may overlap the one before it.
    bytes.as_chunks().0.iter().fold(high(last), |all, word| all | high(word)) != 0
}

/// Where a character that acts may begin: DEL, or the first byte of U+0080…, U+061C, U+200E… in UTF-8.
fn next_lead(bytes: &[u8]) -> Option<usize> {
    let common = memchr3(0x7f, 0xc2, 0xe2, bytes);
    memchr(0xd8, &bytes[..common.unwrap_or(bytes.len())]).or(common)
}

#[cold]
fn escape_json(out: &mut Vec<u8>, start: usize) {
    let line = out.split_off(start);
    let mut rest = &line[..];
    while let Some(at) = next_lead(rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let length = match rest[0] {
            0x7f => 1,
            0xe2 => 3,
            _ => 2,
        };
        let (one, after) = rest.split_at(length.min(rest.len()));
        match str::from_utf8(one).ok().and_then(|text| text.chars().next()).filter(|character| acts(*character)) {
            Some(character) => out.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes()),
            None => out.extend_from_slice(one),
        }
        rest = after;
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One of each kind that must not come through.
    const ACTING: &str =
        "\0\x07\x1b\x7f\u{85}\u{9b}\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202e}\u{2066}\u{2069}\n\r\t";

    #[test]
    fn what_acts_is_shown_as_its_code() {
        assert_eq!(
            shown(ACTING),
            "\\x00\\x07\\x1b\\x7f\\x85\\x9b\\u061c\\u200e\\u200f\\u2028\\u2029\\u202e\\u2066\\u2069\\n\\r\\t"
        );
    }

    #[test]
    fn what_hides_is_shown_as_its_code() {
        assert_eq!(shown("pay\u{200b}pal\u{ad}\u{feff}\u{e0041}"), "pay\\u200bpal\\u00ad\\ufeff\\U000e0041");
    }

    #[test]
    fn joiners_stay_where_scripts_and_emoji_need_them() {
        for text in ["👨\u{200d}👩", "می\u{200c}خواهم", "❤\u{fe0f}"] {
            assert_eq!(shown(text), text);
        }
        assert_eq!(shown("a\u{200d}b é\u{200d}\u{200d}é"), "a\\u200db é\\u200d\\u200dé");
    }

    #[test]
    fn json_reads_back_as_it_was() {
        let text = format!("é 你好 “q” ؤ {ACTING} €");
        let mut line = serde_json::to_vec(&text).unwrap();
        json_line(&mut line, 0);
        let line = String::from_utf8(line).unwrap();
        assert!(!line.chars().any(acts), "{line}");
        assert!(line.contains("é 你好 “q” ؤ "));
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }

    proptest! {
        #[test]
        fn bytes_beyond_ascii_are_seen_wherever_they_stand(mut bytes in prop::collection::vec(0_u8..0x7f, 0..40), at: prop::sample::Index, byte in 0x7f_u8..) {
            prop_assert!(!is_beyond_ascii(&bytes));
            bytes.insert(at.index(bytes.len() + 1), byte);
            prop_assert!(is_beyond_ascii(&bytes));
        }

        #[test]
        fn nothing_that_acts_comes_through(text: String) {
            prop_assert!(!shown(&text).chars().any(acts));
            let mut line = b"before \x7f".to_vec();
            serde_json::to_writer(&mut line, &text).unwrap();
            json_line(&mut line, 8);
            prop_assert!(line.starts_with(b"before \x7f"));
            let line = str::from_utf8(&line[8..]).unwrap();
            prop_assert!(!line.chars().any(acts));
            prop_assert_eq!(serde_json::from_str::<String>(line).unwrap(), text);
        }
    }
}
