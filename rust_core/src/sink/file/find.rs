//! Finding the file to write to, which is the file at the path. The open file may have been removed, renamed, rotated
//! by another process, or lost.

use super::super::directory::{Held, lost};
use super::super::inherited::{self, is_refusal};
use super::super::open::{is_log, open_guarded};
use super::{FileSink, FileTarget, Fsync, Open};
use crate::error::{Error, Result};
use crate::error_handler::remark;
use crate::platform::{self, Rights};

impl FileSink {
    /// Makes sure that the open file is the one at the path, and that it ends with a newline.
    pub(super) fn find_file(&mut self, held: Held) -> Result<()> {
        if self.find_file_as_it_is()? {
            return Ok(());
        }
        if held.is_alone() {
            self.cut_own_torn_line();
        }
        self.close_torn_line(held)?;
        self.torn = None;
        Ok(())
    }

    /// Makes sure that the open file is the one at the path. True if no other process touched it since.
    ///
    /// A refused probe counts for nothing, for example in a process that changed its user. The file is open, and can
    /// still be written.
    pub(super) fn find_file_as_it_is(&mut self) -> Result<bool> {
        let path = &self.target.path;
        let at_path = platform::identity_at(path);
        let found = match &mut self.file {
            None => None,
            Some(open) => match open.probe(path) {
                // It failed before: perhaps another opening helps.
                Err(_) if self.doubted => None,
                Err(error) => return Err(error),
                Ok(None) => {
                    remark("keep a descriptor", lost(path));
                    None
                }
                Ok(Some(meta)) => {
                    self.rights = Rights::of(&meta);
                    let is_at_path = match &at_path {
                        Ok(found) => *found == open.identity(),
                        // A file without a name is gone.
                        Err(error) => !platform::is_missing(error) && platform::names(&meta) > 0,
                    };
                    let untouched = meta.len() == open.size;
                    if meta.len() < open.size {
                        self.life.doubt();
                    }
                    open.size = meta.len();
                    if is_at_path && !self.doubted {
                        open.astray = false;
                        return Ok(untouched);
                    }
                    // Written to as long as it has a name, should no other be had.
                    (is_at_path || platform::names(&meta) > 0).then_some(is_at_path)
                }
            },
        };
        self.open_anew(found)?;
        Ok(false)
    }

    /// Opens the file that is at the path now. The open file was removed, renamed, rotated by another process or lost,
    /// or it failed. `kept` says whether the open file is at the path itself. It is `None` if that file must not be
    /// written to.
    pub(super) fn open_anew(&mut self, kept: Option<bool>) -> Result<()> {
        if kept.is_none() {
            self.file = None;
        }
        self.doubted = false;
        let opened = match open_or_create(&self.target, self.rights) {
            // The old one's descriptor is free for it, where they have run out.
            Err(error) if is_want_of_descriptors(&error) && self.file.take().is_some() => {
                open_or_create(&self.target, self.rights)
            }
            opened => opened,
        };
        match (opened, &mut self.file, kept) {
            (Ok((open, rights)), ..) => {
                (self.file, self.rights) = (Some(open), rights);
                self.sync.names = self.target.fsync != Fsync::Never;
                self.target.point_link();
                Ok(())
            }
            (Err(error), Some(open), Some(is_at_path)) if is_refusal(&error) => {
                open.astray = !is_at_path;
                if !is_at_path {
                    remark("go on in the file that is there now", error.to_string());
                }
                Ok(())
            }
            (Err(error), ..) => {
                self.file = None;
                Err(error)
            }
        }
    }
}

/// Whether it would go with one descriptor more.
pub(super) fn is_want_of_descriptors(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if platform::is_want_of_descriptors(source))
}

pub(super) fn open_or_create(target: &FileTarget, before: Option<Rights>) -> Result<(Open, Option<Rights>)> {
    let Some(directory) = target.path.parent() else { return open(target, before) };
    if platform::is_planted_link(directory) {
        return Err(Error::SymbolicLink(directory.to_owned()));
    }
    match open(target, before) {
        Err(Error::Io { source, .. }) if platform::is_missing(&source) => {
            crate::sink::prepare_directory(directory, target.directory_mode)?;
            open(target, before)
        }
        opened => opened,
    }
}

pub(super) fn open(target: &FileTarget, before: Option<Rights>) -> Result<(Open, Option<Rights>)> {
    let path = &target.path;
    let (file, meta) = open_guarded("open", path, target.mode, before, is_log)?;
    Ok((Open::new(path, file, &meta)?, Rights::of(&meta)))
}

/// The parent's file, in a child whose new user may not open it.
pub(super) fn inherited(target: &FileTarget, error: Error) -> Result<(Open, Option<Rights>)> {
    let path = &target.path;
    let Some(file) = inherited::take(path, &error) else { return Err(error) };
    let meta = file.metadata().map_err(|error| Error::io("look at", path, error))?;
    Ok((Open::new(path, file, &meta)?, Rights::of(&meta)))
}
