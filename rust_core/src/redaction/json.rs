//! Values that are JSON already: names at any depth, and every text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use crate::value::put_quoted;

use super::keys::Treatment;
use super::pairs;
use super::scanner::Scanner;
use super::spec::Action;

/// Puts one value of JSON without secrets, in the form of the capture. False if nothing was changed. Bytes that are no
/// JSON become a text that says so.
pub fn put(scanner: &mut Scanner, json: &str, by_name: bool, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let mut walk = Walk { scanner, bytes: json.as_bytes(), json, at: 0, by_name, changed: false };
    if walk.value(out, 0).is_none() || walk.at != json.len() {
        out.truncate(start);
        put_quoted("[REDACTED]", out);
        return true;
    }
    walk.changed
}

/// Containers inside containers. JSON that was checked before it came here has no more.
const DEPTH: usize = 128;
/// Bytes of a text that may be a name.
const LONGEST_NAME: usize = 66;

/// The state of one container while it is read.
#[derive(Debug, Default)]
struct ContainerState {
    /// New names of its members, and how often each came.
    renamed: HashMap<String, u32>,
    /// Set if one of its values is the name of a secret: `{"name": "API_KEY", "value": "…"}`, `["authorization",
    /// "Bearer …"]`.
    named: Option<ValueBeside>,
    /// The value of the neighbouring pair: where it was put, and where it was read.
    value: Option<(Range<usize>, Range<usize>)>,
    items: usize,
    /// The item before this one is an option whose value is a secret: `["mysql", "--password", "…"]`.
    option: Option<Action>,
}

/// The action for the value that belongs to a name. The second of two items may be a name as well.
#[derive(Debug, Clone, Copy)]
struct ValueBeside {
    action: Action,
    unless_word: bool,
}

struct Walk<'a> {
    scanner: &'a mut Scanner,
    json: &'a str,
    bytes: &'a [u8],
    at: usize,
    by_name: bool,
    changed: bool,
}

impl<'a> Walk<'a> {
    fn value(&mut self, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        match self.bytes.get(self.at)? {
            b'"' => {
                let raw = self.string()?;
                self.put_text(raw, out);
            }
            b'{' => self.container(out, depth, b'}', Self::member)?,
            b'[' => self.container(out, depth, b']', Self::item)?,
            _ => {
                let start = self.at;
                // Numbers, `true`, `false` and `null`. Anything else is refused.
                let is_of_plain = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
                let length = self.bytes[start..].iter().take_while(is_of_plain).count();
                self.at += length;
                let plain = (length > 0).then(|| &self.json[start..self.at])?;
                match self.scanner.number(plain) {
                    Some(replaced) => {
                        self.changed = true;
                        put_quoted(&replaced, out);
                    }
                    None => out.extend_from_slice(plain.as_bytes()),
                }
            }
        }
        Some(())
    }

    /// The members of an object, or the items of an array.
    fn container(
        &mut self,
        out: &mut Vec<u8>,
        depth: usize,
        close: u8,
        mut item: impl FnMut(&mut Self, &mut ContainerState, &mut Vec<u8>, usize) -> Option<()>,
    ) -> Option<()> {
        if depth >= DEPTH {
            return None;
        }
        out.push(self.bytes[self.at]);
        self.at += 1;
        let mut seen = ContainerState::default();
        self.skip_space();
        while *self.bytes.get(self.at)? != close {
            item(self, &mut seen, out, depth + 1)?;
            self.skip_space();
            if *self.bytes.get(self.at)? == b',' {
                self.at += 1;
                out.push(b',');
                self.skip_space();
            }
        }
        self.at += 1;
        if let (Some(named), Some(value)) = (seen.named, seen.value)
            && (close == b'}' || seen.items == 2)
        {
            self.replace_beside(named, value, out);
        }
        out.push(close);
        Some(())
    }

    /// Replaces a value that was put already, because of the name in a neighbouring pair.
    fn replace_beside(&mut self, named: ValueBeside, (put, given): (Range<usize>, Range<usize>), out: &mut Vec<u8>) {
        let secret = unescaped_value(&self.json[given]);
        if secret == "null" || is_flag(secret.as_bytes()) || named.unless_word && pairs::is_word(&secret) {
            return;
        }
        self.changed = true;
        let mut new = Vec::new();
        put_quoted(&self.scanner.replaced(named.action, &secret), &mut new);
        out.splice(put, new);
    }

    /// The action for the value of a neighbouring pair, if this text is the name of a secret.
    fn named(&mut self, given: &str) -> Option<Action> {
        if !self.by_name || given.len() > LONGEST_NAME || !given.starts_with('"') {
            return None;
        }
        match self.scanner.treatment(&unescaped_value(given)) {
            Treatment::Search => None,
            Treatment::Secret(action) | Treatment::SecretUnlessFlag(action) => Some(action),
        }
    }

    fn item(&mut self, seen: &mut ContainerState, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        let (start, put) = (self.at, out.len());
        self.value(out, depth)?;
        seen.items += 1;
        let given = &self.json[start..self.at];
        if let Some(action) = seen.option.take()
            && is_argument(given)
        {
            self.changed = true;
            out.truncate(put);
            put_quoted(&self.scanner.replaced(action, &unescaped_value(given)), out);
            return Some(());
        }
        if given.starts_with("\"--") {
            seen.option = self.named(given);
        }
        if seen.items == 1 {
            let unless_word = !pairs::is_header(given.trim_matches('"'));
            seen.named = self.named(given).map(|action| ValueBeside { action, unless_word });
        } else if seen.items == 2 && given.starts_with('"') {
            seen.value = Some((put..out.len(), start..self.at));
        }
        Some(())
    }

    fn member(&mut self, seen: &mut ContainerState, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        let raw = (*self.bytes.get(self.at)? == b'"').then(|| self.string())??;
        let name = unescaped(raw);
        self.put_name(raw, &name, &mut seen.renamed, out);
        self.skip_space();
        if *self.bytes.get(self.at)? != b':' {
            return None;
        }
        self.at += 1;
        out.push(b':');
        self.skip_space();
        let action = match self.by_name.then(|| self.scanner.treatment(&name)) {
            Some(Treatment::Secret(action)) => action,
            Some(Treatment::SecretUnlessFlag(action)) if !is_flag(&self.bytes[self.at..]) => action,
            _ => {
                let (start, put) = (self.at, out.len());
                self.value(out, depth)?;
                if pairs::is_name_key(&name) {
                    let action = self.named(&self.json[start..self.at]);
                    seen.named = action.map(|action| ValueBeside { action, unless_word: false }).or(seen.named);
                } else if pairs::is_value_key(&name) {
                    seen.value = Some((put..out.len(), start..self.at));
                }
                return Some(());
            }
        };
        let start = self.at;
        let by_name = std::mem::replace(&mut self.by_name, false);
        // Read past it, whatever it is.
        let mut nothing = Vec::new();
        self.value(&mut nothing, depth)?;
        self.by_name = by_name;
        let secret = &self.json[start..self.at];
        if secret == "null" {
            out.extend_from_slice(b"null");
            return Some(());
        }
        self.changed = true;
        put_quoted(&self.scanner.replaced(action, &unescaped_value(secret)), out);
        Some(())
    }

    /// A name that is a secret itself is replaced. Two such names of one object stay different.
    fn put_name(&mut self, raw: &str, name: &str, renamed: &mut HashMap<String, u32>, out: &mut Vec<u8>) {
        let Some(new) = self.scanner.text(name) else {
            out.push(b'"');
            out.extend_from_slice(raw.as_bytes());
            return out.push(b'"');
        };
        self.changed = true;
        let number = renamed.entry(new.clone()).and_modify(|number| *number += 1).or_insert(1);
        let key = if *number > 1 { format!("{new}.{number}") } else { new };
        put_quoted(&key, out);
    }

    fn put_text(&mut self, raw: &str, out: &mut Vec<u8>) {
        match self.scanner.text(&unescaped(raw)) {
            Some(new) => {
                self.changed = true;
                put_quoted(&new, out);
            }
            None => {
                out.push(b'"');
                out.extend_from_slice(raw.as_bytes());
                out.push(b'"');
            }
        }
    }

    /// The inside of the string that begins here, as it is written.
    fn string(&mut self) -> Option<&'a str> {
        let start = self.at + 1;
        let mut at = start;
        loop {
            at += memchr::memchr2(b'"', b'\\', self.bytes.get(at..)?)?;
            if self.bytes[at] == b'"' {
                break;
            }
            at += 2;
        }
        self.at = at + 1;
        self.json.get(start..at)
    }

    fn skip_space(&mut self) {
        while self.bytes.get(self.at).is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
            self.at += 1;
        }
    }
}

/// Whether an item may be the value of the option before it: a text that is no option itself, or a number.
fn is_argument(given: &str) -> bool {
    let first = given.bytes().find(|byte| *byte != b'"');
    if given.starts_with('"') {
        first.is_some_and(|first| first != b'-')
    } else {
        first.is_some_and(|first| first.is_ascii_digit())
    }
}

/// Whether the value that begins here is only a yes or a no.
fn is_flag(bytes: &[u8]) -> bool {
    bytes.starts_with(b"true") || bytes.starts_with(b"false")
}

/// The content of a string. The raw text if it cannot be decoded.
fn unescaped(raw: &str) -> Cow<'_, str> {
    if raw.contains('\\') {
        return serde_json::from_str::<String>(&format!("\"{raw}\"")).map_or(Cow::Borrowed(raw), Cow::Owned);
    }
    Cow::Borrowed(raw)
}

/// The content of a text, and the JSON of any other value. So equal secrets have equal hashes everywhere.
pub fn unescaped_value(json: &str) -> Cow<'_, str> {
    match json.strip_prefix('"').and_then(|json| json.strip_suffix('"')) {
        Some(raw) => unescaped(raw),
        None => Cow::Borrowed(json),
    }
}
