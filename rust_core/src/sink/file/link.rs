//! A symbolic link to the current file, for programs that want a name of their own.

use std::fs;
use std::io;
use std::path::Path;

use super::FileTarget;
use crate::error_handler::remark;
use crate::platform;

impl FileTarget {
    /// Makes the link, or points it at the file again. What is no link is left alone, and told.
    pub(super) fn point_link(&self) {
        let Some((link, (directory, name))) = self.current_link.as_deref().zip(self.place()) else { return };
        let path = directory.join(link);
        if let Err(error) = point(directory, link, name) {
            remark("make the link to the current file", format!("{}: {error}", path.display()));
        }
    }
}

fn point(directory: &Path, link: &str, name: &str) -> io::Result<()> {
    let path = directory.join(link);
    match path.symlink_metadata() {
        Err(error) if platform::is_missing(&error) => match platform::make_link(name, &path) {
            // Another process of the directory was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        },
        Err(error) => Err(error),
        Ok(meta) if !meta.file_type().is_symlink() => Err(io::Error::other("something else has its name")),
        Ok(_) if fs::read_link(&path)? == Path::new(name) => Ok(()),
        Ok(_) => {
            // The name always leads somewhere.
            let new = directory.join(format!(".{link}.tmp"));
            platform::remove_if_there(&new)?;
            platform::make_link(name, &new)?;
            fs::rename(&new, &path)
        }
    }
}
