//! What a reader has noticed and could do without: for its user, each once.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// A line whose end does not come for so long is not being written.
const WRITTEN: Duration = Duration::from_secs(2);
/// More are counted alone.
const MOST: usize = 100;

#[derive(Debug, Default)]
pub struct Remarks {
    made: BTreeSet<String>,
    new: Vec<String>,
    /// Whether something could not be read.
    pub has_unread: bool,
}

impl Remarks {
    pub fn make(&mut self, remark: String) {
        if self.made.contains(&remark) || self.made.len() > MOST {
            return;
        }
        let is_last = self.made.len() == MOST;
        self.made.insert(remark.clone());
        self.new.push(if is_last { "there is more of this kind".to_owned() } else { remark });
    }

    /// Records are missing, because something cannot be read.
    pub fn make_of_unread(&mut self, remark: String) {
        self.has_unread = true;
        self.make(remark);
    }

    /// A link may lead to what its owner may not read.
    pub fn make_of_link(&mut self, path: &Path) {
        self.make(format!("{} is a link, and is not read", path.display()));
    }

    /// The original has its records.
    pub fn make_of_copy(&mut self, path: &Path) {
        self.make(format!("{} is a copy of a rotated file, and is not read", path.display()));
    }

    /// The last line of a file is no whole one, and is left out. In the current file it may be on its way.
    pub fn make_of_torn(&mut self, path: &Path, is_closed: bool) {
        let is_old = || {
            path.metadata().and_then(|meta| meta.modified()).is_ok_and(|at| at.elapsed().is_ok_and(|age| age > WRITTEN))
        };
        if is_closed || is_old() {
            self.make(format!("the last line of {} is torn", path.display()));
        }
    }

    /// Those that were made since the last call.
    pub fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_made_once_and_they_are_bounded() {
        let mut remarks = Remarks::default();
        for number in 0..1_000 {
            remarks.make(format!("{}", number / 2));
        }
        assert_eq!(remarks.take().len(), MOST + 1);
        assert!(remarks.take().is_empty());
    }
}
