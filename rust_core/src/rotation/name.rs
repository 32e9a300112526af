//! What rotated files are called.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// `app.log.1` is the newest, and each moves on by one.
    Numbers,
}

impl Names {
    /// The renames of one rotation where `count` files stay, in order, up to the first number that is free. So after a rotation that was cut
    /// short, the gap it left is filled, and the oldest file stays. Without a gap, the file at the last target is replaced.
    pub fn renames<E: Fn(&Path) -> bool>(
        self,
        path: &Path,
        count: u32,
        exists: E,
    ) -> impl Iterator<Item = (PathBuf, PathBuf)> {
        let Self::Numbers = self;
        let last = (1..=count).find(|number| !exists(&numbered(path, *number))).unwrap_or(count);
        (1..=last).rev().map(move |number| (numbered(path, number - 1), numbered(path, number)))
    }
}

/// `path.N`; `path` itself for 0.
fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 0 {
        return path.to_owned();
    }
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_moves_first() {
        let renames: Vec<_> = Names::Numbers.renames(Path::new("a.log"), 2, |_| true).collect();
        assert_eq!(renames, [("a.log.1".into(), "a.log.2".into()), ("a.log".into(), "a.log.1".into())]);
    }

    #[test]
    fn a_gap_is_filled_before_anything_goes() {
        let exists = |path: &Path| path != Path::new("a.log.2");
        let renames: Vec<_> = Names::Numbers.renames(Path::new("a.log"), 5, exists).collect();
        assert_eq!(renames, [("a.log.1".into(), "a.log.2".into()), ("a.log".into(), "a.log.1".into())]);
    }
}
