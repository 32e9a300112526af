//! Clears away what a process left that died while it packed.

use std::fs;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Archive, PART, Pace, going_name, is_damage, is_going, is_temporary, source};
use crate::error::{Error, Result};
use crate::platform::{self, Lock};
use crate::unshared::Unshared;

/// Removes the temporary files of a directory that no process writes any more, and files that go. Returns their paths.
///
/// # Errors
/// When the directory cannot be read, or a file that goes cannot be removed. A temporary file that cannot be removed is left.
pub fn remove_leftovers(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).map_err(|error| Error::io("list", directory, error))?;
    let (mut removed, mut failed) = (Vec::new(), None);
    for entry in entries.flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        if is_temporary(&name) && remove_leftover(&path) {
            removed.push(path);
        } else if is_going(&name) {
            match remove_going(&path) {
                Ok(()) => removed.push(path),
                Err(error) => failed = Some(error),
            }
        }
    }
    failed.map_or(Ok(removed), Err)
}

/// Removes a file that has the name of one that goes. What has its place has its name on the device before.
///
/// # Errors
/// When the directory cannot be synced, or the system refuses. One that is gone already is none.
pub fn remove_going(path: &Path) -> Result<()> {
    let directory = source::directory_of(path);
    platform::sync_directory(directory).map_err(|error| Error::io("sync", directory, error))?;
    platform::remove_if_there(path).map_err(|error| Error::io("remove", path, error))
}

fn remove_leftover(path: &Path) -> bool {
    // Whoever writes one holds its lock.
    let is_left = platform::open_to_read(path).is_ok_and(|file| {
        file.metadata().is_ok_and(|meta| meta.is_file()) && platform::lock(&file, Duration::ZERO) != Lock::TimedOut
    });
    is_left && fs::remove_file(path).is_ok()
}

/// What was found of a file and its packed file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Both were there and the same: the original was removed.
    Finished,
    /// The original has more than was packed, or the packed file is damaged: that was removed, and the original is packed again.
    Undone,
    /// Both are there, and are not the same. They were left.
    Different,
    /// There is at most one of them, or somebody else has packed the other.
    Nothing,
    /// The pace ended it.
    Stopped,
}

/// How far a file and its packed file were found the same. Another pair is compared from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alike {
    original: source::State,
    packed: source::State,
    bytes: u64,
}

/// Finishes what a process began that died after the packed file had its name. Comparing the two may take a while: the pace may end it, and it is
/// gone on with where `alike` says. `alone` then calls the end of it while nobody renames files, or does not call it.
///
/// # Errors
/// When the files cannot be read, or the original cannot be removed.
pub fn settle(
    original: &Path,
    packed: &Path,
    alike: &mut Option<Alike>,
    pace: Pace<'_>,
    alone: impl FnOnce(&dyn Fn() -> Result<Settled>) -> Result<Settled>,
) -> Result<Settled> {
    let is_there = |path: &Path| match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) if platform::is_missing(&error) => Ok(false),
        Err(error) => Err(Error::io("look at", path, error)),
    };
    if !is_there(original)? || !is_there(packed)? {
        return Ok(Settled::Nothing);
    }
    let (file, meta) = source::open("read", original)?;
    // The comparison may take a while, and children would keep both open.
    let unshared = |file, path| Unshared::new(file).map_err(|error| Error::io("read", path, error));
    let file = unshared(file, original)?;
    let state = source::State::of(&meta);
    let (packed_file, packed_meta) = source::open("read", packed)?;
    let packed_file = unshared(packed_file, packed)?;
    let packed_state = source::State::of(&packed_meta);
    let unreadable = |error| Error::io("read", packed, error);
    let mut archive = Archive::of(&**packed_file, packed_meta.len(), None).map_err(unreadable)?;
    if archive.mark().is_none() {
        return Ok(Settled::Nothing);
    }
    let anew = Alike { original: state, packed: packed_state, bytes: 0 };
    let mut so_far = alike.take().filter(|alike| Alike { bytes: 0, ..*alike } == anew).unwrap_or(anew);
    let compared = match archive.stream(so_far.bytes).and_then(|stream| compare(&file, stream, &mut so_far.bytes, pace))
    {
        Ok(Some(compared)) => compared,
        Ok(None) => {
            *alike = Some(so_far);
            return Ok(Settled::Stopped);
        }
        Err(error) if is_damage(&error) => Compared::Longer,
        Err(error) => return Err(Error::io("compare", packed, error)),
    };
    if compared == Compared::Different {
        return Ok(Settled::Different);
    }
    let failed = |error| Error::io("rename", original, error);
    let [going_original, going_packed] = [(original, &meta), (packed, &packed_meta)]
        .map(|(path, meta)| going_name(path, platform::identity_of(meta).inode));
    let settled = alone(&|| {
        let are_both_there = state.still_holds(&file, original).map_err(failed)?
            && packed_state.still_holds(&packed_file, packed).map_err(failed)?;
        if !are_both_there {
            return Ok(Settled::Different);
        }
        if compared == Compared::Longer {
            platform::rename_new(packed, &going_packed).map_err(|error| Error::io("rename", packed, error))?;
            return Ok(Settled::Undone);
        }
        platform::rename_new(original, &going_original).map_err(failed)?;
        Ok(Settled::Finished)
    })?;
    match settled {
        Settled::Finished => remove_going(&going_original)?,
        Settled::Undone => remove_going(&going_packed)?,
        Settled::Different | Settled::Nothing | Settled::Stopped => {}
    }
    Ok(settled)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Compared {
    Same,
    /// The original begins with what was packed, or what was packed cannot be read.
    Longer,
    Different,
}

/// Compares from `at` on, where `packed` begins. `None` if the pace ends it.
fn compare(mut original: &File, mut packed: impl Read, at: &mut u64, pace: Pace<'_>) -> io::Result<Option<Compared>> {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    original.seek(SeekFrom::Start(*at))?;
    loop {
        left.clear();
        right.clear();
        original.by_ref().take(PART as u64).read_to_end(&mut left)?;
        packed.by_ref().take(PART as u64).read_to_end(&mut right)?;
        if left != right {
            let is_longer = right.len() < left.len() && left.starts_with(&right);
            return Ok(Some(if is_longer { Compared::Longer } else { Compared::Different }));
        }
        if left.is_empty() {
            return Ok(Some(Compared::Same));
        }
        *at += left.len() as u64;
        if pace(left.len() as u64).is_break() {
            return Ok(None);
        }
    }
}
