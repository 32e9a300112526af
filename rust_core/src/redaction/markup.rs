//! Elements of XML: `<wsse:Password Type="…">…</wsse:Password>`.

use std::ops::Range;

use memchr::{memchr, memmem, memrchr};

use super::work;

/// Bytes of a tag.
const TAG: usize = 1_024;
/// Elements without an end, after which only those count that hold nothing but a text: that bounds the time.
const UNCLOSED: usize = 8;
const CDATA: &[u8] = b"<![CDATA[";

/// A tag that begins an element.
#[derive(Debug)]
pub struct Tag {
    pub begin: usize,
    /// Its name without the prefix.
    pub name: Range<usize>,
}

impl Tag {
    /// The tag that ends at a `>` and begins behind `from`, where the one before it ended.
    pub fn before(text: &str, from: usize, at: usize) -> Option<Self> {
        let bytes = text.as_bytes();
        let from = from.max(at.saturating_sub(TAG));
        let begin = from + memrchr(b'<', bytes.get(from..at)?)?;
        let inner = &bytes[begin + 1..at];
        if inner.ends_with(b"/") {
            return None;
        }
        let length = inner.iter().position(u8::is_ascii_whitespace).unwrap_or(inner.len());
        let attributes = &inner[length..];
        // `<requests.Session object at 0x7f…>` is none.
        if !attributes.trim_ascii().is_empty() && memchr(b'=', attributes).is_none() {
            return None;
        }
        let prefix = memrchr(b':', &inner[..length]).map_or(0, |colon| colon + 1);
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte) || *byte >= 0x80;
        let name = begin + 1 + prefix..begin + 1 + length;
        (!name.is_empty() && inner[..length].iter().all(|byte| is_name(byte) || *byte == b':'))
            .then_some(Self { begin, name })
    }
}

/// Reads elements of one text.
#[derive(Debug, Default)]
pub struct Elements {
    unclosed: usize,
}

impl Elements {
    /// What an element holds whose tag ends before `start`.
    pub fn content(&mut self, text: &str, start: usize) -> Option<Range<usize>> {
        let bytes = text.as_bytes();
        let (mut at, mut depth) = (start, 0_usize);
        loop {
            let Some(found) = memchr(b'<', &bytes[at..]) else {
                work::add(bytes.len() - at);
                self.unclosed += usize::from(at > start);
                // Cut off, if it is markup at all.
                let is_cut = at == start && is_markup(&bytes[..start]);
                return (is_cut && start < bytes.len()).then_some(start..bytes.len());
            };
            let here = at + found;
            work::add(found + 1);
            let rest = &bytes[here..];
            if rest.starts_with(CDATA) {
                let Some(length) = memmem::find(rest, b"]]>") else {
                    return Some(here + CDATA.len()..bytes.len()).filter(|rest| !rest.is_empty());
                };
                at = here + length + 3;
            } else if rest.starts_with(b"</") {
                if depth == 0 {
                    return whole(text, start..here);
                }
                depth -= 1;
                at = here + 2;
            } else if self.unclosed >= UNCLOSED {
                return None;
            } else if rest.get(1).is_some_and(u8::is_ascii_alphabetic) {
                let length = memchr(b'>', rest).unwrap_or(rest.len() - 1);
                depth += usize::from(rest[length - 1] != b'/');
                at = here + length + 1;
            } else {
                at = here + 1;
            }
        }
    }
}

/// Whether there was an end of an element, or a declaration, near before.
fn is_markup(before: &[u8]) -> bool {
    let near = &before[before.len().saturating_sub(TAG)..];
    [&b"</"[..], b"/>", b"<?xml"].iter().any(|sign| memmem::find(near, sign).is_some())
}

/// The content; of one that is a section of characters, what stands in that.
fn whole(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let inner = text[range.clone()].trim();
    if inner.is_empty() {
        return None;
    }
    let begin = range.start + (text[range.clone()].len() - text[range.clone()].trim_start().len());
    let is_section = inner.as_bytes().starts_with(CDATA) && inner.ends_with("]]>");
    if is_section && inner[CDATA.len()..].find("]]>") == Some(inner.len() - CDATA.len() - 3) {
        let section = begin + CDATA.len()..begin + inner.len() - 3;
        return (!section.is_empty()).then_some(section);
    }
    Some(range)
}
