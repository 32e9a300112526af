//! Packs a rotated file. At each moment either the original or the packed file is whole under its name.
//!
//! The packed file is written under a temporary name, synced, and read back. Then it gets its name, and the original the name of a file that
//! goes. These two renames are all that is done while nobody else may write. File systems keep their order. Once the names are synced, the
//! original is removed. A process that dies leaves a temporary file or one that goes, which `remove_leftovers` removes, or both files, of which
//! `settle` removes one.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use super::begun::{Begun, Temporary};
use super::source::State;
use super::{Keys, Method, going_name, remove_going};
use crate::error::{Error, Result};
use crate::fault_injection::{Fault, pass};
use crate::platform;
use crate::unshared::Unshared;

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
    match prepare(job, None, pace)? {
        Prepared::Ready(ready) => ready.take_place(),
        Prepared::Left(_) => Ok(Outcome::Stopped),
        Prepared::Not(outcome) => Ok(outcome),
    }
}

/// What came of packing a file under its temporary name.
#[allow(missing_debug_implementations)] // as `Job`
pub enum Prepared<'j> {
    Ready(Ready<'j>),
    /// The pace ended it. It can be gone on with, and is given up where this is dropped.
    Left(Box<Begun>),
    /// The original is as it was.
    Not(Outcome),
}

/// A packed file that only needs its name.
#[allow(missing_debug_implementations)] // as `Job`
pub struct Ready<'j> {
    packing: Packing<'j>,
    packed: Packed,
}

/// Does what takes long, and needs no lock: packs a file under a temporary name, and reads it back. It goes on with what was begun, if that is of
/// this job.
///
/// # Errors
/// When a file cannot be read or written, or when it reads back as something else.
pub fn prepare<'j>(job: &'j Job<'j>, begun: Option<Box<Begun>>, pace: Pace<'_>) -> Result<Prepared<'j>> {
    // Anything else is given up before another begins, which may want the same temporary name.
    let begun = begun.filter(|begun| begun.is_of(job));
    if job.target.symlink_metadata().is_ok() {
        return Ok(Prepared::Not(Outcome::Taken));
    }
    let begun = begun.map_or_else(|| Begun::new(job).map(|made| made.map(Box::new)), |begun| Ok(Ok(begun)))?;
    let mut begun = match begun {
        Ok(begun) => begun,
        Err(outcome) => return Ok(Prepared::Not(outcome)),
    };
    if begun.go_on(job, pace)?.is_break() {
        return Ok(Prepared::Left(begun));
    }
    let (source, state, temporary, packed) = begun.end();
    Ok(Prepared::Ready(Ready { packing: Packing { job, source, state, temporary }, packed }))
}

struct Packing<'j> {
    job: &'j Job<'j>,
    source: Unshared,
    state: State,
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
