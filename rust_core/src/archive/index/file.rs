//! Indexes a file that is there already, packed or plain.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::Builder;
use crate::archive::cut::Cut;
use crate::archive::source::{self, State};
use crate::archive::{Archive, Keys, Kind, PART, Pace};
use crate::error::{Error, Result};
use crate::platform::{self, Identity};
use crate::unshared::Unshared;

/// Makes the index of a file. `None` if the pace ends it, or somebody writes to the file meanwhile.
///
/// # Errors
/// When the file cannot be read. A packed file whose parts cannot be read alone has no index: the error is of the kind `Unsupported`.
pub fn index_file(
    path: &Path,
    generation: u64,
    first_sequence: Option<u64>,
    keys: &Keys,
    pace: Pace<'_>,
) -> Result<Option<Vec<u8>>> {
    let failed = |error| Error::io("index", path, error);
    let (file, meta) = source::open("index", path)?;
    let (file, state) = (Unshared::new(file).map_err(failed)?, State::of(&meta));
    // Another opening would be open in children.
    let mut archive = Archive::of(&**file, state.length(), None).map_err(failed)?;
    let mut builder = Builder::new(archive.kind(), generation, first_sequence, keys);
    let goes_on = if archive.kind() == Kind::Plain {
        let mut plain: &File = &file;
        plain.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut cut = Cut::new(plain.take(state.length()));
        let mut at = 0;
        loop {
            let Some(part) = cut.next().map_err(failed)? else { break true };
            builder.add(part, at, u32::try_from(part.len()).unwrap_or(u32::MAX));
            at += part.len() as u64;
            if pace(part.len() as u64).is_break() {
                break false;
            }
        }
    } else if archive.extents().is_empty() && archive.mark().is_none() {
        return Err(failed(io::Error::new(io::ErrorKind::Unsupported, "its parts cannot be read alone")));
    } else {
        let mut part = Vec::new();
        let extents = archive.extents().to_vec();
        let all: io::Result<()> = extents.iter().enumerate().try_for_each(|(number, extent)| {
            archive.read_part(number, &mut part)?;
            builder.add(&part, extent.packed_at, extent.packed_length);
            if pace(part.len() as u64).is_break() { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
        });
        match all {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => false,
            result => result.map(|()| true).map_err(failed)?,
        }
    };
    platform::forget_pages(&file);
    let is_whole = goes_on && state.still_holds(&file, path).map_err(failed)?;
    Ok(is_whole.then(|| builder.finish(state.length())))
}

/// How many lines a file has, packed or not, as its index would say. `None` if the path leads to another file, if the pace ends it, or if somebody
/// writes to the file meanwhile.
///
/// # Errors
/// When the file cannot be read.
pub fn count_lines(path: &Path, identity: Identity, pace: Pace<'_>) -> Result<Option<u64>> {
    let failed = |error| Error::io("read", path, error);
    let (file, meta) = source::open("read", path)?;
    if platform::identity_of(&meta) != identity {
        return Ok(None);
    }
    let (file, state) = (Unshared::new(file).map_err(failed)?, State::of(&meta));
    let mut archive = Archive::of(&**file, state.length(), None).map_err(failed)?;
    let (mut stream, mut part) = (archive.stream(0).map_err(failed)?, Vec::new());
    let (mut lines, mut is_open) = (0, false);
    loop {
        part.clear();
        stream.by_ref().take(PART as u64).read_to_end(&mut part).map_err(failed)?;
        let Some(last) = part.last() else { break };
        is_open = *last != b'\n';
        lines += memchr::memchr_iter(b'\n', &part).count() as u64;
        if pace(part.len() as u64).is_break() {
            return Ok(None);
        }
    }
    // The last line may have no end.
    lines += u64::from(is_open);
    let is_whole = state.still_holds(&file, path).map_err(failed)?;
    Ok(is_whole.then_some(lines))
}
