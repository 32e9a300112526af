//! Names of packed files, and of those that are not finished.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::Kind;
use super::source::directory_of;

/// How the names of indices end: each has the generation of its file for a name.
pub const INDEX: &str = "idx";
const START: &str = ".";
/// No log file ends like this, so that what a dead process has left can be told from everything else.
const END: &str = ".unified_logger-packing";
/// How the name of a file ends that nobody needs any more. To give it such a name is quick, and to remove it may not be.
const GOING: &str = ".unified_logger-going";

/// The name of a file once it is packed: `app.log.1.zst` of `app.log.1`.
#[must_use]
pub fn packed_name(path: &Path, kind: Kind) -> PathBuf {
    let end = match kind {
        Kind::Plain => return path.to_owned(),
        Kind::Gzip => ".gz",
        Kind::Zstd => ".zst",
    };
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// The name beside a packed file under which it is written.
#[must_use]
pub fn temporary_name(target: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(START);
    name.push(target.file_name().unwrap_or_default());
    name.push(END);
    directory_of(target).join(name)
}

/// The name beside a file that it has from when it is not needed any more until it is removed. The number tells files apart that have had the same name.
#[must_use]
pub fn going_name(path: &Path, number: u64) -> PathBuf {
    let mut name = std::ffi::OsString::from(START);
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{number}{GOING}"));
    directory_of(path).join(name)
}

/// Whether a file of this name is a packed file that is not finished.
#[must_use]
pub fn is_temporary(name: &OsStr) -> bool {
    is_between(name, END)
}

/// Whether a file of this name is not needed any more.
#[must_use]
pub fn is_going(name: &OsStr) -> bool {
    is_between(name, GOING)
}

fn is_between(name: &OsStr, end: &str) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(START.as_bytes()) && name.ends_with(end.as_bytes()) && name.len() > START.len() + end.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_names_are_told_from_all_others() {
        let target = packed_name(Path::new("logs/app.log.1"), Kind::Zstd);
        assert_eq!(target, Path::new("logs/app.log.1.zst"));
        let name = temporary_name(&target);
        assert_eq!(name, Path::new("logs/.app.log.1.zst.unified_logger-packing"));
        assert!(is_temporary(name.file_name().unwrap()));
        let going = going_name(Path::new("logs/app.log.1"), 7);
        assert_eq!(going, Path::new("logs/.app.log.1.7.unified_logger-going"));
        assert_eq!([&name, &going].map(|path| is_going(path.file_name().unwrap())), [false, true]);
        assert!(!is_temporary(going.file_name().unwrap()));
        for other in
            ["app.log", ".app.log.1.zst", "app.unified_logger-packing", ".unified_logger-packing", ".unified_logger"]
        {
            assert!(!is_temporary(OsStr::new(other)), "{other}");
        }
    }
}
