//! Other forms in which a value stands behind its name: elements, pairs in quotes, and options of commands.

use super::super::extent::{self, QUOTES};
use super::super::markup::Tag;
use super::name::name_that_ends;
use super::text::{is_space, spaces, up_to, without_spaces};
use super::{LONGEST, Search, is_header, is_name_key, is_value_key, is_word};

/// Names that only a space may separate from the value: `ALTER USER bob PASSWORD 'x'`, `IDENTIFIED BY 'x'`.
const BEFORE_SPACE: [&str; 5] = ["password", "passwd", "pwd", "passphrase", "identified by"];

impl Search<'_> {
    /// The content of an element, if the tag that ends here names a secret.
    pub(super) fn tag(&mut self, at: usize) {
        let from = std::mem::replace(&mut self.last_tag, at + 1);
        if at < self.end {
            return;
        }
        let Some(tag) = Tag::before(self.text, from, at) else { return };
        let name = &self.text[tag.name];
        // An attribute may name it: `<entry key="password">`.
        let named = self.named.filter(|(_, end)| *end > tag.begin);
        if let Some(action) = (self.secret)(name).or_else(|| named.map(|(action, _)| action)) {
            if let Some(content) = self.elements.content(self.text, at + 1) {
                self.put(content, action);
            }
        } else if is_value_key(name) {
            if let Some((action, end)) = self.named.take()
                && self.belong(end, tag.begin)
                && let Some(content) = self.elements.content(self.text, at + 1)
            {
                self.put(content, action);
            }
        } else if is_name_key(name) {
            let near = up_to(self.text, at + 1 + LONGEST);
            let Some(end) = near[at + 1..].find("</").map(|length| at + 1 + length) else { return };
            self.named = (self.secret)(self.text[at + 1..end].trim()).map(|action| (action, end));
        }
    }

    /// A value in quotes behind a name and a comma, `('authorization', 'Bearer …')`, or behind a space, `PASSWORD
    /// '…'`.
    pub(super) fn quote(&mut self, at: usize) {
        if at < self.end {
            return;
        }
        let bytes = self.bytes;
        if bytes.get(at + 1) == Some(&b',') {
            let start = at + 2 + spaces(&bytes[at + 2..]);
            let Some(range) = name_that_ends(self.text, at) else { return };
            let mut open = range.start;
            // The name is in quotes, which may be those of bytes.
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
            // A sentence in quotes is no secret. A statement of SQL is written in large letters.
            let is_statement = before.last().is_some_and(u8::is_ascii_uppercase);
            if let Some(value) = extent::quoted(self.text, at)
                && (is_statement || !self.text[value.clone()].contains(' '))
            {
                self.put(value, action);
            }
        }
    }

    /// The value behind an option of a command: `--password hunter2`. A plain word is part of a sentence, and no
    /// value.
    pub(super) fn option(&mut self, at: usize) {
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
