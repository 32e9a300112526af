//! Packs a file under a temporary name, part by part, so that the work can be left at any part and gone on with later.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::cut::Cut;
use super::index::joined;
use super::method::{Packer, Unpacker, damaged};
use super::pack::{Job, Outcome, Pace, Packed};
use super::source::{self, State};
use super::{Builder, Method, temporary_name};
use crate::checksum;
use crate::error::{Error, Result};
use crate::error_handler::remark;
use crate::fault_injection::{Fault, pass};
use crate::platform::{self, Lock, Rights};
use crate::unshared::Unshared;

/// A file that is packed in part. Its temporary file goes with it.
#[derive(Debug)]
pub struct Begun {
    pub(super) source: Unshared,
    pub(super) state: State,
    file: Unshared,
    pub(super) temporary: Temporary,
    method: Method,
    generation: u64,
    first_sequence: Option<u64>,
    rights: Option<Rights>,
    modified: Option<SystemTime>,
    builder: Builder,
    /// Bytes that are packed, and those that they take.
    from: u64,
    at: u64,
    stage: Stage,
}

/// What is done by now.
#[derive(Debug)]
enum Stage {
    Packing,
    /// All is on the device, and read back up to a part.
    Verifying {
        end: End,
        part: usize,
        check: u64,
    },
}

/// What follows the last part, and where.
#[derive(Debug)]
struct End {
    at: u64,
    bytes: Vec<u8>,
}

/// A file that is removed unless it gets its name.
#[derive(Debug)]
pub(super) struct Temporary {
    pub path: PathBuf,
    pub is_named: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_named
            && let Err(error) = platform::remove_if_there(&self.path)
        {
            remark("remove a temporary file", format!("{}: {error}", self.path.display()));
        }
    }
}

impl Begun {
    /// Makes the temporary file.
    pub(super) fn new(job: &Job<'_>) -> Result<std::result::Result<Self, Outcome>> {
        let unusable = |error| Error::io("pack", job.source, error);
        let (source, meta) = source::open("pack", job.source)?;
        let path = temporary_name(job.target);
        let file = match platform::open_private(&path, true) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(Err(Outcome::Busy)),
            Err(error) => return Err(Error::io("make", &path, error)),
        };
        let temporary = Temporary { path, is_named: false };
        let file = Unshared::new(file).map_err(unusable)?;
        if platform::lock(&file, Duration::ZERO) == Lock::TimedOut {
            return Ok(Err(Outcome::Busy));
        }
        Ok(Ok(Self {
            source: Unshared::new(source).map_err(unusable)?,
            state: State::of(&meta),
            file,
            temporary,
            method: job.method,
            generation: job.generation,
            first_sequence: job.first_sequence,
            rights: Rights::of(&meta),
            modified: meta.modified().ok(),
            builder: Builder::new(job.method.kind(), job.generation, job.first_sequence, job.keys),
            from: 0,
            at: 0,
            stage: Stage::Packing,
        }))
    }

    /// That of the file.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Bytes of the original that are packed by now, and those that are read back.
    #[must_use]
    pub fn done(&self) -> u64 {
        let read_back = match self.stage {
            Stage::Packing => 0,
            Stage::Verifying { part, .. } => self.builder.extents().get(part).map_or(self.from, |next| next.at),
        };
        self.from + read_back
    }

    /// Whether it is what a job asks for, and the original is as it was.
    pub(super) fn is_of(&self, job: &Job<'_>) -> bool {
        let asked = (job.generation, job.method, job.first_sequence);
        (self.generation, self.method, self.first_sequence) == asked
            && self.temporary.path.parent() == job.target.parent()
            && self.state.still_holds(&self.source, job.source).unwrap_or(false)
            && platform::identity_at(&self.temporary.path).is_ok_and(|found| found == self.file.identity())
    }

    /// Goes on until the packed file is whole and read back, or the pace ends it.
    pub(super) fn go_on(&mut self, job: &Job<'_>, pace: Pace<'_>) -> Result<ControlFlow<()>> {
        if let Stage::Packing = self.stage {
            let Some(end) = self.write(job, pace)? else { return Ok(ControlFlow::Break(())) };
            pass(Fault::PackWritten);
            self.settle_rights()?;
            self.file.sync_all().map_err(|error| self.failed("sync", error))?;
            pass(Fault::PackSynced);
            platform::forget_pages(&self.file);
            self.stage = Stage::Verifying { end, part: 0, check: 0 };
        }
        let verified = self.verify(pace);
        let verified = verified.map_err(|error| self.failed("read back", error))?;
        if verified.is_continue() {
            pass(Fault::PackVerified);
        }
        Ok(verified)
    }

    /// What is needed of it when all is done.
    pub(super) fn end(self) -> (Unshared, State, Temporary, Packed) {
        let Self { source, state, temporary, builder, stage, .. } = self;
        let packed_length = match stage {
            Stage::Packing => self.at,
            Stage::Verifying { end, .. } => end.at + end.bytes.len() as u64,
        };
        let length = builder.extents().last().map_or(0, |last| last.at + u64::from(last.length));
        let lines = builder.lines();
        (source, state, temporary, Packed { index: builder.finish(packed_length), lines, length, packed_length })
    }

    fn failed(&self, action: &'static str, error: io::Error) -> Error {
        Error::io(action, &self.temporary.path, error)
    }

    /// `None` if the pace ends it.
    fn write(&mut self, job: &Job<'_>, pace: Pace<'_>) -> Result<Option<End>> {
        let Self { source, file, temporary, builder, from, at, .. } = self;
        let unreadable = |error| Error::io("read", job.source, error);
        let unwritable = |error| Error::io("write", &temporary.path, error);
        let (mut original, mut out): (&File, &File) = (source, file);
        original.seek(SeekFrom::Start(*from)).map_err(unreadable)?;
        out.seek(SeekFrom::Start(*at)).map_err(unwritable)?;
        let mut packer = Packer::new(self.method).map_err(unwritable)?;
        let mut cut = Cut::new(original.take(self.state.length().saturating_sub(*from)));
        let mut packed = Vec::new();
        loop {
            let part = match cut.next().map_err(unreadable)? {
                Some(part) => part,
                // A file without any part would be no file of its format.
                None if builder.extents().is_empty() => &[],
                None => break,
            };
            packer.pack(part, self.generation, &mut packed).map_err(unwritable)?;
            out.write_all(&packed).map_err(unwritable)?;
            // No part is that long.
            builder.add(part, *at, u32::try_from(packed.len()).unwrap_or(u32::MAX));
            *at += packed.len() as u64;
            *from += part.len() as u64;
            pass(Fault::PackPart);
            if pace(part.len() as u64).is_break() {
                return Ok(None);
            }
            if part.is_empty() {
                break;
            }
        }
        let bytes = packer.end(builder.extents(), self.generation).map_err(unwritable)?;
        out.write_all(&bytes).map_err(unwritable)?;
        Ok(Some(End { at: *at, bytes }))
    }

    /// The packed file is as old as the original, and as open to others.
    fn settle_rights(&self) -> Result<()> {
        if let Some(Err(error)) = self.rights.map(|rights| rights.give_all(&self.file)) {
            return Err(self.failed("set the rights of", error));
        }
        if let Some(Err(error)) = self.modified.map(|modified| self.file.set_modified(modified)) {
            remark("set the time of a file", format!("{}: {error}", self.temporary.path.display()));
        }
        Ok(())
    }

    /// Reads all of the packed file, and compares it with the sums that were made of the original.
    fn verify(&mut self, pace: Pace<'_>) -> io::Result<ControlFlow<()>> {
        let Self { file, builder, stage: Stage::Verifying { end, part: next, check }, method, .. } = self else {
            return Ok(ControlFlow::Break(()));
        };
        let mut unpacker = Unpacker::new(method.kind())?;
        let (mut packed, mut part) = (Vec::new(), Vec::new());
        let mut file: &File = file;
        let extents = builder.extents();
        file.seek(SeekFrom::Start(extents.get(*next).map_or(end.at, |extent| extent.packed_at)))?;
        for extent in &extents[(*next).min(extents.len())..] {
            packed.clear();
            file.take(extent.packed_length.into()).read_to_end(&mut packed)?;
            unpacker.unpack(&packed, extent.length as usize, &mut part)?;
            (*check, *next) = (joined(*check, checksum::of(&part)), *next + 1);
            if pace(extent.length.into()).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        packed.clear();
        file.read_to_end(&mut packed)?;
        if *check == builder.check() && packed == end.bytes {
            Ok(ControlFlow::Continue(()))
        } else {
            Err(damaged("it is not what was packed"))
        }
    }
}
