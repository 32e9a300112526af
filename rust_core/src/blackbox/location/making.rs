//! Making a box.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::own::{OwnBox, Watch, disown, own};
use super::{BOX, Location, NEW};
use crate::platform::{self, BoxLock, Identity, OwnFile};

/// A box in the making. It is locked by this process already.
#[derive(Debug)]
pub struct Making {
    pub file: OwnFile,
    /// A descriptor of its own. A mapping keeps its file open, in forked children too, and with it the lock.
    lock: OwnFile,
    location: Location,
    /// The box's name, without the prefix of the location and without the extension.
    name: String,
    identity: Identity,
    size: u64,
}

impl Location {
    /// Begins a box: a file of `size` reserved bytes.
    ///
    /// # Errors
    /// When the location cannot be made, is another user's, has no room or no locks.
    pub fn begin(&self, size: u64) -> io::Result<Making> {
        platform::private_directory(&self.directory)?;
        let random = RandomState::new().hash_one(crate::clock::now());
        let name = format!("{}-{random:016x}", platform::process_id());
        let path = self.path(&name, NEW);
        let file = platform::open_private(&path, true)?;
        let lock = platform::open_private(&path, false).inspect_err(|_| drop(fs::remove_file(&path)))?;
        let (file, lock) = (OwnFile::new(file)?, OwnFile::new(lock)?);
        let making = Making { identity: lock.identity(), file, lock, location: self.clone(), name, size };
        match own(making.lock.number())
            .and_then(|()| platform::reserve(&making.file, size))
            .and_then(|()| platform::lock_box(&making.lock, BoxLock::Owner))
        {
            Ok(true) => Ok(making),
            Ok(false) => Err(making.abandon(io::ErrorKind::WouldBlock.into())),
            Err(error) => Err(making.abandon(error)),
        }
    }
}

impl Making {
    /// Finishes the box, which other processes can see from now on.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn finish(self, log_directory: Option<&Path>) -> io::Result<OwnBox> {
        let path = self.location.path(&self.name, BOX);
        if let Err(error) = fs::rename(self.location.path(&self.name, NEW), &path) {
            return Err(self.abandon(error));
        }
        drop(self.file);
        // Locked again, for systems where locks belong to the process. There the lock went with the other descriptor.
        let _ = platform::lock_box(&self.lock, BoxLock::Owner);
        // A path without links, so that later changes of links do not matter.
        let path = path.canonicalize().unwrap_or(path);
        Ok(OwnBox(Arc::new(Watch {
            lock: self.lock,
            identity: self.identity,
            size: self.size,
            name: self.name,
            shared_memory: self.location.shared_memory,
            log_directory: log_directory.map(Path::to_owned),
            path: Mutex::new(path),
        })))
    }

    /// Removes the file, and passes the error on.
    pub fn abandon(self, error: io::Error) -> io::Error {
        let _ = fs::remove_file(self.location.path(&self.name, NEW));
        disown(self.lock.number());
        error
    }
}
