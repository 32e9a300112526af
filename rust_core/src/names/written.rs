//! The list of names, in the form in which a black box repeats it.
//!
//! One entry after the other: kind (1 byte), number (4), length of what follows (4), check (4), then texts with their
//! lengths before them. Numbers of each kind count up from 0, so a reader needs nothing but the entries.

use std::collections::HashMap;

use super::Names;
use crate::record::Site;
use crate::value::Put;

pub const SITE: u8 = 1;
pub const LOGGER: u8 = 2;
pub const THREAD: u8 = 3;
pub const LEVEL: u8 = 4;
/// A site whose message stands before its fields.
pub const SITE_WITH_MESSAGE: u8 = 5;

/// Bytes a list of names may have.
pub const ROOM: usize = 1_015_808;
const HEAD: usize = 13;

fn entry(kind: u8, number: u32, content: &[u8]) -> Vec<u8> {
    let mut entry = Vec::with_capacity(HEAD + content.len());
    entry.push(kind);
    entry.extend_from_slice(&number.to_le_bytes());
    entry.extend_from_slice(&crate::value::length(content.len()).to_le_bytes());
    entry.extend_from_slice(&check(kind, number, content).to_le_bytes());
    entry.extend_from_slice(content);
    entry
}

fn check(kind: u8, number: u32, content: &[u8]) -> u32 {
    crate::checksum::of(content) as u32 ^ number.rotate_left(8) ^ u32::from(kind)
}

pub fn text(kind: u8, number: u32, text: &str) -> Vec<u8> {
    entry(kind, number, text.as_bytes())
}

pub fn site(number: u32, site: &Site) -> Vec<u8> {
    let mut content = Vec::new();
    content.put_text(&site.module);
    content.put_text(&site.function);
    content.put(&site.line.to_le_bytes());
    for text in site.message.iter().chain(&site.fields) {
        content.put_text(text);
    }
    entry(if site.message.is_some() { SITE_WITH_MESSAGE } else { SITE }, number, &content)
}

/// Bytes of any origin, read from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn u32(&mut self) -> Option<u32> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*head))
    }

    fn text(&mut self) -> Option<String> {
        let count = self.u32()? as usize;
        String::from_utf8(self.take(count)?.to_vec()).ok()
    }
}

/// The names of a list of names; `None` if it is not whole.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Names> {
    let mut bytes = Bytes(bytes);
    let (mut sites, mut loggers, mut threads, mut levels) = (Vec::new(), Vec::new(), Vec::new(), HashMap::new());
    while !bytes.0.is_empty() {
        let kind = bytes.take(1)?[0];
        let (number, length, expected) = (bytes.u32()?, bytes.u32()? as usize, bytes.u32()?);
        let content = bytes.take(length)?;
        if check(kind, number, content) != expected {
            return None;
        }
        let text = || String::from_utf8(content.to_vec()).ok();
        let count = match kind {
            SITE | SITE_WITH_MESSAGE => {
                sites.push(read_site(content, kind == SITE_WITH_MESSAGE)?);
                sites.len()
            }
            LOGGER => {
                loggers.push(text()?);
                loggers.len()
            }
            THREAD => {
                threads.push(text()?);
                threads.len()
            }
            LEVEL => {
                levels.insert(number.cast_signed(), text()?);
                continue;
            }
            _ => return None,
        };
        if count != number as usize + 1 {
            return None;
        }
    }
    Names::from_parts(sites, loggers, threads, levels)
}

fn read_site(content: &[u8], has_message: bool) -> Option<Site> {
    let mut bytes = Bytes(content);
    let (module, function, line) = (bytes.text()?, bytes.text()?, bytes.u32()?);
    let message = if has_message { Some(bytes.text()?) } else { None };
    let mut fields = Vec::new();
    while !bytes.0.is_empty() {
        fields.push(bytes.text()?);
    }
    Some(Site { module, function, line, fields, message })
}
