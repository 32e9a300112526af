//! The view of a text: the text with its escapes decoded. Escapes are those of JSON, Python's `repr`, URLs and HTML,
//! and characters that only look different. Both are searched for secrets, which are replaced in the text.

use super::kinds::{self, Kinds};
use super::work;

/// Escapes inside escapes: JSON in JSON in a form.
pub const DEEPEST: usize = 3;

/// A space that stands for one in a URL: it ends no value there. In the view of a view it is a space.
const URL_SPACE: char = '␠';
const SHORTEST_CARD: usize = 13;

#[derive(Debug, Default)]
pub struct View {
    pub text: String,
    /// Where the view and the text begin and end to differ: offsets in the view, and in the text.
    offsets: Vec<(usize, usize)>,
}

/// The character that an escape stands for, if any, and the bytes of the escape.
type Piece = (Option<char>, usize);

impl View {
    /// Whether a text with these may have one.
    #[inline]
    pub const fn may_be_of(kinds: Kinds) -> bool {
        kinds.have(kinds::ESCAPE | kinds::FOLD)
    }

    /// The view of a text; `None` if nothing in it stands for something else.
    #[cold]
    pub fn of(text: &str, kinds: Kinds) -> Option<Self> {
        let bytes = text.as_bytes();
        // Spaces of a URL part nothing but groups of digits.
        let part = |(character, _): &Piece| *character != Some(URL_SPACE) || kinds.digits() >= SHORTEST_CARD;
        if !candidates(bytes).any(|at| piece(text, at).as_ref().is_some_and(part)) {
            return None;
        }
        let mut view = Self::default();
        let (mut at, mut kept) = (0, 0);
        while at < bytes.len() {
            let Some(next) = candidates(&bytes[at..]).next() else { break };
            at += next;
            let Some((character, length)) = piece(text, at) else {
                at += 1;
                continue;
            };
            work::add(length);
            view.text.push_str(&text[kept..at]);
            view.offsets.push((view.text.len(), at));
            view.text.extend(character);
            at += length;
            kept = at;
            view.offsets.push((view.text.len(), at));
        }
        view.text.push_str(&text[kept..]);
        Some(view)
    }

    /// The offset in the text of an offset in the view, both between two characters.
    pub fn offset(&self, at: usize) -> usize {
        let before = self.offsets.partition_point(|(here, _)| *here <= at);
        before.checked_sub(1).map_or(at, |index| {
            let (here, there) = self.offsets[index];
            there + (at - here)
        })
    }
}

/// Where pieces may begin.
fn candidates(bytes: &[u8]) -> impl Iterator<Item = usize> {
    bytes.iter().enumerate().filter(|(_, byte)| kinds::may_begin_piece(**byte)).map(|(at, _)| at)
}

/// The escape that begins here, at a byte that may begin one.
fn piece(text: &str, at: usize) -> Option<Piece> {
    let rest = &text.as_bytes()[at..];
    let one = |character: char, length| Some((Some(character), length));
    match rest {
        [b'\\', b'u', ..] => unit(rest),
        [b'\\', b'x', ..] => octets(rest, 2),
        [b'\\', b'n', ..] => one('\n', 2),
        [b'\\', b'r', ..] => one('\r', 2),
        [b'\\', b't', ..] => one('\t', 2),
        [b'\\', byte @ (b'"' | b'\'' | b'\\' | b'/' | b'`'), ..] => one(char::from(*byte), 2),
        [b'%', b'2', b'0', ..] => one(URL_SPACE, 3),
        [b'%', ..] => octets(rest, 1),
        [b'&', ..] => entity(rest),
        [0xc2, 0xa0, ..] => one(' ', 2),
        [0xc2, 0xad, ..] | [0xef, 0xbb, 0xbf, ..] | [0xe2, 0x80, 0x8b..=0x8f, ..] | [0xe2, 0x81, 0xa0, ..] => {
            Some((None, if rest[0] == 0xc2 { 2 } else { 3 }))
        }
        [0xe2, 0x80, 0x80..=0x8a | 0xaf, ..] | [0xe2, 0x90, 0xa0, ..] => one(' ', 3),
        [0xe2, 0x80, 0x90..=0x95, ..] | [0xe2, 0x88, 0x92, ..] => one('-', 3),
        [0xef, 0xbc | 0xbd, ..] => {
            let wide = text[at..].chars().next()?;
            let narrow = char::from_u32(u32::from(wide).checked_sub(0xff01 - 0x21)?)?;
            (narrow.is_ascii_alphanumeric() || matches!(narrow, '@' | '_' | '-')).then_some((Some(narrow), 3))
        }
        _ => None,
    }
}

/// `\u0041`, perhaps two of them for one character.
fn unit(rest: &[u8]) -> Option<Piece> {
    let at = |from: usize| {
        rest.get(from..from + 2).filter(|begin| *begin == br"\u")?;
        number(rest.get(from + 2..from + 6)?, 16)
    };
    let first = at(0)?;
    if let Some(character) = char::from_u32(first) {
        return Some((Some(character), 6));
    }
    let second = at(6).filter(|second| first < 0xdc00 && (0xdc00..0xe000).contains(second));
    match second.and_then(|second| char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))) {
        Some(character) => Some((Some(character), 12)),
        None => Some((Some(char::REPLACEMENT_CHARACTER), 6)),
    }
}

/// The bytes of one character, each in two digits behind a sign of `sign` bytes: `%C3%A9`, `\xc3\xa9`.
fn octets(rest: &[u8], sign: usize) -> Option<Piece> {
    let octet = |index: usize| {
        let from = index * (sign + 2);
        let begins = rest.get(from..from + sign)? == &rest[..sign];
        let value = number(rest.get(from + sign..from + sign + 2)?, 16).filter(|_| begins)?;
        u8::try_from(value).ok()
    };
    let first = octet(0)?;
    let count = match first {
        0..0x80 => return Some((Some(char::from(first)), sign + 2)),
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => return None,
    };
    let mut bytes = [0; 4];
    for (index, byte) in bytes[..count].iter_mut().enumerate() {
        *byte = octet(index)?;
    }
    let character = str::from_utf8(&bytes[..count]).ok()?.chars().next()?;
    Some((Some(character), count * (sign + 2)))
}

/// `&quot;`, `&#34;`, `&#x22;`.
fn entity(rest: &[u8]) -> Option<Piece> {
    const NAMED: [(&[u8], char); 8] = [
        (b"&quot;", '"'),
        (b"&apos;", '\''),
        (b"&lt;", '<'),
        (b"&gt;", '>'),
        (b"&amp;", '&'),
        (b"&equals;", '='),
        (b"&colon;", ':'),
        (b"&nbsp;", ' '),
    ];
    if let Some((name, character)) = NAMED.iter().find(|(name, _)| rest.starts_with(name)) {
        return Some((Some(*character), name.len()));
    }
    let digits = rest.strip_prefix(b"&#")?;
    let (radix, digits) = match digits {
        [b'x' | b'X', digits @ ..] => (16, digits),
        _ => (10, digits),
    };
    let count = digits.iter().take(7).position(|byte| *byte == b';').filter(|count| *count > 0)?;
    let character = char::from_u32(number(&digits[..count], radix)?)?;
    Some((Some(character), rest.len() - digits.len() + count + 1))
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    digits.iter().try_fold(0_u32, |value, byte| Some(value * radix + char::from(*byte).to_digit(radix)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<View> {
        let kinds = Kinds::of(text);
        View::of(text, kinds).filter(|_| View::may_be_of(kinds))
    }

    #[test]
    fn what_stands_for_characters_is_put_back() {
        for (text, expected) in [
            (r#"{\"a\": \"b\\n\"}"#, r#"{"a": "b\n"}"#),
            (r"https:\/\/x", "https://x"),
            (r"\u5bc6\u7801 \ud83d\ude00", "密码 😀"),
            (r"\ud83d x", "\u{fffd} x"),
            (r"\xe5\xaf\x86\x3d", "密="),
            ("a%3Db%26c%E5%AF%86", "a=b&c密"),
            ("a%20b%3D", "a␠b="),
            ("4111%201111%201111%201111", "4111␠1111␠1111␠1111"),
            ("a␠b", "a b"),
            ("&quot;a&#34;&#x3a;&amp;amp;", "\"a\":&amp;"),
            ("4111\u{a0}1111\u{2009}1111\u{2011}1", "4111 1111 1111-1"),
            ("pass\u{200b}word\u{ad}", "password"),
            ("ｐ１＠Ａ", "p1@A"),
        ] {
            assert_eq!(of(text).map(|view| view.text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_stands_for_nothing_else_has_no_view() {
        for text in [
            "",
            "plain",
            "100% of it",
            "%s and %d",
            r"C:\users\bob\",
            "a & b",
            "&amp",
            "&#;",
            "中文，标点：“引号”",
            r"\u12",
            "%",
            "%e",
            "%e5%zz",
            "\\",
        ] {
            assert!(of(text).is_none(), "{text}");
        }
    }

    #[test]
    fn offsets_lead_back_to_the_text() {
        let text = r"a\u5bc6=\n%3Db";
        let view = of(text).unwrap();
        assert_eq!(view.text, "a密=\n=b");
        let back: Vec<_> = view.text.char_indices().map(|(at, _)| &text[view.offset(at)..]).collect();
        assert_eq!(back, [r"a\u5bc6=\n%3Db", r"\u5bc6=\n%3Db", r"=\n%3Db", r"\n%3Db", "%3Db", "b"]);
        assert_eq!(view.offset(view.text.len()), text.len());
    }
}
