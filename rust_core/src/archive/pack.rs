//! Packs a rotated file. At each moment either the original or the packed file is whole under its name.
//!
//! The packed file is written under a temporary name, synced, and read back. Then it gets its name, and the original the name of a file that
//! goes. These two renames are all that is done while nobody else may write. File systems keep their order. Once the names are synced, the
//! original is removed. A process that dies leaves a temporary file or one that goes, which `remove_leftovers` removes, or both files, of which
//! `settle` removes one.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::cut::Cut;
use super::method::{Packer, Unpacker, damaged};
use super::source::{self, State};
use super::{Builder, Keys, Method, going_name, remove_going, temporary_name};
use crate::checksum;
use crate::error::{Error, Result};
use crate::error_handler::remark;
use crate::fault_injection::{Fault, pass};
use crate::platform::{self, Lock, Rights};

/// What is to be packed.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations)] // what keeps names from changing has none
pub struct Job<'j> {
    pub source: &'j Path,
    /// In the same directory; see `packed_name`.
    pub target: &'j Path,
    pub method: Method,
    pub generation: u64,
    /// The number of the first line, if lines are numbered.
    pub first_sequence: Option<u64>,
    pub keys: &'j Keys,
    /// None where nobody renames the original meanwhile.
    pub names: Option<&'j (dyn Names + Sync)>,
}

/// Keeps names from changing while the packed file takes the place of the original.
pub trait Names {
    /// Calls `work` once with the name that the original has by now, and with that of its packed file. Nobody renames either before it returns.
    ///
    /// # Errors
    /// Those of `work`, or when names cannot be kept from changing.
    fn keep(&self, work: &mut dyn FnMut(&Path, &Path) -> Result<Outcome>) -> Result<Outcome>;
}

/// What came of it. In all but the first, the original is as it was, under its name.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Packed(Packed),
    /// The pace said so.
    Stopped,
    /// Somebody wrote to the original, or took its name.
    Changed,
    /// The target exists.
    Taken,
    /// Another process packs it, or its temporary file was left.
    Busy,
}

/// A packed file.
#[derive(Debug, PartialEq, Eq)]
pub struct Packed {
    pub index: Vec<u8>,
    pub lines: u64,
    pub length: u64,
    pub packed_length: u64,
}

/// Called after each part with the bytes that were packed, and then with those that were read back: it may wait, or end the work.
pub type Pace<'p> = &'p mut (dyn FnMut(u64) -> ControlFlow<()> + Send);

/// Packs a file. The thread that calls it waits for the device several times.
///
/// # Errors
/// When a file cannot be read or written, or when it reads back as something else: the original is as it was, under its name. When the packed file
/// has its name, and the original cannot be removed: `remove_leftovers` tries it again.
pub fn pack(job: &Job<'_>, pace: Pace<'_>) -> Result<Outcome> {
    match prepare(job, pace)? {
        Prepared::Ready(ready) => ready.take_place(),
        Prepared::Not(outcome) => Ok(outcome),
    }
}

/// What came of packing a file under its temporary name.
#[allow(missing_debug_implementations)] // as `Job`
pub enum Prepared<'j> {
    Ready(Ready<'j>),
    /// The original is as it was.
    Not(Outcome),
}

/// A packed file that only needs its name.
#[allow(missing_debug_implementations)] // as `Job`
pub struct Ready<'j> {
    packing: Packing<'j>,
    packed: Packed,
}

/// Does what takes long, and needs no lock: packs a file under a temporary name, and reads it back.
///
/// # Errors
/// When a file cannot be read or written, or when it reads back as something else.
pub fn prepare<'j>(job: &'j Job<'j>, pace: Pace<'_>) -> Result<Prepared<'j>> {
    let (source, meta) = source::open("pack", job.source)?;
    if job.target.symlink_metadata().is_ok() {
        return Ok(Prepared::Not(Outcome::Taken));
    }
    let path = temporary_name(job.target);
    let file = match platform::open_private(&path, true) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(Prepared::Not(Outcome::Busy)),
        Err(error) => return Err(Error::io("make", &path, error)),
    };
    let temporary = Temporary { path, is_named: false };
    if platform::lock(&file, Duration::ZERO) == Lock::TimedOut {
        return Ok(Prepared::Not(Outcome::Busy));
    }
    let mut packing = Packing { job, source, state: State::of(&meta), file, temporary };
    let packed = packing.run(Rights::of(&meta), meta.modified().ok(), pace)?;
    Ok(packed.map_or(Prepared::Not(Outcome::Stopped), |packed| Prepared::Ready(Ready { packing, packed })))
}

/// A file that is removed unless it gets its name.
struct Temporary {
    path: PathBuf,
    is_named: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_named
            && let Err(error) = fs::remove_file(&self.path)
        {
            remark("remove a temporary file", format!("{}: {error}", self.path.display()));
        }
    }
}

struct Packing<'j> {
    job: &'j Job<'j>,
    source: File,
    state: State,
    file: File,
    temporary: Temporary,
}

impl Ready<'_> {
    /// Lets the packed file take the place of the original, and removes that.
    ///
    /// # Errors
    /// As `pack`.
    pub fn take_place(self) -> Result<Outcome> {
        let Self { mut packing, packed } = self;
        let (job, mut packed, mut going) = (packing.job, Some(packed), None);
        let mut take_place = |source: &Path, target: &Path| {
            let name = going_name(source, job.generation);
            let outcome = packing.take_place(source, target, &name)?;
            Ok(outcome.unwrap_or_else(|| {
                going = Some(name);
                packed.take().map_or(Outcome::Changed, Outcome::Packed)
            }))
        };
        let outcome = match job.names {
            Some(names) => names.keep(&mut take_place),
            None => take_place(job.source, job.target),
        }?;
        if let Some(going) = going {
            remove_going(&going)?;
            pass(Fault::PackRemoved);
        }
        Ok(outcome)
    }
}

impl Packing<'_> {
    /// `None` if the pace ends it.
    fn run(
        &mut self,
        rights: Option<Rights>,
        modified: Option<std::time::SystemTime>,
        pace: Pace<'_>,
    ) -> Result<Option<Packed>> {
        let Some((builder, end)) = self.write(pace)? else { return Ok(None) };
        pass(Fault::PackWritten);
        self.settle_rights(rights, modified)?;
        self.file.sync_all().map_err(|error| self.failed("sync", error))?;
        pass(Fault::PackSynced);
        platform::forget_pages(&self.file);
        if self.verify(&builder, &end, pace).map_err(|error| self.failed("read back", error))?.is_break() {
            return Ok(None);
        }
        pass(Fault::PackVerified);
        let length = builder.extents().last().map_or(0, |last| last.at + u64::from(last.length));
        let packed_length = end.at + end.bytes.len() as u64;
        let lines = builder.lines();
        Ok(Some(Packed { index: builder.finish(packed_length), lines, length, packed_length }))
    }

    /// Lets the packed file take the place of the original, which gets the name of a file that goes. `None` if it has. Nothing here waits for the
    /// device, because writers wait for it.
    fn take_place(&mut self, source: &Path, target: &Path, going: &Path) -> Result<Option<Outcome>> {
        if !self.is_unchanged(source)? {
            return Ok(Some(Outcome::Changed));
        }
        match platform::rename_new(&self.temporary.path, target) {
            Ok(()) => self.temporary.is_named = true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(Some(Outcome::Taken)),
            Err(error) => return Err(self.failed("rename", error)),
        }
        match self.replace_original(source, going) {
            Ok(true) => Ok(None),
            result => {
                // The original stays, so that the packed file goes.
                fs::rename(target, &self.temporary.path).map_err(|error| Error::io("rename", target, error))?;
                self.temporary.is_named = false;
                result.map(|_| Some(Outcome::Changed))
            }
        }
    }

    fn failed(&self, action: &'static str, error: io::Error) -> Error {
        Error::io(action, &self.temporary.path, error)
    }

    /// `None` if the pace ends it.
    fn write(&mut self, pace: Pace<'_>) -> Result<Option<(Builder, End)>> {
        let job = self.job;
        let unreadable = |error| Error::io("read", job.source, error);
        let unwritable = |error| Error::io("write", &self.temporary.path, error);
        let mut builder = Builder::new(job.method.kind(), job.generation, job.first_sequence, job.keys);
        let mut packer = Packer::new(job.method).map_err(unwritable)?;
        let mut cut = Cut::new((&self.source).take(self.state.length()));
        let mut packed = Vec::new();
        let mut at = 0;
        let mut is_empty = true;
        loop {
            let part = match cut.next().map_err(unreadable)? {
                Some(part) => part,
                // A file without any part would be no file of its format.
                None if is_empty => &[],
                None => break,
            };
            is_empty = false;
            packer.pack(part, job.generation, &mut packed).map_err(unwritable)?;
            (&self.file).write_all(&packed).map_err(unwritable)?;
            // No part is that long.
            builder.add(part, at, u32::try_from(packed.len()).unwrap_or(u32::MAX));
            at += packed.len() as u64;
            pass(Fault::PackPart);
            if pace(part.len() as u64).is_break() {
                return Ok(None);
            }
            if part.is_empty() {
                break;
            }
        }
        let bytes = packer.end(builder.extents(), job.generation).map_err(unwritable)?;
        (&self.file).write_all(&bytes).map_err(unwritable)?;
        Ok(Some((builder, End { at, bytes })))
    }

    /// The packed file is as old as the original, and as open to others.
    fn settle_rights(&self, rights: Option<Rights>, modified: Option<std::time::SystemTime>) -> Result<()> {
        if let Some(Err(error)) = rights.map(|rights| rights.give_all(&self.file)) {
            return Err(self.failed("set the rights of", error));
        }
        if let Some(Err(error)) = modified.map(|modified| self.file.set_modified(modified)) {
            remark("set the time of a file", format!("{}: {error}", self.temporary.path.display()));
        }
        Ok(())
    }

    /// Reads all of the packed file, and compares it with the sums that were made of the original.
    fn verify(&self, builder: &Builder, end: &End, pace: Pace<'_>) -> io::Result<ControlFlow<()>> {
        let mut unpacker = Unpacker::new(self.job.method.kind())?;
        let (mut packed, mut part) = (Vec::new(), Vec::new());
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        let mut check = 0;
        for extent in builder.extents() {
            packed.clear();
            file.take(extent.packed_length.into()).read_to_end(&mut packed)?;
            unpacker.unpack(&packed, extent.length as usize, &mut part)?;
            check = super::index::joined(check, checksum::of(&part));
            if pace(extent.length.into()).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        packed.clear();
        file.read_to_end(&mut packed)?;
        if check == builder.check() && packed == end.bytes {
            Ok(ControlFlow::Continue(()))
        } else {
            Err(damaged("it is not what was packed"))
        }
    }

    fn is_unchanged(&self, source: &Path) -> Result<bool> {
        let result = self.state.still_holds(&self.source, source);
        result.map_err(|error| Error::io("look at", source, error))
    }

    /// Takes its name from the original, now that the packed file has one. False if somebody has written to it in the last moment.
    fn replace_original(&self, source: &Path, going: &Path) -> Result<bool> {
        pass(Fault::PackNamed);
        if !self.is_unchanged(source)? {
            return Ok(false);
        }
        platform::rename_new(source, going).map_err(|error| Error::io("rename", source, error))?;
        pass(Fault::PackKept);
        if self.is_unchanged(going)? {
            return Ok(true);
        }
        platform::rename_new(going, source).map_err(|error| Error::io("rename", going, error))?;
        Ok(false)
    }
}

/// What follows the last part, and where.
struct End {
    at: u64,
    bytes: Vec<u8>,
}
