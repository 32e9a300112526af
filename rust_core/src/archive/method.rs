//! The formats of packed files. A part is a frame of zstd or a member of gzip, whole in itself; any program that knows the format reads the file.
//!
//! Behind the frames of zstd are two frames that programs skip: a mark with the file's generation, and the seek table of zstd's seekable
//! format. Each member of gzip has the generation and its length in its head, in a field that programs skip.

use std::io::{self, Read};
use std::ops::RangeInclusive;

use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use zstd::zstd_safe::{CParameter, compress_bound};

use super::{Extent, Kind};
use crate::checksum;

/// How files are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    kind: Kind,
    level: i32,
}

impl Method {
    /// A method and its level, or the default. `None` if there is no such level.
    #[must_use]
    pub fn new(kind: Kind, level: Option<i32>) -> Option<Self> {
        let level = level.unwrap_or_else(|| Self::default_level(kind));
        Self::levels(kind).contains(&level).then_some(Self { kind, level })
    }

    /// Levels of packing, from fast to small. Those of zstd end where it needs much memory.
    #[must_use]
    pub const fn levels(kind: Kind) -> RangeInclusive<i32> {
        match kind {
            Kind::Plain => 0..=0,
            Kind::Gzip => 1..=9,
            Kind::Zstd => 1..=19,
        }
    }

    /// The one that measurements suggest. At level 3 of zstd a file is packed, indexed and read back as fast as zstd's own program packs it.
    /// Level 1 is a seventh faster, and which of them makes the smaller file depends on the lines.
    #[must_use]
    pub const fn default_level(kind: Kind) -> i32 {
        match kind {
            Kind::Plain => 0,
            Kind::Gzip => 6,
            Kind::Zstd => 3,
        }
    }

    /// Whether a part alone takes a good part of a second.
    #[must_use]
    pub const fn is_slow(self) -> bool {
        matches!(self.kind, Kind::Zstd) && self.level > FASTER
    }

    #[must_use]
    pub const fn kind(self) -> Kind {
        self.kind
    }
}

/// The level of zstd above which a part takes ten times as long as at the default.
const FASTER: i32 = 12;

/// What a packed file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub generation: u64,
}

/// A skippable frame of zstd, and the one of the seekable format.
pub const MARK_MAGIC: u32 = 0x184D_2A55;
pub const TABLE_MAGIC: u32 = 0x184D_2A5E;
pub const FOOTER_MAGIC: u32 = 0x8F92_EAB1;
pub const MARK_NAME: &[u8; 8] = b"ulogger1";
/// A mark with its head: the name, the generation, and a sum of both and the seek table.
pub const MARK_LENGTH: usize = 8 + 8 + 8 + 8;
pub const ENTRY: usize = 8;
pub const FOOTER: usize = 9;

/// The head of a member of gzip, with a field of ours.
pub const MEMBER_HEAD: usize = 12 + 4 + FIELD;
/// The generation, the lengths of the member and of its part, and a sum of the three.
const FIELD: usize = 8 + 4 + 4 + 8;
const MEMBER_FOOT: usize = 8;
const FIELD_NAME: [u8; 2] = *b"UL";

/// Packs parts one by one.
pub enum Packer {
    Zstd(Box<zstd::bulk::Compressor<'static>>),
    Gzip(Box<Compress>),
    Plain,
}

impl Packer {
    pub fn new(method: Method) -> io::Result<Self> {
        Ok(match method.kind {
            Kind::Zstd => {
                let mut compressor = zstd::bulk::Compressor::new(method.level)?;
                compressor.set_parameter(CParameter::ChecksumFlag(true))?;
                Self::Zstd(Box::new(compressor))
            }
            Kind::Gzip => Self::Gzip(Box::new(Compress::new(Compression::new(method.level.unsigned_abs()), false))),
            Kind::Plain => Self::Plain,
        })
    }

    /// Packs a part into `out`, in the place of what is there.
    pub fn pack(&mut self, part: &[u8], generation: u64, out: &mut Vec<u8>) -> io::Result<()> {
        out.clear();
        match self {
            Self::Zstd(compressor) => {
                out.reserve(compress_bound(part.len()));
                compressor.compress_to_buffer(part, out)?;
            }
            Self::Gzip(compress) => member(compress, part, generation, out)?,
            Self::Plain => out.extend_from_slice(part),
        }
        Ok(())
    }

    /// What follows the last part.
    pub fn end(&self, extents: &[Extent], generation: u64) -> io::Result<Vec<u8>> {
        if matches!(self, Self::Zstd(_)) { table(extents, generation) } else { Ok(Vec::new()) }
    }
}

fn too_long<E>(_: E) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "it has too many parts")
}

fn length_of(bytes: usize) -> io::Result<[u8; 4]> {
    u32::try_from(bytes).map(u32::to_le_bytes).map_err(too_long)
}

fn table(extents: &[Extent], generation: u64) -> io::Result<Vec<u8>> {
    let count = extents.len() + 1;
    let mut out = Vec::with_capacity(MARK_LENGTH + 8 + count * ENTRY + FOOTER);
    out.extend(MARK_MAGIC.to_le_bytes());
    out.extend(length_of(MARK_LENGTH - 8)?);
    out.extend(MARK_NAME);
    out.extend(generation.to_le_bytes());
    out.extend([0; 8]);
    out.extend(TABLE_MAGIC.to_le_bytes());
    out.extend(length_of(count * ENTRY + FOOTER)?);
    for extent in extents {
        out.extend(extent.packed_length.to_le_bytes());
        out.extend(extent.length.to_le_bytes());
    }
    // The table has an entry for every frame before it, and so for the mark.
    out.extend(length_of(MARK_LENGTH)?);
    out.extend(length_of(0)?);
    out.extend(length_of(count)?);
    out.push(0);
    out.extend(FOOTER_MAGIC.to_le_bytes());
    let sum = mark_sum(generation, &out[MARK_LENGTH..]);
    out[MARK_LENGTH - 8..MARK_LENGTH].copy_from_slice(&sum.to_le_bytes());
    Ok(out)
}

/// The sum of a mark: the format of the seek table has none, and a wrong length in it would move all parts after it.
pub fn mark_sum(generation: u64, table: &[u8]) -> u64 {
    checksum::of(table) ^ checksum::of(&generation.to_le_bytes()).rotate_left(32)
}

fn member(compress: &mut Compress, part: &[u8], generation: u64, out: &mut Vec<u8>) -> io::Result<()> {
    // Deflate with a field that follows, no time, any system.
    out.extend([0x1F, 0x8B, 8, 4, 0, 0, 0, 0, 0, 0xFF]);
    out.extend([4 + FIELD as u8, 0]);
    out.extend(FIELD_NAME);
    out.extend([FIELD as u8, 0]);
    out.extend([0; FIELD]);
    compress.reset();
    // What cannot be made smaller is stored in blocks, with a few bytes for each.
    out.reserve(part.len() / 8 + 1_024);
    loop {
        let done = usize::try_from(compress.total_in()).unwrap_or(part.len());
        match compress.compress_vec(&part[done..], out, FlushCompress::Finish).map_err(io::Error::other)? {
            Status::StreamEnd => break,
            Status::Ok | Status::BufError => out.reserve(part.len() / 4 + 1_024),
        }
    }
    let mut crc = Crc::new();
    crc.update(part);
    out.extend(crc.sum().to_le_bytes());
    out.extend(length_of(part.len())?);
    let length = length_of(out.len())?;
    let field = &mut out[MEMBER_HEAD - FIELD..MEMBER_HEAD];
    field[..8].copy_from_slice(&generation.to_le_bytes());
    field[8..12].copy_from_slice(&length);
    field[12..16].copy_from_slice(&length_of(part.len())?);
    let sum = checksum::of(&field[..16]);
    field[16..].copy_from_slice(&sum.to_le_bytes());
    Ok(())
}

/// What the head of a member says: the generation of the file, and the lengths of the member and of its part. `None` if it is not one of ours.
pub fn read_member(head: &[u8; MEMBER_HEAD]) -> Option<(Mark, u32, u32)> {
    let (start, field) = head.split_at(MEMBER_HEAD - FIELD);
    let is_ours = start[..4] == [0x1F, 0x8B, 8, 4]
        && start[10..12] == [4 + FIELD as u8, 0]
        && start[12..14] == FIELD_NAME
        && start[14..16] == [FIELD as u8, 0]
        && field[16..] == checksum::of(&field[..16]).to_le_bytes();
    let generation = u64::from_le_bytes(*field.first_chunk()?);
    let packed = u32::from_le_bytes(field[8..12].try_into().ok()?);
    let length = u32::from_le_bytes(field[12..16].try_into().ok()?);
    (is_ours && packed as usize > MEMBER_HEAD + MEMBER_FOOT).then_some((Mark { generation }, packed, length))
}

/// Unpacks parts one by one. It has room for no more than a part, whatever the bytes claim.
pub enum Unpacker {
    Zstd(Box<zstd::bulk::Decompressor<'static>>),
    Gzip,
    Plain,
}

impl Unpacker {
    pub fn new(kind: Kind) -> io::Result<Self> {
        Ok(match kind {
            Kind::Zstd => Self::Zstd(Box::new(zstd::bulk::Decompressor::new()?)),
            Kind::Gzip => Self::Gzip,
            Kind::Plain => Self::Plain,
        })
    }

    /// Unpacks a part of `length` bytes into `out`, in the place of what is there.
    pub fn unpack(&mut self, packed: &[u8], length: usize, out: &mut Vec<u8>) -> io::Result<()> {
        out.clear();
        out.reserve(length);
        match self {
            Self::Zstd(decompressor) => {
                decompressor.decompress_to_buffer(packed, out)?;
            }
            Self::Gzip => {
                let most = length as u64 + 1;
                flate2::bufread::MultiGzDecoder::new(packed).take(most).read_to_end(out)?;
            }
            Self::Plain => out.extend_from_slice(packed),
        }
        if out.len() == length { Ok(()) } else { Err(damaged("a part has another length than is told of it")) }
    }
}

/// Whether an error says that what was read is damaged, and not that it cannot be read now.
#[must_use]
pub fn is_damage(error: &io::Error) -> bool {
    // The libraries that unpack have kinds of their own for it; the system has none of these.
    let kinds =
        [io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof, io::ErrorKind::InvalidInput, io::ErrorKind::Other];
    error.raw_os_error().is_none() && kinds.contains(&error.kind())
}

pub fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
