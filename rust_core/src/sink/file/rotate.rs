//! Rotating a file: a new one takes its path.

use std::io;
use std::path::Path;

use super::find::open;
use super::{FileSink, Fsync};
use crate::error::{Error, Result};
use crate::fault_injection::{self, Fault};
use crate::platform::{self, Rights};

impl FileSink {
    /// Whether it was possible. Where something other than a file lies in the way, records go on in the same file.
    pub(super) fn rotate(&mut self) -> Result<bool> {
        if self.sync.data {
            self.sync_data()?;
        }
        let path = &self.target.path;
        // A file that cannot be probed may exist, and must not be replaced.
        let exists = |path: &Path| !path.symlink_metadata().is_err_and(|error| platform::is_missing(&error));
        for (from, to) in self.target.rotation.renames(path, exists) {
            match std::fs::rename(&from, &to) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) if is_in_the_way(&error) => {
                    self.obstacle = Some(Error::io("rotate to", &to, error));
                    return Ok(false);
                }
                Err(error) => return Err(Error::io("rotate", &from, error)),
            }
            fault_injection::pass(Fault::Rotate);
        }
        self.target.stats.rotations.add(1);
        // Another user's processes may write here too, and then to this one. The file may have become theirs since it
        // was opened.
        if let Some(Ok(Some(meta))) = self.file.as_ref().map(|open| open.probe(path)) {
            self.rights = Rights::of(&meta);
        }
        // Closed first: where descriptors have run out, the new file gets this one's.
        self.file = None;
        self.sync.names = self.target.fsync != Fsync::Never;
        let (open, rights) = open(&self.target, self.rights)?;
        (self.file, self.rights) = (Some(open), rights);
        Ok(true)
    }
}

/// A directory, that is, where a file is to go or the other way round.
pub(super) fn is_in_the_way(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory | io::ErrorKind::DirectoryNotEmpty
    )
}
