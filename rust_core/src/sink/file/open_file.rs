//! The file that is open now.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use crate::error::{Error, Result};
use crate::platform::{self, Identity, OwnFile};

use super::super::inherited;
use super::{LOOK_PAUSE, LOOKS};

/// The current file.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) file: OwnFile,
    /// Its size as this process left it.
    pub(super) size: u64,
    /// Whether it is no device, to which a link may lead: those have no size, and are neither renamed nor cut.
    pub(super) regular: bool,
    /// Whether another has its path, which cannot be opened: it is never renamed.
    pub(super) astray: bool,
}

impl Drop for Open {
    fn drop(&mut self) {
        inherited::forget(self.file.number());
    }
}

impl Open {
    pub(super) fn new(path: &Path, file: File, meta: &Metadata) -> Result<Self> {
        let file = OwnFile::new(file).map_err(|error| Error::io("open", path, error))?;
        inherited::note(path, file.number());
        Ok(Self { file, size: meta.len(), regular: meta.is_file(), astray: false })
    }

    pub(super) fn identity(&self) -> Identity {
        self.file.identity()
    }

    /// The file's metadata. `None` once its number leads elsewhere.
    pub(super) fn probe(&self, path: &Path) -> Result<Option<Metadata>> {
        self.file.probe().map_err(|error| Error::io("look at", path, error))
    }

    /// Cuts the file, unless its number leads to another.
    pub(super) fn cut(&mut self, size: u64) -> io::Result<()> {
        if !self.regular {
            return Err(io::Error::other("it is no regular file"));
        }
        if !self.file.is_held() {
            return Err(io::Error::other("its descriptor leads to another file"));
        }
        self.file.set_len(size)?;
        self.size = size;
        Ok(())
    }

    /// Whether another process ended a line that had no end. Waits a little for that.
    pub(super) fn is_ended_by_another(&mut self, path: &Path) -> Result<bool> {
        for _ in 0..LOOKS {
            std::thread::sleep(LOOK_PAUSE);
            let Some(meta) = self.probe(path)? else { return Ok(true) };
            self.size = meta.len();
            if self.size == 0 || platform::ends_with_newline(&self.file, self.size) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
