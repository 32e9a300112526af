//! Names in texts, and the values after them: `password=…`, `"token": "…"`, `<secret>…</secret>`, `{"name": "API_KEY", "value": "…"}`.

mod forms;
mod name;
mod sign;
#[cfg(test)]
mod tests;
mod text;

use std::ops::Range;

use memchr::{memchr_iter, memchr2_iter, memchr3_iter};

use super::extent::Strings;
use super::keys::{Treatment, normal};
use super::kinds::{self, Kinds};
use super::markup::Elements;
use super::patterns::Match;
use super::spec::Action;

/// The most bytes of a name.
const LONGEST: usize = 64;
/// The most white space between a name, its sign and the value. Tables have more than one space.
const SPACE: usize = 32;
/// Signs behind a name in Chinese, and the byte that both begin with.
const WIDE: [&str; 2] = ["：", "＝"];
const WIDE_BEGINS: u8 = 0xef;
/// The ends of names of headers, whose values are several words.
const HEADERS: [&str; 3] = ["authorization", "cookie", "cookies"];
/// Keys of a name, and keys of the value under that name: `{"name": "API_KEY", "value": "…"}`.
const NAME_KEYS: [&str; 8] = ["name", "key", "parameterkey", "field", "header", "variable", "parameter", "param"];
const VALUE_KEYS: [&str; 4] = ["value", "parametervalue", "val", "string"];
/// The kinds of bytes that a name may stand before.
pub const BEGIN: u8 = kinds::SIGN | kinds::WIDE | kinds::QUOTE | kinds::HYPHEN;

/// Whether a name is that of a header whose value is several words.
pub fn is_header(name: &str) -> bool {
    let name = normal(name);
    HEADERS.iter().any(|header| name.ends_with(header))
}

/// Whether the value under this name is a name.
pub fn is_name_key(name: &str) -> bool {
    name.len() <= 12 && NAME_KEYS.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether the value under this name belongs to the name in a neighbouring pair.
pub fn is_value_key(name: &str) -> bool {
    name.len() <= 14 && VALUE_KEYS.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether a text is one word, as names are. The second item of a pair may be another name.
pub fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'-')
}

/// Adds the values after names that are secrets according to `treatment`. In source, a name or an expression is no
/// secret.
pub fn find(
    text: &str,
    kinds: Kinds,
    is_source: bool,
    mut treatment: impl FnMut(&str) -> Treatment,
    found: &mut Vec<Match>,
) {
    let bytes = text.as_bytes();
    let mut secret = |name: &str| match treatment(name) {
        Treatment::Secret(action) | Treatment::SecretUnlessFlag(action) => Some(action),
        Treatment::Search => None,
    };
    if kinds.have(kinds::SIGN) {
        let mut search = Search::new(text, is_source, &mut secret, found);
        for at in memchr3_iter(b'=', b':', b'>', bytes) {
            if bytes[at] == b'>' {
                search.tag(at);
            } else {
                search.pair(at..at + 1);
            }
        }
    }
    if kinds.have(kinds::WIDE) {
        let mut search = Search::new(text, is_source, &mut secret, found);
        let wide = memchr_iter(WIDE_BEGINS, bytes).filter(|at| WIDE.iter().any(|sign| text[*at..].starts_with(sign)));
        for at in wide {
            search.pair(at..at + WIDE[0].len());
        }
    }
    if kinds.have(kinds::QUOTE) && !is_source {
        let mut search = Search::new(text, is_source, &mut secret, found);
        for at in memchr2_iter(b'"', b'\'', bytes) {
            search.quote(at);
        }
    }
    if kinds.have(kinds::HYPHEN) && !is_source {
        let mut search = Search::new(text, is_source, &mut secret, found);
        // Options have a letter and a space behind them.
        for at in memchr_iter(b'-', bytes) {
            if bytes.get(at + 1) == Some(&b'-') {
                search.option(at);
            }
        }
    }
}

/// One search through a text, from its beginning to its end.
struct Search<'a> {
    text: &'a str,
    bytes: &'a [u8],
    is_source: bool,
    secret: &'a mut dyn FnMut(&str) -> Option<Action>,
    found: &'a mut Vec<Match>,
    /// Where the last secret ended. Nothing is searched inside it.
    end: usize,
    strings: Strings,
    elements: Elements,
    /// Brackets that were not closed.
    unclosed: usize,
    /// Where the last tag ended.
    last_tag: usize,
    /// A value that was the name of a secret, and where it ended.
    named: Option<(Action, usize)>,
    /// Where a value begins that belongs to a name beside it.
    value: Option<usize>,
}

impl<'a> Search<'a> {
    fn new(
        text: &'a str,
        is_source: bool,
        secret: &'a mut dyn FnMut(&str) -> Option<Action>,
        found: &'a mut Vec<Match>,
    ) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            is_source,
            secret,
            found,
            end: 0,
            strings: Strings::default(),
            elements: Elements::default(),
            unclosed: 0,
            last_tag: 0,
            named: None,
            value: None,
        }
    }

    fn put(&mut self, range: Range<usize>, action: Action) {
        if !range.is_empty() {
            self.end = self.end.max(range.end);
            self.found.push(Match { range, action, rule: None });
        }
    }
}
