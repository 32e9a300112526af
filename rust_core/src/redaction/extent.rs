//! How far a value in a text reaches.

use std::ops::Range;

use memchr::{memchr3_iter, memmem};

use super::work;

/// The quotes of a value.
pub const QUOTES: [u8; 3] = [b'"', b'\'', b'`'];
/// Bytes of a name that are read behind a comma, to see whether the next pair begins there.
const NEXT_NAME: usize = 40;
/// Bytes of a line that are read before a name.
const LINE: usize = 256;
/// Quotes in a shell's word that is quoted with them, as `shlex.quote` writes them, and another way.
const IN_SHELL: [&[u8]; 2] = [br#""'"'"#, br"\''"];
/// Elements of HTML that stand in the middle of a text.
const HTML: [&str; 16] =
    ["a", "b", "br", "code", "div", "em", "hr", "i", "li", "p", "pre", "small", "span", "strong", "td", "tr"];

/// The text between quotes that begin at `start`, perhaps after the letters that Python puts before them.
pub fn quoted(text: &str, start: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let letters = bytes[start..].iter().take(2).take_while(|byte| b"bBrRuUfF".contains(byte)).count();
    let slashes = bytes[start + letters..].iter().take_while(|byte| **byte == b'\\').count();
    let open = start + letters + slashes;
    let quote = *bytes.get(open).filter(|byte| QUOTES.contains(byte))?;
    // Two with something behind them are one of CSV; three are Python's.
    let run = bytes[open..].iter().take(3).take_while(|byte| **byte == quote).count();
    let many = match run {
        3 => 3,
        2 if slashes == 0 && bytes.get(open + 2).is_some_and(u8::is_ascii_alphanumeric) => 2,
        _ => 1,
    };
    let inside = open + many;
    let (mut at, mut before) = (inside, 0);
    while at < bytes.len() {
        work::add(1);
        let byte = bytes[at];
        if byte == quote && (before == slashes || slashes == 0 && before % 2 == 0) {
            let rest = &bytes[at + 1..];
            if many > 1 {
                if rest.len() + 1 >= many && rest[..many - 1].iter().all(|byte| *byte == quote) {
                    return Some(inside..at);
                }
            } else if byte == b'\'' && slashes == 0 && rest.first() == Some(&quote) {
                // SQL doubles it.
                at += 1;
            } else if let Some(more) = IN_SHELL.iter().find(|more| byte == b'\'' && rest.starts_with(more)) {
                at += more.len();
            } else {
                return Some(inside..at - before.min(slashes));
            }
        }
        before = if byte == b'\\' { before + 1 } else { 0 };
        at += 1;
    }
    Some(inside..text.len())
}

/// The length of a text in brackets, up to the bracket that closes it.
pub fn bracketed(bytes: &[u8]) -> Option<usize> {
    let open = bytes[0];
    let close = match open {
        b'[' => b']',
        b'{' => b'}',
        b'<' => b'>',
        _ => b')',
    };
    let (mut depth, mut at, mut quotes) = (0_usize, 0, true);
    while let Some(byte) = bytes.get(at) {
        work::add(1);
        if *byte == open {
            depth += 1;
        } else if *byte == close {
            depth -= 1;
            if depth == 0 {
                return Some(at + 1);
            }
        } else if quotes && matches!(byte, b'"' | b'\'') && b"[{(,:= b".contains(&bytes[at - 1]) {
            match end_of_string(&bytes[at..]) {
                Some(length) => at += length - 1,
                // None closes behind this one either.
                None => quotes = false,
            }
        }
        at += 1;
    }
    None
}

/// The length of a string with its quotes.
fn end_of_string(bytes: &[u8]) -> Option<usize> {
    let mut is_escaped = false;
    for (at, byte) in bytes.iter().enumerate().skip(1) {
        work::add(1);
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            _ if *byte == bytes[0] => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Where a value without quotes ends. A comma or a bracket may be part of a password. It ends the value only if
/// something else begins behind it.
pub fn bare(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut opened = 0_usize;
    let mut end = text.len();
    for (index, character) in text[start..].char_indices() {
        work::add(1);
        let at = start + index;
        let rest = &bytes[at + character.len_utf8()..];
        let goes_on = rest.first().is_some_and(|next| next.is_ascii_alphanumeric() || *next >= 0x80);
        let ends = match character {
            '，' | '；' | '、' | '。' | '）' | '】' | '》' | '」' => true,
            '(' | '[' | '{' => {
                opened += 1;
                false
            }
            ')' | ']' | '}' if opened > 0 => {
                opened -= 1;
                false
            }
            ',' => !is_of_secret(rest) || next_pair(rest, b"=:"),
            '&' => !is_of_secret(rest) || next_pair(rest.strip_prefix(b"amp;").unwrap_or(rest), b"="),
            ';' | '|' => !is_of_secret(rest) || next_pair(rest, b"="),
            ')' | ']' | '}' | '"' | '\'' | '`' | '>' => !goes_on,
            '<' => is_markup(rest),
            '\\' => {
                matches!(rest, [b'n' | b'r' | b't', more @ ..] if !more.first().is_some_and(u8::is_ascii_alphanumeric)|| next_pair(more, b"=:"))
            }
            _ => character.is_whitespace(),
        };
        if ends {
            end = at;
            break;
        }
    }
    // A slash that escapes the quote behind it belongs to the quote.
    if bytes.get(end).is_some_and(|byte| QUOTES.contains(byte)) {
        while end > start && bytes[end - 1] == b'\\' {
            end -= 1;
        }
    }
    end
}

/// Whether something that a password may go on with stands behind a separator.
fn is_of_secret(rest: &[u8]) -> bool {
    rest.first().is_some_and(|next| next.is_ascii_alphanumeric() || *next >= 0x80 || b"!#$%*+-./:=?@^_~".contains(next))
}

/// Whether a name with one of these signs behind it begins here.
fn next_pair(rest: &[u8], signs: &[u8]) -> bool {
    let is_of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-. []".contains(byte) || **byte >= 0x80;
    let length = rest.iter().take(NEXT_NAME).take_while(is_of_name).count();
    let begins = rest.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_' || *first >= 0x80);
    begins && rest.get(length).is_some_and(|sign| signs.contains(sign))
}

fn is_markup(rest: &[u8]) -> bool {
    let length = rest.iter().take(7).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let is_element = || HTML.iter().any(|name| rest[..length].eq_ignore_ascii_case(name.as_bytes()));
    match rest.first() {
        None | Some(b'/' | b'!') => true,
        _ => matches!(rest.get(length), Some(b'>' | b' ' | b'/')) && is_element(),
    }
}

/// The string that an offset of a text lies in. Asked from the front to the back, it reads the text once.
#[derive(Debug, Default)]
pub struct Strings {
    at: usize,
    /// Its quote, and how many slashes stand before that.
    open: Option<(u8, usize)>,
}

impl Strings {
    pub fn around(&mut self, bytes: &[u8], offset: usize) -> Option<(u8, usize)> {
        let from = self.at;
        work::add(offset.saturating_sub(from));
        for found in memchr3_iter(b'"', b'\'', b'\n', bytes.get(from..offset)?) {
            let at = from + found;
            let quote = bytes[at];
            if quote == b'\n' {
                self.open = None;
                continue;
            }
            let slashes = slashes_before(bytes, at);
            // An apostrophe is in the middle of a word.
            let begins = quote == b'"'
                || !at.checked_sub(slashes + 1).is_some_and(|before| bytes[before].is_ascii_alphanumeric())
                || bytes[at - slashes - 1] == b'b';
            let ends = quote == b'"' || !bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric);
            match self.open {
                None if begins => self.open = Some((quote, slashes)),
                Some(open) if ends && open == (quote, slashes) => self.open = None,
                _ => {}
            }
        }
        self.at = offset;
        self.open
    }
}

fn slashes_before(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().rev().take_while(|byte| **byte == b'\\').count()
}

/// Where the value of a header ends: with its line, or with the string that it stands in. Quotes stand in it as well:
/// `Cookie: a="b"; c=d`.
pub fn header(text: &str, start: usize, around: Option<(u8, usize)>) -> usize {
    let bytes = text.as_bytes();
    let (mut slashes, mut is_inside) = (0, false);
    for (at, byte) in bytes.iter().enumerate().skip(start) {
        work::add(1);
        match byte {
            b'\\' => {
                slashes += 1;
                continue;
            }
            b'\n' => return at - usize::from(at > start && bytes[at - 1] == b'\r'),
            // Written out.
            b'n' | b'r' if slashes > 0 => return at - slashes,
            b'"' | b'\'' if around == Some((*byte, slashes)) => {
                let begins =
                    bytes[at - slashes - 1] == b'=' && bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric);
                if !begins && !is_inside {
                    return at - slashes;
                }
                is_inside = begins;
            }
            _ => {}
        }
        slashes = 0;
    }
    bytes.len()
}

/// The lines of YAML that belong to a name: those below it that stand further to the right.
pub fn block(text: &str, name: usize, start: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    // `|`, `>-`, `|2`, or nothing, which only counts where the line begins with the name.
    let is_folded = matches!(bytes.get(start), Some(b'|' | b'>'));
    let mut at = start + usize::from(is_folded);
    at +=
        bytes[at..].iter().take(if is_folded { 2 } else { 0 }).take_while(|byte| b"+-123456789".contains(byte)).count();
    at += bytes[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
    if bytes.get(at) != Some(&b'\n') {
        return None;
    }
    let line = name - bytes[..name].iter().rev().take(LINE).take_while(|byte| **byte != b'\n').count();
    let before = bytes[line..name].iter().take_while(|byte| b" \t-\"'".contains(byte)).count();
    let begins = line + before == name && (line == 0 || bytes[line - 1] == b'\n');
    if !begins && !is_folded {
        return None;
    }
    let (mut end, first) = (at, at + 1);
    let mut begin = None;
    for newline in memchr::memchr_iter(b'\n', &bytes[at..]).map(|found| at + found) {
        let indent = bytes[newline + 1..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let content = newline + 1 + indent;
        work::add(indent + 1);
        match bytes.get(content) {
            None => break,
            Some(b'\n' | b'\r') => continue,
            Some(_) if indent <= before => break,
            Some(_) => {}
        }
        begin = begin.or(Some(content));
        end = memchr::memchr(b'\n', &bytes[content..]).map_or(bytes.len(), |length| content + length);
    }
    begin.filter(|begin| *begin >= first).map(|begin| begin..end - usize::from(bytes[end - 1] == b'\r'))
}

/// The part of a form that a header of this name begins: what stands behind the empty line, up to the boundary.
pub fn form_part(text: &str, start: usize) -> Option<Range<usize>> {
    const HEADERS: usize = 512;
    let bytes = text.as_bytes();
    let head = &bytes[start..bytes.len().min(start + HEADERS)];
    let begin =
        [&b"\r\n\r\n"[..], b"\n\n"].iter().filter_map(|empty| Some(memmem::find(head, empty)? + empty.len())).min()?;
    let body = start + begin;
    let length = memmem::find(&bytes[body..], b"\n--").unwrap_or(bytes.len() - body);
    let end = body + length;
    work::add(end - start);
    Some(body..end - usize::from(end > body && bytes[end - 1] == b'\r'))
}
