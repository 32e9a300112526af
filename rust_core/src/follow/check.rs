//! Checks a log file by reading all of it: its parts, its index, what the catalogue knows of it, and each of its lines. It changes nothing.

use std::io::{self, Read};
use std::path::Path;

use serde::de::IgnoredAny;

use super::form::Form;
use super::indices::{MISSING, index_of};
use crate::archive::{Archive, Extent, Index, Kind, KnownBy, PART, Pace, is_damage};
use crate::error::{Error, Result};
use crate::platform;

/// So many faults of a file are told one by one. All are counted.
const MOST_FAULTS: usize = 20;
/// A line of more bytes is passed over: it would not fit into memory.
const LONGEST: usize = 8 << 20;
/// Bytes of the beginning that tell what lines look like.
const BEGINNING: usize = 64 << 10;

/// What the catalogue knows of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    pub generation: u64,
    /// Its bytes, unpacked, if it gets no more records.
    pub bytes: Option<u64>,
    /// The number of its first record and of the one after its last, if they are counted.
    pub sequence: Option<(u64, u64)>,
}

/// Something that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub what: String,
    /// The number of the line, from 1, where it is known.
    pub line: Option<u64>,
    /// Bytes before the place, uncompressed.
    pub offset: Option<u64>,
    /// The part of a packed file, from 0.
    pub part: Option<usize>,
    /// Whether all records can be read nevertheless.
    pub is_harmless: bool,
}

/// What was found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub kind: Kind,
    pub known_by: KnownBy,
    pub parts: usize,
    pub lines: u64,
    /// Uncompressed, and as it lies there.
    pub bytes: u64,
    pub stored: u64,
    /// `json`, `logfmt`, `text`, or `empty`.
    pub form: &'static str,
    pub has_index: bool,
    /// The number of the first record, and of the one after the last.
    pub sequence: Option<(u64, u64)>,
    pub faults: Vec<Fault>,
    /// All of them, also those that are not told one by one.
    pub fault_count: u64,
    /// Lines that were too long to be checked.
    pub passed: u64,
    /// Whether the pace ended it.
    pub is_cut: bool,
}

struct Check {
    found: Checked,
    form: Option<Form>,
    /// The beginning of a line whose end is in a later part.
    open: Vec<u8>,
    /// How long that line is by now, and where it began.
    open_length: u64,
    began: u64,
}

/// Checks the file of this name in a directory.
///
/// # Errors
/// When it cannot be opened or read at all.
pub fn check(directory: &Path, name: &str, expected: Option<Expected>, pace: Pace<'_>) -> Result<Checked> {
    let path = directory.join(name);
    let archive = Archive::open(&path, None)?;
    let stored = archive.file().metadata().map_err(|error| Error::io("read", &path, error))?.len();
    let mut check = Check::of(&archive, stored);
    let extents = archive.extents().to_vec();
    check.table(&archive);
    let generation = expected.map(|expected| expected.generation).or(archive.mark().map(|mark| mark.generation));
    let index = generation.and_then(|generation| check.index(directory, generation, &extents, expected.is_some()));
    let archive = if index.is_some() { Archive::open(&path, index.as_ref())? } else { archive };
    if let Some(expected) = expected
        && let Some(mark) = archive.mark().filter(|mark| mark.generation != expected.generation)
    {
        check.fault(format!(
            "it says that it is generation {} of its directory, and the catalogue says {}",
            mark.generation, expected.generation
        ));
    }
    check.read(archive, &path, index.as_ref(), pace)?;
    if !check.found.is_cut {
        check.end(&path, expected, index.as_ref());
    }
    Ok(check.found)
}

impl Check {
    fn of(archive: &Archive, stored: u64) -> Self {
        let found = Checked {
            kind: archive.kind(),
            known_by: archive.known_by(),
            parts: archive.extents().len(),
            lines: 0,
            bytes: 0,
            stored,
            form: "empty",
            has_index: false,
            sequence: None,
            faults: Vec::new(),
            fault_count: 0,
            passed: 0,
            is_cut: false,
        };
        Self { found, form: None, open: Vec::new(), open_length: 0, began: 0 }
    }

    fn put(&mut self, fault: Fault) {
        self.found.fault_count += 1;
        if self.found.faults.len() < MOST_FAULTS {
            self.found.faults.push(fault);
        }
    }

    fn fault(&mut self, what: impl Into<String>) {
        self.put(Fault { what: what.into(), line: None, offset: None, part: None, is_harmless: false });
    }

    /// For what costs time and no record.
    fn remark(&mut self, what: impl Into<String>) {
        self.put(Fault { what: what.into(), line: None, offset: None, part: None, is_harmless: true });
    }

    fn fault_of_line(&mut self, what: impl Into<String>, offset: u64) {
        let line = Some(self.found.lines);
        self.put(Fault { what: what.into(), line, offset: Some(offset), part: None, is_harmless: false });
    }

    /// Whether the parts of a packed file can be read alone.
    fn table(&mut self, archive: &Archive) {
        if archive.kind() != Kind::Plain && archive.known_by() == KnownBy::Nothing {
            let what = if archive.kind() == Kind::Zstd { "its seek table" } else { "the sizes in its members" };
            self.remark(format!("{what} is missing or not true to it: readers read it from its beginning"));
        }
    }

    /// The index, if it is one of this file. What is wrong with it costs no record: readers do without.
    fn index(&mut self, directory: &Path, generation: u64, extents: &[Extent], is_expected: bool) -> Option<Index> {
        let index = match index_of(directory, generation) {
            Ok(index) => index,
            Err(why) => {
                if is_expected && why != MISSING {
                    self.remark(format!("its index {why}"));
                }
                return None;
            }
        };
        let header = *index.header();
        if header.kind != self.found.kind || header.packed_length != self.found.stored {
            self.remark(format!(
                "its index is that of a file of {} bytes, and it has {}",
                header.packed_length, self.found.stored
            ));
            return None;
        }
        let is_at = |(part, extent): (&crate::archive::Part, &Extent)| {
            let of_index = part.extent;
            (of_index.packed_at, of_index.packed_length, of_index.at, of_index.length)
                == (extent.packed_at, extent.packed_length, extent.at, extent.length)
        };
        // A file that is empty has one part without bytes.
        let are_all = index.parts().iter().filter(|part| part.extent.length > 0).count()
            == extents.iter().filter(|extent| extent.length > 0).count();
        let is_same = || are_all && index.parts().iter().zip(extents).all(is_at);
        if !extents.is_empty() && !is_same() {
            self.remark("its index and its seek table say different places of its parts");
            return None;
        }
        self.found.has_index = true;
        Some(index)
    }

    fn read(&mut self, mut archive: Archive, path: &Path, index: Option<&Index>, pace: Pace<'_>) -> Result<()> {
        let failed = |error| Error::io("read", path, error);
        let extents = archive.extents().to_vec();
        if extents.is_empty() {
            // What is appended from now on is not waited for.
            let limit = if archive.kind() == Kind::Plain { self.found.stored } else { u64::MAX };
            let mut stream = archive.into_stream(0).map_err(failed)?.take(limit);
            let mut piece = Vec::new();
            loop {
                piece.clear();
                let read = stream.by_ref().take(PART as u64).read_to_end(&mut piece);
                self.feed(&piece);
                match read {
                    Err(error) if is_damage(&error) || error.kind() == io::ErrorKind::UnexpectedEof => {
                        let offset = Some(self.found.bytes);
                        self.put(Fault {
                            what: format!("it cannot be unpacked from here on: {error}"),
                            line: Some(self.found.lines + 1),
                            offset,
                            part: None,
                            is_harmless: false,
                        });
                        return Ok(());
                    }
                    Err(error) => return Err(failed(error)),
                    Ok(0) => return Ok(()),
                    Ok(_) => {}
                }
                if pace(piece.len() as u64).is_break() {
                    self.found.is_cut = true;
                    return Ok(());
                }
            }
        }
        let mut part = Vec::new();
        for (number, extent) in extents.iter().enumerate() {
            if let Err(error) = archive.read_part(number, &mut part) {
                self.put(Fault {
                    what: format!("a part of {} bytes cannot be read: {error}", extent.length),
                    line: Some(self.found.lines + 1),
                    offset: Some(extent.at),
                    part: Some(number),
                    is_harmless: false,
                });
                self.open.clear();
                self.open_length = 0;
                self.found.bytes = extent.at + u64::from(extent.length);
                continue;
            }
            let is_fresh = self.open_length == 0;
            self.feed(&part);
            if let Some(known) = index.and_then(|index| index.parts().get(number)) {
                let newlines = memchr::memchr_iter(b'\n', &part).count() as u64;
                let is_open = part.last().is_some_and(|last| *last != b'\n');
                let begin = newlines + u64::from(is_open) - u64::from(!is_fresh && !part.is_empty());
                if begin != u64::from(known.lines) {
                    self.put(Fault {
                        what: format!("its index has {} lines for a part with {begin}", known.lines),
                        line: None,
                        offset: Some(extent.at),
                        part: Some(number),
                        is_harmless: true,
                    });
                }
            }
            if pace(part.len() as u64).is_break() {
                self.found.is_cut = true;
                return Ok(());
            }
        }
        platform::forget_pages(archive.file());
        Ok(())
    }

    /// Takes bytes of the file in their order.
    fn feed(&mut self, bytes: &[u8]) {
        if self.form.is_none() && !bytes.is_empty() {
            let form = Form::of(&bytes[..bytes.len().min(BEGINNING)], None);
            self.found.form = match form {
                Form::Json(_) => "json",
                Form::Pairs(_) => "logfmt",
                Form::Text => "text",
            };
            self.form = Some(form);
        }
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            if self.open_length > 0 {
                self.go_on(line);
                self.end_of_line();
            } else {
                let offset = self.found.bytes;
                self.found.lines += 1;
                self.line(line, offset);
            }
            self.found.bytes += line.len() as u64 + 1;
            rest = &after[1..];
        }
        if !rest.is_empty() {
            if self.open_length == 0 {
                self.began = self.found.bytes;
            }
            self.go_on(rest);
            self.found.bytes += rest.len() as u64;
        }
    }

    fn go_on(&mut self, bytes: &[u8]) {
        self.open_length += bytes.len() as u64;
        if self.open_length <= LONGEST as u64 {
            self.open.extend_from_slice(bytes);
        } else {
            self.open = Vec::new();
        }
    }

    fn end_of_line(&mut self) {
        self.found.lines += 1;
        let line = std::mem::take(&mut self.open);
        if self.open_length > LONGEST as u64 {
            self.found.passed += 1;
        } else {
            self.line(&line, self.began);
        }
        self.open_length = 0;
    }

    fn line(&mut self, line: &[u8], offset: u64) {
        if line.first() == Some(&0) {
            let zeros = line.iter().take_while(|byte| **byte == 0).count();
            self.fault_of_line(format!("{zeros} zeros stand before it, as a loss of power leaves them"), offset);
            return;
        }
        if let Err(error) = std::str::from_utf8(line) {
            self.fault_of_line("it is not UTF-8", offset + error.valid_up_to() as u64);
            return;
        }
        let is_object = line.trim_ascii_start().first() == Some(&b'{');
        match self.form {
            Some(Form::Json(_)) if !is_object => {
                let what = if line.is_empty() { "it is empty" } else { "it is no object of JSON" };
                self.fault_of_line(what, offset);
            }
            Some(Form::Json(_)) => {
                if let Err(error) = serde_json::from_slice::<IgnoredAny>(line) {
                    let what = if error.is_eof() { "its end is missing" } else { "it is no whole JSON" };
                    let at = error.column().saturating_sub(1) as u64;
                    self.fault_of_line(format!("{what}: {}", reason(&error)), offset + at);
                }
            }
            Some(Form::Pairs(_)) if !line.is_empty() && !line.contains(&b'=') => {
                self.fault_of_line("it has no pair of key and value", offset);
            }
            _ => {}
        }
    }

    /// What can be told once all was read.
    fn end(&mut self, path: &Path, expected: Option<Expected>, index: Option<&Index>) {
        if self.open_length > 0 {
            // A line that is being written is none that is torn.
            let grows = path.symlink_metadata().is_ok_and(|meta| meta.len() > self.found.stored);
            if grows {
                self.found.bytes = self.began;
            } else {
                self.found.lines += 1;
                let line = std::mem::take(&mut self.open);
                if self.found.form == "json" && serde_json::from_slice::<IgnoredAny>(&line).is_ok() {
                    self.fault_of_line("only its newline is missing", self.began);
                } else {
                    self.fault_of_line(
                        format!("it is torn: the file ends after {} bytes of it", line.len()),
                        self.began,
                    );
                }
            }
        }
        let lines = index.map(|index| index.header().lines).filter(|_| self.found.fault_count == 0);
        if let Some(lines) = lines.filter(|lines| *lines != self.found.lines) {
            self.remark(format!("its index has {lines} lines, and it has {}", self.found.lines));
        }
        let of_index = index.and_then(|index| {
            let header = index.header();
            header.first_sequence.map(|first| (first, first + header.lines))
        });
        let Some(expected) = expected else {
            self.found.sequence = of_index;
            return;
        };
        self.found.sequence = expected.sequence.or(of_index);
        if let Some(bytes) = expected.bytes.filter(|bytes| *bytes != self.found.bytes) {
            self.fault(format!(
                "the catalogue says that it has {bytes} bytes, unpacked, and it has {}",
                self.found.bytes
            ));
        }
        if let Some((first, after)) = expected.sequence {
            let numbered = after.saturating_sub(first);
            if numbered != self.found.lines {
                self.fault(format!(
                    "the catalogue numbers its records from {first} to {}, which are {numbered}, and it has {}",
                    after.saturating_sub(1),
                    self.found.lines
                ));
            }
            if let Some((index_first, _)) = of_index.filter(|(index_first, _)| *index_first != first) {
                self.remark(format!(
                    "its index numbers its records from {index_first}, and the catalogue from {first}"
                ));
            }
        }
    }
}

/// Why a line is no JSON, without the place: that is told beside it.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}
