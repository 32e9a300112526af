//! What a look at the ends of files, their indices and the catalogue tells, without reading the rest.

use std::path::Path;

use super::form::{Form, without_noise};
use super::indices::{MISSING, index_of};
use crate::archive::{Archive, Keys, Scanner, TimeReader, pair};
use crate::catalogue::{Entry, Look, Unseen, View};
use crate::error::{Error, Result};
use crate::platform;

/// Bytes of each end that are looked at.
const END: usize = 64 << 10;

/// What the beginning and the end of a file tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// As it lies there.
    pub stored: u64,
    /// The times of its first record and of its last one, as they stand there, in nanoseconds since 1970 UTC.
    pub first: Option<i64>,
    pub last: Option<i64>,
    /// Bytes behind the last newline. None of a packed file.
    pub torn: u64,
    /// How many lines were looked at, how many of them are no records although the others are, and the first of these.
    pub lines: u64,
    pub foreign: u64,
    pub example: Option<String>,
}

/// Looks at the beginning and the end of a file. Of a packed one these are its first and its last part.
///
/// # Errors
/// When it cannot be read, or what is to be looked at is damaged.
pub fn ends(path: &Path) -> Result<Ends> {
    let failed = |error| Error::io("read", path, error);
    let mut archive = Archive::open(path, None)?;
    let stored = archive.file().metadata().map_err(failed)?.len();
    let mut found = Ends { stored, ..Ends::default() };
    let count = archive.extents().len();
    let mut start = Vec::new();
    let mut end = Vec::new();
    let mut is_all = true;
    if count > 0 {
        archive.read_part(0, &mut start).map_err(failed)?;
        if count > 1 {
            archive.read_part(count - 1, &mut end).map_err(failed)?;
            is_all = false;
        }
    } else if archive.kind() == crate::archive::Kind::Plain {
        start.resize(END, 0);
        let read = platform::read_at(archive.file(), &mut start, 0).map_err(failed)?;
        start.truncate(read);
        if stored > END as u64 {
            is_all = false;
            let from = (stored - END as u64).max(read as u64);
            end.resize(END, 0);
            let read = platform::read_at(archive.file(), &mut end, from).map_err(failed)?;
            end.truncate(read);
            // The first line of it may have begun before.
            if from > read as u64 || !start.ends_with(b"\n") {
                end.drain(..memchr::memchr(b'\n', &end).map_or(0, |at| at + 1));
            }
        }
        let tail = if is_all { &start } else { &end };
        found.torn = tail.len() as u64 - memchr::memrchr(b'\n', tail).map_or(0, |at| at as u64 + 1);
    } else {
        // Nobody knows where its last part is.
        let mut stream = std::io::Read::take(archive.stream(0).map_err(failed)?, END as u64);
        std::io::Read::read_to_end(&mut stream, &mut start).map_err(failed)?;
        is_all = false;
    }
    let mut lines = LookedAt::of(&start);
    lines.take(&start, is_all, &mut found);
    if !end.is_empty() {
        lines.take(&end, true, &mut found);
    }
    Ok(found)
}

struct LookedAt {
    form: Form,
    scanner: Scanner,
    times: TimeReader,
    keys: Keys,
}

impl LookedAt {
    fn of(start: &[u8]) -> Self {
        let form = Form::of(start, None);
        let keys = match &form {
            Form::Json(keys) | Form::Pairs(keys) => keys.clone(),
            Form::Text => Keys::default(),
        };
        Self { scanner: Scanner::new(&keys), times: TimeReader::default(), form, keys }
    }

    /// Takes whole lines. Bytes behind the last newline are none.
    fn take(&mut self, bytes: &[u8], is_last: bool, found: &mut Ends) {
        let whole = memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
        for line in bytes[..whole].split_inclusive(|byte| *byte == b'\n') {
            let line = without_noise(&line[..line.len() - 1]);
            found.lines += 1;
            let (is_record, time) = self.look(line);
            if !is_record {
                found.foreign += 1;
                if found.example.is_none() {
                    let start = &line[..line.len().min(120)];
                    found.example = Some(String::from_utf8_lossy(start).into_owned());
                }
            }
            if found.first.is_none() {
                found.first = time;
            }
            if is_last && time.is_some() {
                found.last = time;
            }
        }
    }

    fn look(&mut self, line: &[u8]) -> (bool, Option<i64>) {
        match self.form {
            Form::Json(_) => match self.scanner.scan(line) {
                Some(values) => (true, self.scanner.time(&values)),
                None => (false, None),
            },
            Form::Pairs(_) => {
                let time = pair(line, &self.keys.time);
                (line.contains(&b'='), time.and_then(|text| self.times.read(text, self.keys.time_form)))
            }
            Form::Text => (true, None),
        }
    }
}

/// What the catalogue tells of a directory.
#[derive(Debug, Default)]
pub struct Told {
    /// Why it tells nothing; none if it does.
    pub why_not: Option<String>,
    /// Whether there is none, or nothing stands in it.
    pub is_missing: bool,
    /// The oldest first.
    pub files: Vec<KnownFile>,
}

#[derive(Debug)]
pub struct KnownFile {
    pub entry: Entry,
    /// What its index says, or why that says nothing. `None` if there is none, or it was not asked.
    pub index: Option<std::result::Result<IndexSeen, String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexSeen {
    pub lines: u64,
    pub bytes: u64,
    pub stored: u64,
    pub times: Option<(i64, i64)>,
    /// By how much the records of a part begin before those of the part before it end: the most of all parts, in nanoseconds. 0 if none does.
    pub step_back: i64,
}

/// Reads the catalogue of a directory, and, if that is wanted, the indices of its rotated files. It changes nothing.
#[must_use]
pub fn told(directory: &Path, with_indices: bool) -> Told {
    let mut view = View::of(directory);
    let mut told = Told::default();
    match view.look() {
        Ok(look) => told.is_missing = look == Look::Missing,
        Err(Unseen::Refused(error)) => told.why_not = Some(format!("it cannot be read: {error}")),
        Err(Unseen::Damaged) => told.why_not = Some("it is damaged".to_owned()),
        Err(Unseen::Newer) => told.why_not = Some("a later version of this library has written it".to_owned()),
    }
    for entry in view.known().files() {
        let index = (with_indices && entry.closed.is_some()).then(|| seen(directory, entry.generation));
        let index = index.filter(|index| index.as_ref().err().is_none_or(|why| why != MISSING));
        told.files.push(KnownFile { entry: entry.clone(), index });
    }
    told
}

fn seen(directory: &Path, generation: u64) -> std::result::Result<IndexSeen, String> {
    let index = index_of(directory, generation)?;
    let header = index.header();
    let mut step_back = 0;
    let mut before: Option<i64> = None;
    for (first, last) in index.parts().iter().filter_map(|part| part.times) {
        step_back = before.map_or(0, |before| before.saturating_sub(first)).max(step_back);
        before = Some(last);
    }
    Ok(IndexSeen {
        lines: header.lines,
        bytes: header.length,
        stored: header.packed_length,
        times: index.times(),
        step_back,
    })
}
