//! Indexes a file that is there already, packed or plain.

use std::io::{self, Read};
use std::path::Path;

use super::Builder;
use crate::archive::cut::Cut;
use crate::archive::source::{self, State};
use crate::archive::{Archive, Keys, Kind, Pace};
use crate::error::{Error, Result};
use crate::platform;
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
    let mut archive = Archive::open(path, None)?;
    let mut builder = Builder::new(archive.kind(), generation, first_sequence, keys);
    let goes_on = if archive.kind() == Kind::Plain {
        drop(archive);
        let mut cut = Cut::new((&**file).take(state.length()));
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

/// How many lines a file has, packed or not, as its index would say. `None` if the pace ends it.
///
/// # Errors
/// When the file cannot be read.
pub fn count_lines(path: &Path, keys: &Keys, pace: Pace<'_>) -> Result<Option<u64>> {
    let failed = |error| Error::io("read", path, error);
    let mut archive = Archive::open(path, None)?;
    let mut builder = Builder::new(archive.kind(), 0, None, keys);
    let mut cut = Cut::new(archive.stream(0).map_err(failed)?);
    while let Some(part) = cut.next().map_err(failed)? {
        builder.add(part, 0, 0);
        if pace(part.len() as u64).is_break() {
            return Ok(None);
        }
    }
    Ok(Some(builder.lines()))
}
