//! Opens a file of a set while a rotation or the upkeep may give it another name.

use std::path::Path;
use std::thread;

use super::chain::Context;
use super::cursor::{Cursor, From};
use super::files::{Directory, FileRef, LOOKS, Looks, PAUSE, SetFiles, open};
use super::indices::Plan;
use crate::error::{Error, Result};
use crate::{catalogue, platform};

/// What became of a file that was to be opened.
pub enum Opened {
    Cursor(Box<Cursor>),
    /// It cannot be read, or must not be.
    Not,
    /// It was deleted.
    Gone,
    NotNow,
}

fn is_refused_now(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied)
}

/// Whether a file of whose beginning nothing is known has its name still: it is no other one, and was not deleted.
fn is_there(path: &Path, file: &FileRef) -> bool {
    let is_it = |meta: std::fs::Metadata| meta.len() > 0 && platform::identity_of(&meta).inode == file.mark.inode;
    file.mark.length == 0 && path.symlink_metadata().is_ok_and(is_it)
}

impl SetFiles {
    /// Opens a file, whatever it is called by now.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn open(
        &mut self,
        wanted: &FileRef,
        mut plan: Plan,
        from: From,
        directory: &mut Directory,
        context: &mut Context,
    ) -> Result<Opened> {
        let mut file = wanted.clone();
        let mut refused = None;
        for look in 0..LOOKS {
            if look > 1 {
                thread::sleep(PAUSE);
            }
            // Of a file in which nothing stood, the number of the system alone is known, which another one may have by now.
            let opened = if look == 0 && file.mark.length == 0 { Ok(None) } else { open(&directory.path, &file) };
            refused = match opened {
                Ok(Some(opened)) => {
                    let is_bounded = (!context.follow, context.keys.is_some());
                    let path = directory.path.join(&file.name);
                    return Ok(match Cursor::of(file, opened, plan, from, &context.filter, is_bounded) {
                        Ok(mut cursor) => {
                            if let Some(longest) = context.longest {
                                cursor.lines.cut_at(longest);
                            }
                            Opened::Cursor(Box::new(cursor))
                        }
                        Err(error) => {
                            context.remarks.make_of_unread(format!("cannot read {}: {error}", path.display()));
                            Opened::Not
                        }
                    });
                }
                Ok(None) => None,
                Err(Error::Io { source, .. }) if platform::is_missing(&source) => None,
                Err(Error::Io { source, .. }) if platform::is_want_of_descriptors(&source) => {
                    return Ok(Opened::NotNow);
                }
                // Somebody may be about to give it its rights. It is waited for where nothing comes after it.
                Err(error) if context.follow && !file.is_closed && is_refused_now(&error) => {
                    context.remarks.make_of_unread(error.to_string());
                    return Ok(Opened::NotNow);
                }
                // For a moment it has two names while it gets another one, where the system knows no other way.
                Err(error @ Error::HardLink(_)) => Some(error),
                Err(Error::SymbolicLink(path)) => {
                    context.remarks.make_of_link(&path);
                    return Ok(Opened::Not);
                }
                Err(error) => {
                    context.remarks.make_of_unread(error.to_string());
                    return Ok(Opened::Not);
                }
            };
            // A rotation or the upkeep has given it another name, or it was deleted.
            let is_thorough = look == LOOKS - 2;
            let files = self.refresh(directory, is_thorough, Looks::Few, &mut context.remarks)?;
            let Some(files) = files else { continue };
            let Some(found) = files.into_iter().find(|found| found.id == file.id) else {
                let path = directory.path.join(&file.name);
                if !is_there(&path, &file) {
                    return Ok(Opened::Gone);
                }
                context.remarks.make_of_unread(format!("cannot read {}: its beginning is damaged", path.display()));
                return Ok(Opened::Not);
            };
            if found.is_closed != file.is_closed
                || catalogue::is_packed(&found.name) != catalogue::is_packed(&file.name)
            {
                plan = Plan::Everything;
            }
            file = FileRef { first: file.first, ..found };
        }
        if let Some(error) = refused {
            context.remarks.make_of_unread(error.to_string());
            return Ok(Opened::Not);
        }
        Ok(Opened::NotNow)
    }
}
