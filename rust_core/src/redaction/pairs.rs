//! Names in texts, and the values after them: `password=…`, `"token": "…"`, `'api_key': …`, `<secret>…</secret>`.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr3, memchr3_iter};

use super::keys::Verdict;
use super::patterns::Found;

/// Bytes of a name.
const LONGEST: usize = 64;
/// White space between a name, what follows it, and the value: in tables there is more than one.
const SPACE: usize = 32;
/// What follows a name in Chinese, and the byte both begin with.
const WIDE: [&str; 2] = ["：", "＝"];
const WIDE_BEGINS: u8 = 0xef;
/// Names that a sentence may have before a colon.
const IN_PROSE: [&str; 4] = ["token", "session", "auth", "secret"];
/// What a value may stand between.
const QUOTES: [u8; 3] = [b'"', b'\'', b'`'];
/// The ends of names whose values are several words.
const HEADERS: [&str; 2] = ["authorization", "cookie"];

/// Whether there is anything in a text that names could stand before.
#[inline]
pub fn may_be_in(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr3(b'=', b':', b'>', bytes).is_some() || memchr(WIDE_BEGINS, bytes).is_some()
}

/// Adds the values after names of which `verdict` says that they are secrets. In source, what names or computes a value is none.
pub fn find(text: &str, is_source: bool, mut verdict: impl FnMut(&str) -> Verdict, found: &mut Vec<Found>) {
    let bytes = text.as_bytes();
    find_after(text, memchr3_iter(b'=', b':', b'>', bytes).map(|at| at..at + 1), is_source, &mut verdict, found);
    let wide = memchr_iter(WIDE_BEGINS, bytes).filter(|at| WIDE.iter().any(|sign| text[*at..].starts_with(sign)));
    find_after(text, wide.map(|at| at..at + WIDE[0].len()), is_source, &mut verdict, found);
}

fn find_after(
    text: &str,
    signs: impl Iterator<Item = Range<usize>>,
    is_source: bool,
    verdict: &mut impl FnMut(&str) -> Verdict,
    found: &mut Vec<Found>,
) {
    let mut end = 0;
    for sign in signs {
        // Inside a value that is a secret already there is nothing more to find.
        let Some(name) = Name::before(text, sign.start).filter(|_| sign.start >= end) else { continue };
        let (Verdict::Secret(action) | Verdict::SecretUnlessFlag(action)) = verdict(&text[name.range.clone()]) else {
            continue;
        };
        let Some(range) = name.value_after(text, sign) else { continue };
        let is_quoted = QUOTES.contains(&text.as_bytes()[range.start - 1]);
        if is_source && !is_quoted && is_expression(&text[range.clone()], &text[name.range.clone()]) {
            continue;
        }
        end = range.end;
        found.push(Found { range, action, rule: None });
    }
}

/// A name, and how it stands in the text.
struct Name {
    range: Range<usize>,
    quoted: bool,
}

impl Name {
    /// The name that ends where a sign such as `=`, `:` or `>` begins.
    fn before(text: &str, at: usize) -> Option<Self> {
        let bytes = text.as_bytes();
        let mut end = at;
        while end > 0 && at - end < SPACE && is_space(bytes[end - 1]) {
            end -= 1;
        }
        let quoted = end > 0 && matches!(bytes[end - 1], b'"' | b'\'');
        if quoted {
            end -= 1;
            // JSON in JSON.
            while end > 0 && bytes[end - 1] == b'\\' {
                end -= 1;
            }
        }
        let mut start = end;
        while start > 0 && end - start < LONGEST && is_of_name(bytes[start - 1]) {
            start -= 1;
        }
        while !text.is_char_boundary(start) {
            start += 1;
        }
        let is_tag = start > 0 && bytes[start - 1] == b'<';
        (start < end && (bytes[at] != b'>' || is_tag)).then_some(Self { range: start..end, quoted })
    }

    /// The value that begins behind a sign; none if that is nothing, or a sentence that goes on.
    fn value_after(&self, text: &str, sign: Range<usize>) -> Option<Range<usize>> {
        let (bytes, at) = (text.as_bytes(), sign.start);
        let is_colon = matches!(&text[sign.clone()], ":" | "：");
        let name = super::keys::normal(&text[self.range.clone()]);
        if bytes[at] == b'>' {
            let end = text[at..].find('<').map_or(text.len(), |length| at + length);
            return (at + 1 < end).then_some(at + 1..end);
        }
        if is_colon && !self.quoted && IN_PROSE.contains(&name.as_str()) {
            return None;
        }
        // `==` compares, `=>` and `:=` assign.
        let more = bytes[sign.end..].iter().take(2).take_while(|byte| matches!(byte, b'=' | b'>')).count();
        let space = bytes[sign.end + more..].iter().take(SPACE).take_while(|byte| is_space(**byte)).count();
        let start = sign.end + more + space;
        let value = quoted(text, start).unwrap_or_else(|| {
            let rest = &text[start..];
            let length = match bytes.get(start) {
                Some(open @ (b'[' | b'{' | b'(' | b'<')) => bracketed(&bytes[start..], *open),
                _ if HEADERS.iter().any(|header| name.ends_with(header)) => {
                    rest.find(['\r', '\n', '"', '\'']).unwrap_or(rest.len())
                }
                _ => rest.find(ends_value).unwrap_or(rest.len()),
            };
            start..start + length
        });
        // Literals that hide nothing stay.
        let plain = matches!(&text[value.clone()], "None" | "null" | "none" | "True" | "False" | "true" | "false");
        (!value.is_empty() && !plain).then_some(value)
    }
}

/// Whether what stands behind a name in source is the same name, a call, an item, or an attribute: `password=password`,
/// `token = read_token(`, `session=self.session`.
fn is_expression(value: &str, name: &str) -> bool {
    let end = value.find(|character: char| !character.is_ascii_alphanumeric() && !"_.".contains(character));
    let (path, rest) = value.split_at(end.unwrap_or(value.len()));
    let is_path = path.starts_with(|character: char| character.is_ascii_alphabetic() || character == '_');
    let is_attribute = ["self.", "cls.", "os.environ"].iter().any(|owner| path.starts_with(owner));
    is_path && (rest.starts_with(['(', '[']) || rest.is_empty() && (value == name || is_attribute))
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || byte >= 0x80
}

fn ends_value(character: char) -> bool {
    character.is_whitespace() || ",;&|<>\"'`)]}，；、。）】》」".contains(character)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// What stands between quotes that begin at `start`, perhaps after the letters that Python puts before them.
fn quoted(text: &str, start: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let letters = bytes[start..].iter().take(2).take_while(|byte| b"bBrRuUfF".contains(byte)).count();
    let slashes = bytes[start + letters..].iter().take_while(|byte| **byte == b'\\').count();
    let open = start + letters + slashes;
    let quote = *bytes.get(open).filter(|byte| QUOTES.contains(byte))?;
    let inside = open + 1;
    let mut before = 0;
    for (at, byte) in bytes[inside..].iter().enumerate() {
        if *byte == quote && (before == slashes || slashes == 0 && before % 2 == 0) {
            return Some(inside..inside + at - before.min(slashes));
        }
        before = if *byte == b'\\' { before + 1 } else { 0 };
    }
    Some(inside..text.len())
}

/// The length of what begins with a bracket, up to the one that closes it.
fn bracketed(bytes: &[u8], open: u8) -> usize {
    let close = match open {
        b'[' => b']',
        b'{' => b'}',
        b'<' => b'>',
        _ => b')',
    };
    let mut depth = 0_usize;
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == open {
            depth += 1;
        } else if *byte == close {
            depth -= 1;
            if depth == 0 {
                return at + 1;
            }
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::super::keys::Keys;
    use super::super::spec::Spec;
    use super::*;

    fn redacted(text: &str) -> String {
        let keys = Keys::new(&Spec::default());
        let mut found = Vec::new();
        find(text, false, |name| keys.of(name), &mut found);
        let mut out = text.to_owned();
        found.sort_by_key(|found| found.range.start);
        found.iter().rev().for_each(|found| out.replace_range(found.range.clone(), "*"));
        out
    }

    #[test]
    fn values_after_names_are_found() {
        for (text, expected) in [
            ("login password=hunter2 failed", "login password=* failed"),
            ("/path?token=abc&page=2", "/path?token=*&page=2"),
            (r#"{"password": "a \" b", "user": "x"}"#, r#"{"password": "*", "user": "x"}"#),
            (r#"{"api_key": 12345, "user": 1}"#, r#"{"api_key": *, "user": 1}"#),
            (r#"{\"password\": \"hunter2\", \"user\": \"x\"}"#, r#"{\"password\": \"*\", \"user\": \"x\"}"#),
            ("{'token': 'abc', 'n': 1}", "{'token': '*', 'n': 1}"),
            ("{'token': b'abc', 'n': 1}", "{'token': b'*', 'n': 1}"),
            ("Login(user='bob', password='two words')", "Login(user='bob', password='*')"),
            ("password: hunter2", "password: *"),
            ("Authorization: Digest a=b, c=\"d\"", "Authorization: *\"d\""),
            ("Cookie: a=b; c=d\r\nHost: x", "Cookie: *\r\nHost: x"),
            ("secrets=['a', 'b'] x", "secrets=* x"),
            ("credentials={'a': {'b': 1}}, y", "credentials=*, y"),
            ("<user>x</user><password>hunter2</password>", "<user>x</user><password>*</password>"),
            ("密码：x 密码=甲乙", "密码：* 密码=*"),
            ("用户：bob，密码：hunter2，登录失败", "用户：bob，密码：*，登录失败"),
            ("ｐａｓｓｗｏｒｄ＝hunter2", "ｐａｓｓｗｏｒｄ＝*"),
            ("password        = hunter2", "password        = *"),
            ("password\t:\t\thunter2", "password\t:\t\t*"),
            ("password:      hunter2", "password:      *"),
            ("password is password=`hun ter2`!", "password is password=`*`!"),
            ("password=<hun ter2>!", "password=*!"),
            ("password = \"never closed", "password = \"*"),
        ] {
            assert_eq!(redacted(text), expected, "{text}");
        }
    }

    #[test]
    fn in_source_only_what_is_written_out_is_one() {
        let keys = Keys::new(&Spec::default());
        let found = |text: &str| {
            let mut found = Vec::new();
            find(text, true, |name| keys.of(name), &mut found);
            found.len()
        };
        for text in [
            "session = requests.Session()",
            "f(password=password)",
            "token=self.token, x",
            "secret = os.environ[\"X\"]",
        ] {
            assert_eq!(found(text), 0, "{text}");
        }
        for text in [
            "f(password='hunter2')",
            "\"host=x password=hunter2\"",
            "{'token': \"x\"}",
            "secret = 'a(b)'",
            "pwd=b\"x\"",
        ] {
            assert_eq!(found(text), 1, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_one_stays() {
        for text in [
            "Invalid token: unexpected end",
            "token：无效",
            "missing field `token`: expected a text",
            "prompt_tokens=12",
            "x == y",
            "a => b",
            "password=",
            "password=None",
            "{'token': None}",
            "12:30:00",
            "session: started",
            "if a > b: pass",
            "<b>x</b>",
            "=",
            ":",
            ">",
            "'':",
            "error: no such file",
            "http://example.com:80/a=b",
        ] {
            assert_eq!(redacted(text), text);
        }
    }
}
