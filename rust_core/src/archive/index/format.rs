//! The bytes of an index: a head with a checksum over all of it, and a body of numbers.
//!
//! ```text
//! head  8  "ulindex\n"
//!       4  version
//!       4  zero
//!       8  length of the body
//!       8  checksum of head and body
//! body  kind, check, keys, generation, first sequence + 1 (0: none), lines, length, packed length
//!       levels:  count, then for each: 0 | 1 and number, name
//!       loggers: count, then for each: name
//!       parts:   count, then for each: bytes before it, packed length, length, check, lines, 0 | 1 and times, unknown,
//!                lines by level, lines by logger, whether it has traces
//!       groups:  count, then for each: parts that are in no group before it, parts, and a filter over their traces
//!       a filter is: seed, bits, segments, width, fingerprints
//! ```

use super::bytes::{Bytes, put, put_signed, put_text};
use super::filter::Shape;
use super::{Extent, Group, Header, Index, Part, Unknown};
use crate::archive::Kind;
use crate::checksum;

const MAGIC: &[u8; 8] = b"ulindex\n";
pub const VERSION: u32 = 1;
const HEAD: usize = 32;
/// Where the checksum stands.
const CHECKED: usize = 24;

/// Why an index cannot be used. Each can be made again from its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("it is no index")]
    Foreign,
    #[error("it has version {0}, and this library reads up to {VERSION}")]
    Newer(u32),
    #[error("its end is missing")]
    Truncated,
    #[error("it is damaged")]
    Corrupt,
}

/// A whole index around its body.
pub fn whole(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEAD + body.len());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(body.len() as u64).to_le_bytes());
    out.extend_from_slice(&sum(&out, body).to_le_bytes());
    out.extend_from_slice(body);
    out
}

fn sum(head: &[u8], body: &[u8]) -> u64 {
    super::joined(checksum::of(head), checksum::of(body))
}

pub fn put_header(out: &mut Vec<u8>, header: &Header) {
    out.push(match header.kind {
        Kind::Plain => 0,
        Kind::Gzip => 1,
        Kind::Zstd => 2,
    });
    out.extend_from_slice(&header.check.to_le_bytes());
    out.extend_from_slice(&header.keys.to_le_bytes());
    out.extend_from_slice(&header.generation.to_le_bytes());
    match header.first_sequence {
        Some(sequence) => {
            out.push(1);
            put(out, sequence);
        }
        None => out.push(0),
    }
    put(out, header.lines);
    put(out, header.length);
    put(out, header.packed_length);
}

fn header(bytes: &mut Bytes<'_>) -> Option<Header> {
    let kind = match bytes.byte()? {
        0 => Kind::Plain,
        1 => Kind::Gzip,
        2 => Kind::Zstd,
        _ => return None,
    };
    Some(Header {
        kind,
        check: u64::from_le_bytes(bytes.fixed()?),
        keys: u64::from_le_bytes(bytes.fixed()?),
        generation: u64::from_le_bytes(bytes.fixed()?),
        first_sequence: if flag(bytes)? { Some(bytes.number()?) } else { None },
        lines: bytes.number()?,
        length: bytes.number()?,
        packed_length: bytes.number()?,
    })
}

fn flag(bytes: &mut Bytes<'_>) -> Option<bool> {
    match bytes.byte()? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

pub fn put_level(out: &mut Vec<u8>, name: &str, number: Option<i32>) {
    out.push(number.is_some().into());
    if let Some(number) = number {
        put_signed(out, number.into());
    }
    put_text(out, name.as_bytes());
}

/// Puts a part but for its counts. `before` is the least time of the part before it.
pub fn put_part(
    out: &mut Vec<u8>,
    extent: &Extent,
    gap: u64,
    lines: u32,
    unknown: Unknown,
    times: Option<(i64, i64)>,
    before: i64,
) {
    put(out, gap);
    put(out, extent.packed_length.into());
    put(out, extent.length.into());
    out.extend_from_slice(&extent.check.unwrap_or_default().to_le_bytes());
    put(out, lines.into());
    out.push(times.is_some().into());
    if let Some((least, most)) = times {
        put_signed(out, least.wrapping_sub(before));
        put(out, most.wrapping_sub(least).cast_unsigned());
    }
    for number in [unknown.time, unknown.level, unknown.logger, unknown.trace] {
        put(out, number.into());
    }
}

/// Puts counts that are not 0, with the distance of each from the one before it.
pub fn put_counts(out: &mut Vec<u8>, counts: &[u32]) {
    put(out, counts.iter().filter(|count| **count > 0).count() as u64);
    let mut next = 0;
    for (number, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        put(out, (number - next) as u64);
        put(out, (*count).into());
        next = number + 1;
    }
}

/// Counts that were put. Nothing comes of wrong ones: they were checked when the index was read.
#[derive(Clone, Debug)]
pub struct Counts<'b> {
    bytes: Bytes<'b>,
    left: u64,
    next: usize,
}

impl<'b> Counts<'b> {
    pub fn of(body: &'b [u8]) -> Self {
        let mut bytes = Bytes::new(body);
        let left = bytes.number().unwrap_or_default();
        Self { bytes, left, next: 0 }
    }

    pub fn rest(&self) -> &'b [u8] {
        self.bytes.rest()
    }

    fn read(&mut self) -> Option<(usize, u32)> {
        let number = self.next.checked_add(self.bytes.small()?)?;
        self.next = number.checked_add(1)?;
        Some((number, self.bytes.small()?))
    }
}

impl Iterator for Counts<'_> {
    type Item = (usize, u32);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        self.read()
    }
}

/// Passes counts of at most `names` names; false if they are wrong.
fn check_counts(bytes: &mut Bytes<'_>, names: usize) -> Option<()> {
    let mut counts = Counts::of(bytes.rest());
    bytes.number()?;
    let count = counts.left;
    let mut read = 0;
    for (number, _) in counts.by_ref() {
        if number >= names {
            return None;
        }
        read += 1;
    }
    // As many as it says, however few were there.
    let length = bytes.rest().len() - counts.rest().len();
    bytes.take(length)?;
    (read == count).then_some(())
}

impl Index {
    /// Reads an index. It takes memory for what is there, and not for what the bytes claim.
    ///
    /// # Errors
    /// When it is not whole, or not of a version that is known.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let known = bytes.len().min(MAGIC.len());
        if bytes[..known] != MAGIC[..known] {
            return Err(Unreadable::Foreign);
        }
        let mut head = Bytes::new(&bytes[known..]);
        let version = u32::from_le_bytes(head.fixed().ok_or(Unreadable::Truncated)?);
        if version > VERSION {
            return Err(Unreadable::Newer(version));
        }
        head.fixed::<4>().ok_or(Unreadable::Truncated)?;
        let length = u64::from_le_bytes(head.fixed().ok_or(Unreadable::Truncated)?);
        let check = u64::from_le_bytes(head.fixed().ok_or(Unreadable::Truncated)?);
        let body = head.rest();
        if version == 0 {
            return Err(Unreadable::Corrupt);
        }
        match length.cmp(&(body.len() as u64)) {
            std::cmp::Ordering::Greater => return Err(Unreadable::Truncated),
            std::cmp::Ordering::Less => return Err(Unreadable::Corrupt),
            std::cmp::Ordering::Equal => {}
        }
        if sum(&bytes[..CHECKED], body) != check {
            return Err(Unreadable::Corrupt);
        }
        Self::read_body(body).ok_or(Unreadable::Corrupt)
    }

    fn read_body(body: &[u8]) -> Option<Self> {
        let mut bytes = Bytes::new(body);
        let header = header(&mut bytes)?;
        let mut levels = Vec::new();
        for _ in 0..bytes.number()? {
            let number = if flag(&mut bytes)? { Some(i32::try_from(bytes.signed()?).ok()?) } else { None };
            levels.push((bytes.text()?.to_owned(), number));
        }
        let mut loggers = Vec::new();
        for _ in 0..bytes.number()? {
            loggers.push(bytes.text()?.to_owned());
        }
        let mut parts = Vec::new();
        let mut before = Before::default();
        for _ in 0..bytes.number()? {
            parts.push(part(&mut bytes, &mut before, levels.len(), loggers.len())?);
        }
        let mut groups = Vec::new();
        let mut next = 0_usize;
        for _ in 0..bytes.number()? {
            let first = next.checked_add(bytes.small()?)?;
            next = first.checked_add(bytes.small()?)?;
            let (shape, length) = Shape::read(&mut bytes)?;
            let start = bytes.at();
            bytes.take(length)?;
            groups.push(Group { parts: first..next, shape, fingerprints: start..bytes.at() });
        }
        let is_whole = bytes.rest().is_empty()
            && before.at == header.length
            && before.packed_at <= header.packed_length
            && before.lines == header.lines
            && next <= parts.len();
        is_whole.then(|| Self { header, levels, loggers, parts, groups, body: body.to_vec(), times: before.times })
    }
}

/// What the parts before one tell of it.
#[derive(Default)]
struct Before {
    packed_at: u64,
    at: u64,
    lines: u64,
    time: i64,
    times: Option<(i64, i64)>,
}

fn part(bytes: &mut Bytes<'_>, before: &mut Before, levels: usize, loggers: usize) -> Option<Part> {
    let packed_at = before.packed_at.checked_add(bytes.number()?)?;
    let extent = Extent {
        packed_at,
        packed_length: bytes.small()?,
        at: before.at,
        length: bytes.small()?,
        check: Some(u32::from_le_bytes(bytes.fixed()?)),
    };
    before.packed_at = packed_at.checked_add(extent.packed_length.into())?;
    before.at = before.at.checked_add(extent.length.into())?;
    let lines: u32 = bytes.small()?;
    before.lines += u64::from(lines);
    let times = if flag(bytes)? {
        let least = before.time.wrapping_add(bytes.signed()?);
        let most = least.checked_add_unsigned(bytes.number()?)?;
        before.time = least;
        before.times = Some(before.times.map_or((least, most), |(first, last)| (first.min(least), last.max(most))));
        Some((least, most))
    } else {
        None
    };
    let unknown =
        Unknown { time: bytes.small()?, level: bytes.small()?, logger: bytes.small()?, trace: bytes.small()? };
    let start = bytes.at();
    check_counts(bytes, levels)?;
    check_counts(bytes, loggers)?;
    let counts = start..bytes.at();
    Some(Part { extent, lines, times, unknown, counts, has_traces: flag(bytes)? })
}
