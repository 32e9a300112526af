//! Reads a rotated file, packed or plain: one part, or everything from an offset on.

use std::borrow::Borrow;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::index::short;
use super::method::{
    ENTRY, FOOTER, FOOTER_MAGIC, MARK_LENGTH, MARK_MAGIC, MARK_NAME, MEMBER_HEAD, TABLE_MAGIC, Unpacker, damaged,
    mark_sum, read_member,
};
use super::{Extent, Index, Kind, Mark, source};
use crate::checksum;
use crate::error::{Error, Result};

/// A part of another program's file may be larger than ours, up to this. A file with larger ones is read from its beginning.
const LARGEST_PART: u32 = 8 << 20;
/// A packed part of that size that could not be made smaller.
const LARGEST_PACKED: u32 = LARGEST_PART + (1 << 16);
/// A file has no more parts than a terabyte of ours: a hostile one must not take memory for more.
const MOST_PARTS: usize = 1 << 20;
/// The largest window that zstd's own program accepts without being asked.
const WINDOW_LOG: u32 = 23;

/// How it is known where the parts of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownBy {
    Index,
    /// The seek table of zstd's seekable format.
    Table,
    /// The heads of gzip's members.
    Heads,
    /// It is not known: the file is read from its beginning.
    Nothing,
}

/// A rotated file that is open, its own or one of its caller's. It takes memory for one part.
pub struct Archive<F = File> {
    file: F,
    kind: Kind,
    known_by: KnownBy,
    extents: Vec<Extent>,
    mark: Option<Mark>,
    unpacker: Unpacker,
    packed: Vec<u8>,
}

impl<F> std::fmt::Debug for Archive<F> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Archive {:?} by {:?}, {} parts", self.kind, self.known_by, self.extents.len())
    }
}

impl Archive {
    /// Opens a file. An index that is not of this file, by its kind and its length, is passed over.
    ///
    /// # Errors
    /// When it cannot be opened or read, or is no regular file.
    pub fn open(path: &Path, index: Option<&Index>) -> Result<Self> {
        let (file, meta) = source::open("open", path)?;
        Self::of(file, meta.len(), index).map_err(|error| Error::io("read", path, error))
    }

    /// As `stream`, for a file of which nobody knows where its parts are, or that has none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn into_stream(self, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        stream_of(self.file, self.kind, offset)
    }
}

impl<F: Borrow<File>> Archive<F> {
    /// The file that is open already, with its length.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(file: F, length: u64, index: Option<&Index>) -> io::Result<Self> {
        let opened = file.borrow();
        let kind = kind_of(opened)?;
        let (mut extents, mut known_by, mut mark) = (Vec::new(), KnownBy::Nothing, None);
        match kind {
            Kind::Plain => {}
            Kind::Gzip => (extents, mark) = members(opened, length)?,
            Kind::Zstd => (extents, mark) = table(opened, length)?.unwrap_or_default(),
        }
        if !extents.is_empty() {
            known_by = if kind == Kind::Zstd { KnownBy::Table } else { KnownBy::Heads };
        }
        let fits = |index: &&Index| {
            let (header, parts) = (index.header(), index.parts());
            header.kind == kind && header.packed_length == length && parts.iter().all(|part| is_small(&part.extent))
        };
        if let Some(index) = index.filter(fits) {
            (extents, known_by) = (index.parts().iter().map(|part| part.extent).collect(), KnownBy::Index);
        }
        Ok(Self { unpacker: Unpacker::new(kind)?, file, kind, known_by, extents, mark, packed: Vec::new() })
    }

    #[must_use]
    pub fn file(&self) -> &File {
        self.file.borrow()
    }

    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    #[must_use]
    pub const fn known_by(&self) -> KnownBy {
        self.known_by
    }

    /// What a packed file says of itself, if this library has packed it.
    #[must_use]
    pub const fn mark(&self) -> Option<Mark> {
        self.mark
    }

    /// The parts that can be read alone.
    #[must_use]
    pub fn extents(&self) -> &[Extent] {
        &self.extents
    }

    /// Reads a part into `out`, in the place of what is there.
    ///
    /// # Errors
    /// When there is no such part, it cannot be read, or it is not what is told of it.
    pub fn read_part(&mut self, number: usize, out: &mut Vec<u8>) -> io::Result<()> {
        let extent = self.extents.get(number).ok_or_else(|| damaged("there is no such part"))?;
        self.packed.clear();
        let mut file: &File = self.file.borrow();
        file.seek(SeekFrom::Start(extent.packed_at))?;
        if file.take(extent.packed_length.into()).read_to_end(&mut self.packed)? < extent.packed_length as usize {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "its end is missing"));
        }
        self.unpacker.unpack(&self.packed, extent.length as usize, out)?;
        if extent.check.is_none_or(|check| check == short(checksum::of(out))) {
            Ok(())
        } else {
            Err(damaged("a part is not what its index says"))
        }
    }

    /// Reads everything from an offset in the uncompressed bytes on. Behind the end there is nothing.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn stream(&mut self, offset: u64) -> io::Result<Box<dyn Read + '_>> {
        if !self.extents.is_empty() {
            let next = self.extents.partition_point(|extent| extent.at + u64::from(extent.length) <= offset);
            let skip = self.extents.get(next).map_or(0, |extent| offset - extent.at);
            return Ok(Box::new(Parts { archive: self, next, part: Vec::new(), at: 0, skip }));
        }
        Ok(stream_of(self.file.borrow(), self.kind, offset)?)
    }
}

/// Everything from an offset on, read from the beginning.
fn stream_of<'f, F: Read + Seek + Send + 'f>(
    mut file: F,
    kind: Kind,
    offset: u64,
) -> io::Result<Box<dyn Read + Send + 'f>> {
    if kind == Kind::Plain {
        file.seek(SeekFrom::Start(offset))?;
        return Ok(Box::new(file));
    }
    file.seek(SeekFrom::Start(0))?;
    let mut stream: Box<dyn Read + Send + 'f> = if kind == Kind::Gzip {
        Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::new(file)))
    } else {
        let mut decoder = zstd::stream::read::Decoder::new(file)?;
        decoder.window_log_max(WINDOW_LOG)?;
        Box::new(decoder)
    };
    io::copy(&mut stream.by_ref().take(offset), &mut io::sink())?;
    Ok(stream)
}

/// Part after part.
struct Parts<'a, F> {
    archive: &'a mut Archive<F>,
    next: usize,
    part: Vec<u8>,
    at: usize,
    /// Bytes of the first part that are not wanted.
    skip: u64,
}

impl<F: Borrow<File>> Read for Parts<'_, F> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.part.len() && self.next < self.archive.extents.len() {
            self.archive.read_part(self.next, &mut self.part)?;
            self.next += 1;
            // The offset is in this part.
            self.at = usize::try_from(std::mem::take(&mut self.skip)).unwrap_or(usize::MAX).min(self.part.len());
        }
        let count = out.len().min(self.part.len() - self.at);
        out[..count].copy_from_slice(&self.part[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

fn is_small(extent: &Extent) -> bool {
    extent.length <= LARGEST_PART && extent.packed_length <= LARGEST_PACKED
}

/// Reads at most as many bytes as there is room for.
fn read_at(mut file: &File, at: u64, bytes: &mut [u8]) -> io::Result<usize> {
    file.seek(SeekFrom::Start(at))?;
    let mut count = 0;
    while count < bytes.len() {
        match file.read(&mut bytes[count..]) {
            Ok(0) => break,
            Ok(read) => count += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

fn kind_of(file: &File) -> io::Result<Kind> {
    let mut magic = [0; 4];
    let count = read_at(file, 0, &mut magic)?;
    Ok(match &magic[..count] {
        [0x28, 0xB5, 0x2F, 0xFD] | [0x50..=0x5F, 0x2A, 0x4D, 0x18] => Kind::Zstd,
        [0x1F, 0x8B, ..] => Kind::Gzip,
        _ => Kind::Plain,
    })
}

type Layout = (Vec<Extent>, Option<Mark>);

/// The parts by the heads of gzip's members; none if any head is not ours.
fn members(file: &File, length: u64) -> io::Result<Layout> {
    let mut extents = Vec::new();
    let mut mark = None;
    let (mut packed_at, mut at) = (0, 0);
    while packed_at < length {
        let mut head = [0; MEMBER_HEAD];
        let count = read_at(file, packed_at, &mut head)?;
        let Some((found, packed_length, part_length)) = (count == MEMBER_HEAD).then(|| read_member(&head)).flatten()
        else {
            return Ok((Vec::new(), mark));
        };
        mark = mark.or(Some(found));
        let extent = Extent { packed_at, packed_length, at, length: part_length, check: None };
        (packed_at, at) = (packed_at + u64::from(packed_length), at + u64::from(part_length));
        if !is_small(&extent) || packed_at > length || extents.len() == MOST_PARTS {
            return Ok((Vec::new(), mark));
        }
        extents.push(extent);
    }
    Ok((extents, mark))
}

/// The parts by the seek table at the end of a file of zstd; `None` if there is none, or it is not true to the file.
fn table(file: &File, length: u64) -> io::Result<Option<Layout>> {
    let mut footer = [0; FOOTER];
    let Some(footer_at) = length.checked_sub(FOOTER as u64) else { return Ok(None) };
    if read_at(file, footer_at, &mut footer)? < FOOTER || footer[5..] != FOOTER_MAGIC.to_le_bytes() {
        return Ok(None);
    }
    let (count, descriptor) = (word(&footer, 0) as usize, footer[4]);
    let entry = if descriptor & 0x80 == 0 { ENTRY } else { ENTRY + 4 };
    if count > MOST_PARTS || descriptor & 0x7C != 0 {
        return Ok(None);
    }
    let table_length = 8 + count * entry + FOOTER;
    let Some(table_at) = length.checked_sub(table_length as u64) else { return Ok(None) };
    let mut bytes = vec![0; table_length];
    let is_whole = read_at(file, table_at, &mut bytes)? == table_length
        && word(&bytes, 0) == TABLE_MAGIC
        && word(&bytes, 4) as usize == table_length - 8;
    if !is_whole {
        return Ok(None);
    }
    let mut extents = Vec::new();
    let (mut packed_at, mut at) = (0, 0);
    for entry in bytes[8..table_length - FOOTER].chunks_exact(entry) {
        let extent = Extent { packed_at, packed_length: word(entry, 0), at, length: word(entry, 4), check: None };
        if !is_small(&extent) || extent.packed_length == 0 {
            return Ok(None);
        }
        (packed_at, at) = (packed_at + u64::from(extent.packed_length), at + u64::from(extent.length));
        // A frame without bytes may be one to skip.
        if extent.length > 0 {
            extents.push(extent);
        }
    }
    if packed_at != table_at {
        return Ok(None);
    }
    let mark = match mark(file, table_at, &bytes)? {
        Some((_, false)) => return Ok(None),
        mark => mark.map(|(mark, _)| mark),
    };
    Ok(Some((extents, mark)))
}

/// The mark that ends where the seek table begins, and whether its sum is right.
fn mark(file: &File, table_at: u64, table: &[u8]) -> io::Result<Option<(Mark, bool)>> {
    let mut bytes = [0; MARK_LENGTH];
    let Some(at) = table_at.checked_sub(MARK_LENGTH as u64) else { return Ok(None) };
    let is_ours = read_at(file, at, &mut bytes)? == MARK_LENGTH
        && word(&bytes, 0) == MARK_MAGIC
        && word(&bytes, 4) as usize == MARK_LENGTH - 8
        && bytes[8..16] == *MARK_NAME;
    let [generation, sum] = [16, 24].map(|at| u64::from(word(&bytes, at)) | u64::from(word(&bytes, at + 4)) << 32);
    Ok(is_ours.then_some((Mark { generation }, sum == mark_sum(generation, table))))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_le_bytes)
}
