//! Log files that a forked child has from its parent. The child may have changed to a user who cannot open them again.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::error::Error;
use crate::platform::{self, Number};
use crate::table::lock_briefly;

/// The log files that are open in this process, each with the process that opened it. A child has its parent's files
/// too.
static OPEN: Mutex<Vec<OpenLogFile>> = Mutex::new(Vec::new());

#[derive(Debug)]
struct OpenLogFile {
    path: PathBuf,
    number: Number,
    process: u32,
}

/// Notes an open file, for children of this process.
pub fn note(path: &Path, number: Number) {
    if let Some(mut open) = lock_briefly(&OPEN) {
        open.push(OpenLogFile { path: path.to_owned(), number, process: platform::process_id() });
    }
}

/// The file is about to be closed.
pub fn forget(number: Number) {
    if let Some(mut open) = lock_briefly(&OPEN) {
        open.retain(|file| file.number != number || file.process != platform::process_id());
    }
}

/// A file of the parent's that this process may not open, as a duplicate. `None` if the parent's file is not open any
/// more.
pub fn take(path: &Path, error: &Error) -> Option<File> {
    find(error, |open| open == path)?.duplicate().ok()
}

/// Whether files of the parent's are open in a directory that this process may not use.
pub fn is_any_in(directory: &Path, error: &Error) -> bool {
    find(error, |open| open.parent() == Some(directory)).is_some()
}

fn find(error: &Error, is_it: impl Fn(&Path) -> bool) -> Option<Number> {
    if !is_refusal(error) {
        return None;
    }
    let here = platform::process_id();
    let open = lock_briefly(&OPEN)?;
    // The newest first: a parent that rotated has closed the older ones, but not for its children.
    open.iter()
        .rev()
        .find(|file| file.process != here && is_it(&file.path) && file.number.is_held())
        .map(|file| file.number)
}

/// Whether this user may not do it.
pub fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied)
}
