//! The uncompressed bytes of one file, packed or not.

use std::fs::File;
use std::io::{self, Read};

use crate::archive::{Archive, Index, Kind, Mark};
use crate::platform;

/// So many bytes are forgotten at once.
const FORGET: u64 = 8 << 20;

/// A file that is open.
#[allow(missing_debug_implementations)] // a stream has none
pub struct Source {
    inner: Inner,
    mark: Option<Mark>,
    /// Whether the system had nothing of the file in memory before, so that nobody else needs its pages.
    is_cold: bool,
    /// Up to where its pages are forgotten.
    forgotten: u64,
}

enum Inner {
    Plain(File),
    Parts {
        archive: Archive,
        part: Vec<u8>,
        number: Option<usize>,
    },
    /// It can be read from its beginning alone.
    Stream {
        stream: Box<dyn Read + Send>,
        at: u64,
        file: File,
    },
}

impl Source {
    /// A file of `length` bytes as it lies there. `is_closed` says that it gets no more records.
    pub fn of(file: File, length: u64, index: Option<&Index>, is_closed: bool) -> io::Result<Self> {
        // Its beginning may be there because it was looked at.
        let is_cold = is_closed && !platform::is_in_memory(&file, length / 2);
        if is_closed {
            platform::will_read_once(&file);
        } else {
            return Ok(Self { inner: Inner::Plain(file), mark: None, is_cold, forgotten: 0 });
        }
        let copy = file.try_clone()?;
        let archive = Archive::of(file, length, index)?;
        let mark = archive.mark();
        let inner = if archive.kind() == Kind::Plain {
            Inner::Plain(copy)
        } else if archive.extents().is_empty() {
            Inner::Stream { stream: archive.into_stream(0)?, at: 0, file: copy }
        } else {
            Inner::Parts { archive, part: Vec::new(), number: None }
        };
        Ok(Self { inner, mark, is_cold, forgotten: 0 })
    }

    /// What a packed file says of itself.
    pub const fn mark(&self) -> Option<Mark> {
        self.mark
    }

    pub fn file(&self) -> &File {
        match &self.inner {
            Inner::Plain(file) | Inner::Stream { file, .. } => file,
            Inner::Parts { archive, .. } => archive.file(),
        }
    }

    /// Its bytes; `None` where that takes reading all of it.
    pub fn length(&self) -> io::Result<Option<u64>> {
        Ok(match &self.inner {
            Inner::Plain(file) => Some(file.metadata()?.len()),
            Inner::Parts { archive, .. } => {
                Some(archive.extents().last().map_or(0, |last| last.at + u64::from(last.length)))
            }
            Inner::Stream { .. } => None,
        })
    }

    /// Where to begin so that about so many bytes before an offset are read. Of a packed file it `is_first` the part alone that ends there.
    pub fn start_before(&self, end: u64, wanted: u64, is_first: bool) -> u64 {
        let start = end.saturating_sub(wanted);
        match &self.inner {
            Inner::Parts { archive, .. } => {
                let extents = archive.extents();
                // A part is unpacked as a whole anyway.
                let within = if is_first { end.saturating_sub(1) } else { start };
                extents.partition_point(|extent| extent.at <= within).checked_sub(1).map_or(0, |at| extents[at].at)
            }
            Inner::Plain(_) | Inner::Stream { .. } => start,
        }
    }

    /// Where the part begins that follows an offset.
    pub fn part_after(&self, at: u64) -> Option<u64> {
        match &self.inner {
            Inner::Parts { archive, .. } => archive.extents().iter().map(|extent| extent.at).find(|start| *start > at),
            Inner::Plain(_) | Inner::Stream { .. } => None,
        }
    }

    /// Reads what is between two offsets, in the place of what is there. Less if its end comes before.
    pub fn read_all(&mut self, from: u64, until: u64, into: &mut Vec<u8>) -> io::Result<()> {
        let length = usize::try_from(until.saturating_sub(from)).map_err(io::Error::other)?;
        into.resize(length, 0);
        let mut filled = 0;
        while filled < length {
            match self.read(from + filled as u64, &mut into[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        into.truncate(filled);
        Ok(())
    }

    /// Reads from an offset on, as much as there is room for or less. Nothing at the end.
    pub fn read(&mut self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        match &mut self.inner {
            Inner::Plain(file) => {
                let count = platform::read_at(file, into, at)?;
                if self.is_cold && at.saturating_sub(self.forgotten) > FORGET {
                    platform::forget_range(file, self.forgotten, at - self.forgotten);
                    self.forgotten = at;
                }
                Ok(count)
            }
            Inner::Parts { archive, part, number } => {
                let extents = archive.extents();
                let wanted = extents.partition_point(|extent| extent.at + u64::from(extent.length) <= at);
                let Some(extent) = extents.get(wanted).copied() else { return Ok(0) };
                if *number != Some(wanted) {
                    *number = None;
                    archive.read_part(wanted, part)?;
                    *number = Some(wanted);
                }
                let rest = usize::try_from(at - extent.at).ok().and_then(|skip| part.get(skip..)).unwrap_or_default();
                let count = rest.len().min(into.len());
                into[..count].copy_from_slice(&rest[..count]);
                Ok(count)
            }
            Inner::Stream { stream, at: reached, .. } => {
                if at < *reached {
                    return Err(io::Error::other("it can be read from its beginning alone"));
                }
                *reached += io::copy(&mut stream.by_ref().take(at - *reached), &mut io::sink())?;
                let mut count = 0;
                while count < into.len() {
                    match stream.read(&mut into[count..]) {
                        Ok(0) => break,
                        Ok(read) => count += read,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) if count == 0 => return Err(error),
                        // What came before it is good; the next call has the error.
                        Err(_) => break,
                    }
                }
                *reached += count as u64;
                Ok(count)
            }
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if self.is_cold {
            platform::forget_pages(self.file());
        }
    }
}
