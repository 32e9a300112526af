//! Names in texts, and the values after them: `password=…`, `"token": "…"`, `<secret>…</secret>`, `{"name": "API_KEY", "value": "…"}`.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2_iter, memchr3_iter};

use super::extent::{self, QUOTES, Strings};
use super::keys::{SIGNATURE, Verdict, normal};
use super::kinds::{self, Kinds};
use super::markup::{Elements, Tag};
use super::patterns::Found;
use super::spec::Action;
use super::work;

/// Bytes of a name.
const LONGEST: usize = 64;
/// White space between a name, what follows it, and the value: in tables there is more than one.
const SPACE: usize = 32;
/// What follows a name in Chinese, and the byte both begin with.
const WIDE: [&str; 2] = ["：", "＝"];
const WIDE_BEGINS: u8 = 0xef;
/// Names that a sentence may have before a colon.
const IN_PROSE: [&str; 4] = ["token", "session", "auth", "secret"];
/// Words that a sentence may have between a name and a sign: `my password is: …`, `密码是：…`.
const VERBS: [&str; 2] = ["is", "was"];
const WIDE_VERBS: [char; 2] = ['是', '为'];
/// Last words of names that are two: `api key`, `card number`.
const LAST_OF_TWO: [&str; 8] = ["key", "keys", "id", "number", "string", "card", "code", "phrase"];
/// The ends of names whose values are several words.
const HEADERS: [&str; 3] = ["authorization", "cookie", "cookies"];
/// What says that its value is a name, and that its value is what stands under that: `{"name": "API_KEY", "value": "…"}`.
const SAYS_NAME: [&str; 8] = ["name", "key", "parameterkey", "field", "header", "variable", "parameter", "param"];
const SAYS_VALUE: [&str; 4] = ["value", "parametervalue", "val", "string"];
/// Bytes between the two.
const BETWEEN: usize = 256;
/// Names after which a value may stand with a space alone: `ALTER USER bob PASSWORD 'x'`, `IDENTIFIED BY 'x'`.
const BEFORE_SPACE: [&str; 5] = ["password", "passwd", "pwd", "passphrase", "identified by"];
/// Characters of something that looks made up and not written.
const RANDOM: usize = 16;
const SHORT: usize = 6;
/// Brackets of one text that are not closed, after which none is looked for: that bounds the time.
const UNCLOSED: usize = 8;
/// What stands before the name of a form's part.
const FORM_DATA: &[u8] = b"form-data;";

/// What a text has that names could stand before.
pub const BEGIN: u8 = kinds::SIGN | kinds::WIDE | kinds::QUOTE | kinds::HYPHEN;

/// Whether a name is that of a header whose value is several words.
pub fn is_header(name: &str) -> bool {
    let name = normal(name);
    HEADERS.iter().any(|header| name.ends_with(header))
}

/// Whether a name says that its value is one.
pub fn says_name(name: &str) -> bool {
    name.len() <= 12 && SAYS_NAME.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether a name says that its value belongs to the name beside it.
pub fn says_value(name: &str) -> bool {
    name.len() <= 14 && SAYS_VALUE.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether a text is one word, as names are: of two in a pair the second may be another name.
pub fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'-')
}

/// Adds the values after names of which `verdict` says that they are secrets. In source, what names or computes a value is none.
pub fn find(
    text: &str,
    kinds: Kinds,
    is_source: bool,
    mut verdict: impl FnMut(&str) -> Verdict,
    found: &mut Vec<Found>,
) {
    let bytes = text.as_bytes();
    let mut secret = |name: &str| match verdict(name) {
        Verdict::Secret(action) | Verdict::SecretUnlessFlag(action) => Some(action),
        Verdict::Search => None,
    };
    if kinds.have(kinds::SIGN) {
        let mut look = Look::new(text, is_source, &mut secret, found);
        for at in memchr3_iter(b'=', b':', b'>', bytes) {
            if bytes[at] == b'>' {
                look.tag(at);
            } else {
                look.pair(at..at + 1);
            }
        }
    }
    if kinds.have(kinds::WIDE) {
        let mut look = Look::new(text, is_source, &mut secret, found);
        let wide = memchr_iter(WIDE_BEGINS, bytes).filter(|at| WIDE.iter().any(|sign| text[*at..].starts_with(sign)));
        for at in wide {
            look.pair(at..at + WIDE[0].len());
        }
    }
    if kinds.have(kinds::QUOTE) && !is_source {
        let mut look = Look::new(text, is_source, &mut secret, found);
        for at in memchr2_iter(b'"', b'\'', bytes) {
            look.quote(at);
        }
    }
    if kinds.have(kinds::HYPHEN) && !is_source {
        let mut look = Look::new(text, is_source, &mut secret, found);
        // Options have a letter and a space behind them.
        for at in memchr_iter(b'-', bytes) {
            if bytes.get(at + 1) == Some(&b'-') {
                look.option(at);
            }
        }
    }
}

/// One way through a text, from the front to the back.
struct Look<'a> {
    text: &'a str,
    bytes: &'a [u8],
    is_source: bool,
    secret: &'a mut dyn FnMut(&str) -> Option<Action>,
    found: &'a mut Vec<Found>,
    /// Where the last secret ended: inside it there is nothing more to find.
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

impl<'a> Look<'a> {
    fn new(
        text: &'a str,
        is_source: bool,
        secret: &'a mut dyn FnMut(&str) -> Option<Action>,
        found: &'a mut Vec<Found>,
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
            self.found.push(Found { range, action, rule: None });
        }
    }

    /// What stands after a sign such as `=`, if a name stands before it.
    fn pair(&mut self, sign: Range<usize>) {
        work::add(1);
        if sign.start < self.end {
            return;
        }
        let Some(mut name) = Name::before(self.text, sign.start) else { return };
        let mut known = &self.text[name.range.clone()];
        if VERBS.iter().any(|verb| known.eq_ignore_ascii_case(verb)) && !name.quoted {
            let Some(subject) = Name::before(self.text, name.range.start) else { return };
            name = subject;
            known = &self.text[name.range.clone()];
        } else if known.ends_with(WIDE_VERBS) {
            known = known.trim_end_matches(WIDE_VERBS);
            name.range.end = name.range.start + known.len();
        }
        if let Some(action) = self.action_of(&name) {
            if let Some(value) = self.value_after(&name, sign)
                && !(self.is_source && self.is_expression(&name, &value))
            {
                self.put(value, action);
            }
        } else if says_name(known) {
            self.say_name(&name, sign);
        } else if says_value(known) {
            self.say_value(&name, sign);
        }
    }

    fn action_of(&mut self, name: &Name) -> Option<Action> {
        let (text, range) = (self.text, name.range.clone());
        if let Some(action) = (self.secret)(&text[range.clone()]) {
            return Some(action);
        }
        if let Some(phrase) = &name.phrase {
            return (self.secret)(&text[phrase.clone()]);
        }
        // Of a shared access signature.
        let is_signature = &text[range.clone()] == "sig" && text[..range.start].ends_with(['?', '&']);
        if is_signature { (self.secret)(SIGNATURE) } else { None }
    }

    /// Keeps in mind that the value beside this one is a secret, if this one is the name of one.
    fn say_name(&mut self, name: &Name, sign: Range<usize>) {
        // The value of a name is one; no more is read of others, which may have no end.
        let near = before_place(self.text, sign.end + SPACE + 2 * LONGEST);
        let Some(value) = plain_value(near, sign.end) else { return };
        let Some(action) = (self.secret)(&self.text[value.clone()]) else { return };
        let before = without_spaces(&self.bytes[..name.range.start]);
        if before.len() >= FORM_DATA.len()
            && before[before.len() - FORM_DATA.len()..].eq_ignore_ascii_case(FORM_DATA)
            && let Some(part) = extent::form_part(self.text, value.end)
        {
            return self.put(part, action);
        }
        if let Some(start) = self.value.take()
            && let Some(before) = plain_value(&self.text[..name.range.start], start)
            && self.belong(before.end, name.range.start)
        {
            return self.put(before, action);
        }
        self.named = Some((action, value.end));
    }

    fn say_value(&mut self, name: &Name, sign: Range<usize>) {
        match self.named.take() {
            Some((action, end)) if self.belong(end, name.range.start) => {
                if let Some(value) = plain_value(self.text, sign.end) {
                    self.put(value, action);
                }
            }
            _ => self.value = Some(sign.end),
        }
    }

    /// Whether two pairs are of one object: nothing that ends one stands between them.
    fn belong(&self, end: usize, start: usize) -> bool {
        let Some(between) = self.bytes.get(end..start).filter(|between| between.len() <= BETWEEN) else { return false };
        memchr(b'}', between).is_none()
            && !memchr_iter(b'\n', between).any(|newline| between[newline + 1..].trim_ascii_start().starts_with(b"-"))
    }

    /// The value that begins behind a sign; none if that is nothing, or a sentence that goes on.
    fn value_after(&mut self, name: &Name, sign: Range<usize>) -> Option<Range<usize>> {
        let (text, bytes) = (self.text, self.bytes);
        let is_colon = matches!(&text[sign.clone()], ":" | "：");
        let known = normal(&text[name.range.clone()]);
        // `==` compares, `=>` and `:=` assign.
        let more = match &bytes[sign.end..] {
            // LDIF has two where the value is in Base64.
            [b':', b' ', ..] if is_colon => 1,
            // A path of a program: `auth::login`.
            [b':', ..] if is_colon => return None,
            rest => rest.iter().take(2).take_while(|byte| matches!(byte, b'=' | b'>')).count(),
        };
        let start = sign.end + more + spaces(&bytes[sign.end + more..]);
        let is_prose = is_colon && !name.quoted && (IN_PROSE.contains(&known.as_str()) || name.phrase.is_some());
        let is_folded = matches!(bytes.get(start), Some(b'|' | b'>'));
        if is_colon
            && (!is_prose || is_folded)
            && let Some(block) = extent::block(text, name.range.start, start)
        {
            return Some(block);
        }
        if is_prose && !is_made_up(&bytes[start..], name.phrase.is_some())
            || self.is_source && is_computed(&bytes[start..])
        {
            return None;
        }
        let is_header = HEADERS.iter().any(|header| known.ends_with(header));
        let value = if is_header && !name.quoted {
            self.header(start)
        } else {
            extent::quoted(text, start).unwrap_or_else(|| start..self.bare(start))
        };
        // Literals that hide nothing stay.
        let plain = matches!(&text[value.clone()], "None" | "null" | "none" | "True" | "False" | "true" | "false");
        (!value.is_empty() && !plain).then_some(value)
    }

    fn header(&mut self, start: usize) -> Range<usize> {
        if let Some(value) = extent::quoted(self.text, start)
            && !self.bytes[value.end..].iter().skip(1).take(2).any(|byte| *byte == b';')
        {
            return value;
        }
        if let Some(length) =
            self.bytes.get(start).filter(|open| **open == b'[').and_then(|_| extent::bracketed(&self.bytes[start..]))
        {
            return start..start + length;
        }
        let around = self.strings.around(self.bytes, start);
        start..extent::header(self.text, start, around)
    }

    /// Where a value without quotes ends. One in brackets ends with them, also with a name before them: `SecretStr('…')`.
    fn bare(&mut self, start: usize) -> usize {
        let bytes = self.bytes;
        if self.unclosed > UNCLOSED {
            return extent::bare(self.text, start);
        }
        let is_of_call = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.".contains(byte);
        let open = start + bytes[start..].iter().take(LONGEST).take_while(is_of_call).count();
        let closed = match bytes.get(open) {
            Some(b'(') => self.closed(open),
            Some(b'<') if open == start => self.closed(open),
            // Of a structure that is cut off all is one.
            Some(b'[' | b'{') if open == start => Some(extent::bracketed(&bytes[open..]).unwrap_or(bytes.len() - open)),
            _ => None,
        };
        match closed.map(|length| open + length) {
            Some(end) if !bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) => end,
            Some(end) => extent::bare(self.text, end),
            None => extent::bare(self.text, start),
        }
    }

    fn closed(&mut self, open: usize) -> Option<usize> {
        let closed = extent::bracketed(&self.bytes[open..]);
        self.unclosed += usize::from(closed.is_none());
        closed
    }

    /// Whether what stands behind a name in source is the same name, or an attribute: `password=password`, `session=self.session`.
    fn is_expression(&self, name: &Name, value: &Range<usize>) -> bool {
        if QUOTES.contains(&self.bytes[value.start - 1]) {
            return false;
        }
        let (known, value) = (&self.text[name.range.clone()], &self.text[value.clone()]);
        let is_path = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte))
            && !value.starts_with(|first: char| first.is_ascii_digit() || first == '.');
        let is_attribute = ["self.", "cls.", "os.environ"].iter().any(|owner| value.starts_with(owner));
        is_path && (value == known || is_attribute || name.bracketed)
    }

    /// What stands in an element, if the tag that ends here says that it is a secret.
    fn tag(&mut self, at: usize) {
        let from = std::mem::replace(&mut self.last_tag, at + 1);
        if at < self.end {
            return;
        }
        let Some(tag) = Tag::before(self.text, from, at) else { return };
        let name = &self.text[tag.name];
        // An attribute may say so: `<entry key="password">`.
        let named = self.named.filter(|(_, end)| *end > tag.begin);
        if let Some(action) = (self.secret)(name).or_else(|| named.map(|(action, _)| action)) {
            if let Some(content) = self.elements.content(self.text, at + 1) {
                self.put(content, action);
            }
        } else if says_value(name) {
            if let Some((action, end)) = self.named.take()
                && self.belong(end, tag.begin)
                && let Some(content) = self.elements.content(self.text, at + 1)
            {
                self.put(content, action);
            }
        } else if says_name(name) {
            let near = before_place(self.text, at + 1 + LONGEST);
            let Some(end) = near[at + 1..].find("</").map(|length| at + 1 + length) else { return };
            self.named = (self.secret)(self.text[at + 1..end].trim()).map(|action| (action, end));
        }
    }

    /// What stands between quotes behind a name and a comma, `('authorization', 'Bearer …')`, or a space, `PASSWORD '…'`.
    fn quote(&mut self, at: usize) {
        if at < self.end {
            return;
        }
        let bytes = self.bytes;
        if bytes.get(at + 1) == Some(&b',') {
            let start = at + 2 + spaces(&bytes[at + 2..]);
            let Some(range) = name_that_ends(self.text, at) else { return };
            let mut open = range.start;
            // In its quotes, perhaps of bytes.
            if open == 0 || bytes[open - 1] != bytes[at] {
                return;
            }
            open -= 1;
            open -= usize::from(open > 0 && bytes[open - 1] == b'b');
            let name = &self.text[range];
            let option = name.strip_prefix("--");
            let is_first = open > 0 && matches!(bytes[open - 1], b'(' | b'[');
            let rest = &bytes[start..];
            let is_quoted = rest.strip_prefix(b"b").unwrap_or(rest).first() == Some(&bytes[at]);
            if !is_first && option.is_none() || !is_quoted {
                return;
            }
            let Some(action) = (self.secret)(option.unwrap_or(name)) else { return };
            let Some(value) = extent::quoted(self.text, start) else { return };
            let is_last = matches!(bytes.get(value.end + 1), Some(b')' | b']'));
            let known = &self.text[value.clone()];
            if option.is_some() && !known.starts_with('-') || is_last && (is_header(name) || !is_word(known)) {
                self.put(value, action);
            }
        } else if at > 0 && is_space(bytes[at - 1]) {
            let before = without_spaces(&bytes[..at]);
            let before = &before[before.len().saturating_sub(LONGEST)..];
            let is_name = |name: &&str| {
                before.len() >= name.len()
                    && before[before.len() - name.len()..].eq_ignore_ascii_case(name.as_bytes())
                    && !before[..before.len() - name.len()].last().is_some_and(u8::is_ascii_alphanumeric)
            };
            let Some(name) = BEFORE_SPACE.into_iter().find(is_name) else { return };
            let Some(action) = (self.secret)(if name.ends_with("by") { BEFORE_SPACE[0] } else { name }) else { return };
            // A sentence in quotes is none; a statement of SQL is written in large letters.
            let is_statement = before.last().is_some_and(u8::is_ascii_uppercase);
            if let Some(value) = extent::quoted(self.text, at)
                && (is_statement || !self.text[value.clone()].contains(' '))
            {
                self.put(value, action);
            }
        }
    }

    /// What stands behind an option of a command: `--password hunter2`. A word is one of a sentence.
    fn option(&mut self, at: usize) {
        let bytes = self.bytes;
        if at < self.end || at > 0 && !(is_space(bytes[at - 1]) || QUOTES.contains(&bytes[at - 1])) {
            return;
        }
        let start = at + 2;
        let length = bytes[start..]
            .iter()
            .take(LONGEST)
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte))
            .count();
        let (name, space) = (&self.text[start..start + length], start + length);
        if length == 0 || !bytes.get(space).is_some_and(|byte| is_space(*byte)) {
            return;
        }
        let Some(action) = (self.secret)(name) else { return };
        let begin = space + spaces(&bytes[space..]);
        let quoted = extent::quoted(self.text, begin);
        let value = quoted.clone().unwrap_or_else(|| begin..extent::bare(self.text, begin));
        let known = &self.text[value.clone()];
        if quoted.is_some() || !is_word(known) && known.starts_with(|first: char| first.is_alphanumeric()) {
            self.put(value, action);
        }
    }
}

/// A name, and how it stands in the text.
struct Name {
    range: Range<usize>,
    /// With the words before it, where it may be one of two.
    phrase: Option<Range<usize>>,
    quoted: bool,
    bracketed: bool,
}

impl Name {
    /// The name that ends where a sign such as `=` or `:` begins.
    fn before(text: &str, at: usize) -> Option<Self> {
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
        let is_one_of_two = LAST_OF_TWO.iter().any(|word| last.eq_ignore_ascii_case(word));
        let phrase = if is_one_of_two { phrase(bytes, range.clone()) } else { None };
        // In prose names stand between backticks.
        Some(Self { range, phrase, quoted: quote.is_some_and(|quote| quote != b'`'), bracketed })
    }
}

fn name_that_ends(text: &str, end: usize) -> Option<Range<usize>> {
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

/// Whether a value is rather something made up than a word of a sentence. Behind two words less tells it: `api key: x7y8z9`.
fn is_made_up(rest: &[u8], is_phrase: bool) -> bool {
    let is_token = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-.+/=~".contains(byte);
    let length = rest.iter().take(4 * RANDOM).take_while(is_token).count();
    let value = &rest[..length];
    let count = |is: &dyn Fn(&u8) -> bool| value.iter().filter(|byte| is(byte)).count();
    let (digits, letters) = (count(&u8::is_ascii_digit), count(&u8::is_ascii_alphabetic));
    let is_quoted = rest.first().is_some_and(|first| QUOTES.contains(first));
    let least = if is_phrase { (SHORT, 1, 1) } else { (RANDOM, 3, 3) };
    is_quoted && is_phrase || !value.starts_with(b"/") && length >= least.0 && digits >= least.1 && letters >= least.2
}

/// Whether source that begins here computes a value: a call or an item, `read_token(…)`, `values["x"]`.
fn is_computed(rest: &[u8]) -> bool {
    let is_of_path = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.".contains(byte);
    let length = rest.iter().take(LONGEST).take_while(is_of_path).count();
    let begins = rest.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_');
    begins && matches!(rest.get(length), Some(b'(' | b'['))
}

/// A text up to a place, or to the character before it.
fn before_place(text: &str, at: usize) -> &str {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    &text[..at]
}

/// The value that begins behind a sign, whatever it is.
fn plain_value(text: &str, start: usize) -> Option<Range<usize>> {
    let start = start + spaces(text.as_bytes().get(start..)?);
    let value = extent::quoted(text, start).unwrap_or_else(|| start..extent::bare(text, start));
    (!value.is_empty()).then_some(value)
}

fn without_spaces(bytes: &[u8]) -> &[u8] {
    let count = bytes.iter().rev().take(SPACE).take_while(|byte| is_space(**byte)).count();
    &bytes[..bytes.len() - count]
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || byte >= 0x80
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn spaces(bytes: &[u8]) -> usize {
    bytes.iter().take(SPACE).take_while(|byte| is_space(**byte)).count()
}

#[cfg(test)]
mod tests {
    use super::super::keys::Keys;
    use super::super::spec::Spec;
    use super::*;

    fn redacted(text: &str) -> String {
        let keys = Keys::new(&Spec::default());
        let mut found = Vec::new();
        find(text, Kinds::of(text), false, |name| keys.of(name), &mut found);
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
            ("Authorization: Digest a=b, c=\"d\"", "Authorization: *"),
            ("Cookie: a=b; c=d\r\nHost: x", "Cookie: *\r\nHost: x"),
            ("secrets=['a', 'b'] x", "secrets=* x"),
            ("credentials={'a': {'b': 1}}, y", "credentials=*, y"),
            ("<user>x</user><password>hunter2</password>", "<user>x</user><password>*</password>"),
            ("密码：x 密码=甲乙", "密码：* 密码=*"),
            ("用户：bob，密码：hunter2，登录失败", "用户：bob，密码：*，登录失败"),
            ("ｐａｓｓｗｏｒｄ＝hunter2", "ｐａｓｓｗｏｒｄ＝*"),
            ("my password is: hunter2", "my password is: *"),
            ("The API key was: x7y8z9", "The API key was: *"),
            ("用户密码是：hunter2，密码为: x", "用户密码是：*，密码为: *"),
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
            find(text, Kinds::of(text), true, |name| keys.of(name), &mut found);
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
            "the session is: started",
            "the token was: rejected",
            "is: x",
            "this is: a test",
            "是：x",
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
