//! A sign behind a name: `password=…`, `"token": "…"`.

use std::ops::Range;

use memchr::{memchr, memchr_iter};

use super::super::extent::{self, QUOTES};
use super::super::keys::{SIGNATURE, normal};
use super::super::spec::Action;
use super::super::work;
use super::name::Name;
use super::text::{is_computed, is_made_up, plain_value, spaces, up_to, without_spaces};
use super::{HEADERS, LONGEST, SPACE, Search, is_name_key, is_value_key};

/// Names that a sentence may have before a colon.
const IN_PROSE: [&str; 4] = ["token", "session", "auth", "secret"];
/// Words that a sentence may have between a name and a sign: `my password is: …`, `密码是：…`.
const VERBS: [&str; 2] = ["is", "was"];
const WIDE_VERBS: [char; 2] = ['是', '为'];
/// The most bytes between the two pairs.
const BETWEEN: usize = 256;
/// After this many unclosed brackets of a text, no more are searched. That bounds the time.
const UNCLOSED: usize = 8;
/// The text before the name of a form's part.
const FORM_DATA: &[u8] = b"form-data;";

impl Search<'_> {
    /// The value after a sign such as `=`, if a name stands before the sign.
    pub(super) fn pair(&mut self, sign: Range<usize>) {
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
        if let Some(action) = self.action_of(&mut name) {
            if let Some(value) = self.value_after(&name, sign)
                && !(self.is_source && self.is_expression(&name, &value))
            {
                self.put(value, action);
            }
        } else if is_name_key(known) {
            self.name_key(&name, sign);
        } else if is_value_key(known) {
            self.value_key(&name, sign);
        }
    }

    /// How the value under a name is treated. The name is one of two words only if both together are known.
    fn action_of(&mut self, name: &mut Name) -> Option<Action> {
        let (text, range) = (self.text, name.range.clone());
        let of_phrase = name.phrase.clone().and_then(|phrase| (self.secret)(&text[phrase]));
        if of_phrase.is_none() {
            name.phrase = None;
        }
        if let Some(action) = (self.secret)(&text[range.clone()]).or(of_phrase) {
            return Some(action);
        }
        // `sig` in a URL belongs to a shared access signature.
        let is_signature = &text[range.clone()] == "sig" && text[..range.start].ends_with(['?', '&']);
        if is_signature { (self.secret)(SIGNATURE) } else { None }
    }

    /// If this value is the name of a secret, remembers that the value of a neighbouring pair is the secret.
    fn name_key(&mut self, name: &Name, sign: Range<usize>) {
        // The value of a name key is a name, and short. No more is read, since other values may have no end.
        let near = up_to(self.text, sign.end + SPACE + 2 * LONGEST);
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

    fn value_key(&mut self, name: &Name, sign: Range<usize>) {
        match self.named.take() {
            Some((action, end)) if self.belong(end, name.range.start) => {
                if let Some(value) = plain_value(self.text, sign.end) {
                    self.put(value, action);
                }
            }
            _ => self.value = Some(sign.end),
        }
    }

    /// Whether two pairs are of one object, with no end of an object between them.
    pub(super) fn belong(&self, end: usize, start: usize) -> bool {
        let Some(between) = self.bytes.get(end..start).filter(|between| between.len() <= BETWEEN) else { return false };
        memchr(b'}', between).is_none()
            && !memchr_iter(b'\n', between).any(|newline| between[newline + 1..].trim_ascii_start().starts_with(b"-"))
    }

    /// The value that begins behind a sign. `None` if it is empty, or the rest of a sentence.
    fn value_after(&mut self, name: &Name, sign: Range<usize>) -> Option<Range<usize>> {
        let (text, bytes) = (self.text, self.bytes);
        let is_colon = matches!(&text[sign.clone()], ":" | "：");
        let known = normal(&text[name.range.clone()]);
        // `==` compares, `=>` and `:=` assign.
        let more = match &bytes[sign.end..] {
            // LDIF has two colons before a value in Base64.
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
        if is_prose && !is_made_up(&bytes[start..], name.phrase.clone().map(|phrase| &text[phrase]))
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

    /// Where a value without quotes ends. A value in brackets ends with them, even with a name before them:
    /// `SecretStr('…')`.
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
            // A structure that is cut off is the value up to its end.
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

    /// Whether the value behind a name in source is the same name or an attribute: `password=password`,
    /// `session=self.session`.
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
}
