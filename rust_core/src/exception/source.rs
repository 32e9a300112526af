//! Source lines for tracebacks, from regular files with absolute paths only, within bounds.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use encoding_rs::Encoding;

use crate::memory;

const FILES: usize = 64;
/// Bytes of one file, and of all that are kept.
const FILE_BYTES: u64 = 4 << 20;
const BYTES: usize = 8 << 20;
/// A file is looked at again for changes after this.
const FRESH: Duration = Duration::from_secs(1);

/// Source files read lately.
#[derive(Debug, Default)]
pub struct SourceCache {
    files: HashMap<String, Source>,
    bytes: usize,
}

#[derive(Debug)]
struct Source {
    text: String,
    /// Where lines begin, and the end.
    starts: Vec<usize>,
    version: Option<(u64, SystemTime)>,
    looked_at: Instant,
}

impl SourceCache {
    /// A line without the white space around it; `None` where there is none.
    pub fn line(&mut self, path: &str, number: u32) -> Option<&str> {
        self.whole_line(path, number).map(|line| line.trim_matches(is_space))
    }

    /// A line as it stands in the file; `None` where there is none, or nothing in it.
    pub fn whole_line(&mut self, path: &str, number: u32) -> Option<&str> {
        if !Path::new(path).is_absolute() {
            return None;
        }
        self.refresh(path);
        let source = self.files.get(path)?;
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        let line = source.text.get(*source.starts.get(index)?..*source.starts.get(index + 1)?)?;
        (!line.trim_matches(is_space).is_empty()).then_some(line)
    }

    fn refresh(&mut self, path: &str) {
        let now = Instant::now();
        if let Some(source) = self.files.get_mut(path) {
            if now.duration_since(source.looked_at) < FRESH {
                return;
            }
            source.looked_at = now;
            if source.version == fs::metadata(path).ok().as_ref().and_then(version) {
                return;
            }
        }
        if let Some(old) = self.files.remove(path) {
            self.bytes -= old.text.len();
        }
        let source = read(path, now);
        if self.files.len() >= FILES || self.bytes + source.text.len() > BYTES {
            // Tracebacks come from few files; starting over is rare and simple.
            self.files.clear();
            self.bytes = 0;
        }
        self.bytes += source.text.len();
        self.files.insert(path.to_owned(), source);
    }
}

/// What `str.strip` takes away: Unicode's white space and the separators of ASCII.
pub(super) fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

fn version(meta: &Metadata) -> Option<(u64, SystemTime)> {
    Some((meta.len(), meta.modified().ok()?))
}

/// A file that cannot be read, is not regular or is too large has no lines.
fn read(path: &str, now: Instant) -> Source {
    let meta = fs::metadata(path).ok().filter(|meta| meta.is_file() && meta.len() <= FILE_BYTES);
    let bytes = meta.as_ref().and_then(|_| fs::read(path).ok());
    // As a text, and where its lines begin.
    let bytes = bytes.filter(|bytes| memory::has(bytes.len() * 4));
    let text = bytes.and_then(|bytes| decode(&bytes)).unwrap_or_default();
    Source { starts: line_starts(&text), text, version: meta.as_ref().and_then(version), looked_at: now }
}

/// Decodes as PEP 263 says; `None` where Python would not have read it.
fn decode(bytes: &[u8]) -> Option<String> {
    let (bytes, is_marked) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => (rest, true),
        None => (bytes, false),
    };
    let name = declared_encoding(bytes).map_or_else(|| "utf-8".to_owned(), normal_name);
    if is_marked && name != "utf-8" {
        return None;
    }
    match name.as_str() {
        // The labels of the web mean Windows' code page by these.
        "iso-8859-1" => Some(encoding_rs::mem::decode_latin1(bytes).into_owned()),
        "ascii" | "us-ascii" => bytes.is_ascii().then(|| String::from_utf8_lossy(bytes).into_owned()),
        name => match Encoding::for_label(name.as_bytes()) {
            Some(encoding) => {
                encoding.decode_without_bom_handling_and_without_replacement(bytes).map(|text| text.into_owned())
            }
            // One that only Python knows: what is ASCII in it can be shown.
            None => {
                Some(bytes.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '\u{fffd}' }).collect())
            }
        },
    }
}

/// What a comment in the first line names, or in the second if the first is a comment or blank.
fn declared_encoding(bytes: &[u8]) -> Option<&[u8]> {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let first = lines.next()?.trim_ascii_start();
    if first.first().is_some_and(|byte| *byte != b'#') {
        return None;
    }
    encoding_in(first).or_else(|| encoding_in(lines.next()?.trim_ascii_start()))
}

/// `# … coding: name …` or `coding=name`.
fn encoding_in(line: &[u8]) -> Option<&[u8]> {
    if line.first() != Some(&b'#') {
        return None;
    }
    memchr::memmem::find_iter(line, b"coding").find_map(|at| {
        let rest = line.get(at + b"coding".len()..)?;
        let rest = rest.strip_prefix(b":").or_else(|| rest.strip_prefix(b"="))?.trim_ascii_start();
        let is_in_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        let end = rest.iter().position(|byte| !is_in_name(byte)).unwrap_or(rest.len());
        rest.get(..end).filter(|name| !name.is_empty())
    })
}

/// One name for the many spellings of the common encodings (`tokenize._get_normal_name`).
fn normal_name(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name).to_ascii_lowercase().replace('_', "-");
    let is = |common: &str| name == common || name.strip_prefix(common).is_some_and(|rest| rest.starts_with('-'));
    if is("utf-8") || name == "utf8" {
        "utf-8".to_owned()
    } else if ["latin-1", "iso-8859-1", "iso-latin-1", "latin1", "iso8859-1", "l1"].into_iter().any(is) {
        "iso-8859-1".to_owned()
    } else {
        name
    }
}

/// Lines end with `\n`, `\r\n` or `\r`, as in text files of Python.
fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let mut starts = vec![0];
    for (index, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' || *byte == b'\r' && bytes.get(index + 1) != Some(&b'\n') {
            starts.push(index + 1);
        }
    }
    if starts.last() != Some(&bytes.len()) {
        starts.push(bytes.len());
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> (tempfile::TempDir, String) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("source.py");
        fs::write(&path, bytes).unwrap();
        let path = path.to_str().unwrap().to_owned();
        (directory, path)
    }

    #[test]
    fn lines_come_stripped_and_by_number() {
        let (_directory, path) = file("one\r\n  zwei é \rthree".as_bytes());
        let mut sources = SourceCache::default();
        let lines: Vec<_> = (0..5).map(|number| sources.line(&path, number).map(str::to_owned)).collect();
        assert_eq!(lines, [None, Some("one".into()), Some("zwei é".into()), Some("three".into()), None]);
    }

    #[test]
    fn a_declared_encoding_is_used() {
        let (_directory, path) = file(b"# -*- coding: latin-1 -*-\nx = '\xe9'\n");
        assert_eq!(SourceCache::default().line(&path, 2), Some("x = 'é'"));
    }

    #[test]
    fn bytes_that_do_not_fit_give_no_line() {
        let (_directory, path) = file(b"x = '\xe9'\n");
        assert_eq!(SourceCache::default().line(&path, 1), None);
    }

    #[test]
    fn the_encoding_is_found_where_python_finds_it() {
        let cases: [(&[u8], Option<&str>); 8] = [
            (b"# coding=cp1251\n", Some("cp1251")),
            (b"#!/usr/bin/python\n# vim: set fileencoding=Latin_1 :\n", Some("iso-8859-1")),
            (b"# the encoding of this, coding: utf_8-unix\n", Some("utf-8")),
            (b"\n\t# coding: koi8-r", Some("koi8-r")),
            (b"x = 1\n# coding: cp1251\n", None),
            (b"\n\n# coding: cp1251\n", None),
            (b"coding: cp1251\n", None),
            (b"# coding is an art\n", None),
        ];
        for (source, expected) in cases {
            assert_eq!(declared_encoding(source).map(normal_name).as_deref(), expected, "{source:?}");
        }
    }

    #[test]
    fn lines_of_an_unknown_encoding_show_what_is_ascii() {
        let (_directory, path) = file(b"# coding: cp437\nx = '\x81'\n");
        assert_eq!(SourceCache::default().line(&path, 2), Some("x = '\u{fffd}'"));
    }

    #[test]
    fn a_changed_file_is_read_again() {
        let (_directory, path) = file(b"old\n");
        let mut sources = SourceCache::default();
        assert_eq!(sources.line(&path, 1), Some("old"));
        fs::write(&path, "newer\n").unwrap();
        sources.files.get_mut(&path).unwrap().looked_at -= FRESH;
        assert_eq!(sources.line(&path, 1), Some("newer"));
    }

    #[test]
    fn only_so_many_files_are_kept() {
        let mut sources = SourceCache::default();
        for number in 0..3 * FILES {
            sources.line(&format!("/no/such/file/{number}"), 1);
        }
        assert!(sources.files.len() <= FILES);
    }

    #[test]
    fn only_regular_files_are_opened() {
        let mut sources = SourceCache::default();
        assert_eq!(sources.line("/dev/zero", 1), None);
        assert_eq!(sources.line("relative.py", 1), None);
        assert_eq!(sources.line("/", 1), None);
    }
}
