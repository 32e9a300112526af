//! Small files of the library's own, which are whole or not there.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::platform;

/// How temporary files of the library's own end.
pub const TEMPORARY: &str = "tmp";

/// Writes a file. It is not synced: one that a power failure has cost is made again.
///
/// # Errors
/// When it cannot be written, or given its name. Then the file before it is still there.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension(TEMPORARY);
    // One that a process has left, which died. A link there would lead elsewhere.
    platform::remove_if_there(&new)?;
    let file = platform::open_private(&new, true)?;
    let written = (&file).write_all(bytes).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // Where there is no room, it takes none.
        let _ = fs::remove_file(&new);
    }
    written
}
