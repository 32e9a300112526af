//! Files with names of a set that are passed over. Each is remarked, whatever the catalogue says of it: its records are missing.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use super::files::{Directory, FileRef, SetFiles};
use super::remarks::Remarks;
use crate::archive::Kind;
use crate::catalogue::Found;
use crate::rotation::{Names, unpacked};
use crate::{catalogue, platform};

impl SetFiles {
    /// Why the files of a set are read without the catalogue, where it should know them.
    pub(super) fn why_not_by_catalogue(&self, directory: &Directory, found: &[Found]) -> Option<String> {
        let mut rotated = found.iter().filter(|found| found.name != self.name).peekable();
        // A directory without rotated files may never have had one.
        rotated.peek()?;
        let path = directory.path.display();
        if directory.is_missing {
            return Some(format!("the catalogue of {path} is not there: files are read in the order of their times"));
        }
        let is_told = |found: &Found| directory.known().named(&self.name, &found.name).is_some();
        let is_some_untold = directory.is_told && !rotated.all(is_told);
        is_some_untold
            .then(|| format!("the catalogue of {path} is not used: it does not know all files of {}", self.name))
    }

    /// Remarks on what is not read of what is there, and on a catalogue that should know the files. With `only`, that file alone is read.
    pub fn remark_on_first_look(
        &mut self,
        directory: &Directory,
        read: &[FileRef],
        only: Option<&str>,
        remarks: &mut Remarks,
    ) {
        // For a single file, the order of the others does not matter.
        if let Some(why) = self.why_own.take().filter(|_| only.is_none()) {
            remarks.make(why);
        }
        if let Err(error) = self.remark_on_others(directory, read, only, remarks) {
            remarks.make(format!("cannot list {}: {error}", directory.path.display()));
        }
    }

    /// Remarks on files that are not among those that are read, and cannot be read or are not of the set.
    fn remark_on_others(
        &self,
        directory: &Directory,
        read: &[FileRef],
        only: Option<&str>,
        remarks: &mut Remarks,
    ) -> io::Result<()> {
        let read: BTreeSet<&str> = read.iter().map(|file| &*file.name).collect();
        for entry in fs::read_dir(&directory.path)? {
            let Ok(name) = entry?.file_name().into_string() else { continue };
            let is_of_set = name == self.name || Names::is_rotated(&self.name, &name);
            // Another program may be packing one that is read.
            let is_read = read.contains(&*name) || read.contains(unpacked(&name));
            if !is_of_set || is_read || only.is_some_and(|only| unpacked(only) != unpacked(&name)) {
                continue;
            }
            let path = directory.path.join(&name);
            let Ok(meta) = path.symlink_metadata() else { continue };
            if meta.is_symlink() {
                remarks.make_of_link(&path);
            }
            if !meta.is_file() || meta.len() == 0 && !catalogue::is_packed(&name) {
                continue;
            }
            let inode = platform::identity_of(&meta).inode;
            match try_to_read(&path) {
                Err(error) if platform::is_missing(&error) => {}
                Err(error) => remarks.make(format!("cannot read {}: {error}", path.display())),
                Ok(false) => {}
                Ok(true) => match directory.known().foreign_at(&name).filter(|noted| noted.mark.inode == inode) {
                    Some(noted) if noted.is_copy => remarks.make_of_copy(&path),
                    Some(_) => {
                        let path = path.display();
                        remarks.make(format!("{path} is not read: the catalogue has it as a file of another program"));
                    }
                    // It has got this name since, or is there a second time.
                    None => {}
                },
            }
        }
        Ok(())
    }
}

/// Reads the beginning of a file, and tells whether anything is in it.
fn try_to_read(path: &Path) -> io::Result<bool> {
    if !catalogue::is_packed(path) {
        return catalogue::beginning(path).map(|(head, _)| !head.is_empty());
    }
    let (mut archive, _) = catalogue::open_packed(path)?;
    if archive.kind() == Kind::Plain {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is damaged, or was never packed"));
    }
    let mut byte = [0];
    Ok(archive.stream(0)?.read(&mut byte)? > 0)
}
