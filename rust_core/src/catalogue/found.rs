//! The files of a set that are in the directory.

use std::fs;
use std::io;
use std::path::Path;

use super::head_of;
use super::known::Found;
use crate::platform;
use crate::rotation::Names;

/// The files of a set, rotated ones and the current one, the oldest first as far as their times and names tell.
///
/// # Errors
/// When the directory cannot be read.
pub fn find(directory: &Path, set: &str) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name != set && !Names::is_rotated(set, &name) {
            continue;
        }
        // What goes in the meantime, or cannot be looked into, is no file of the set.
        let Ok(file) = platform::open_to_read(&entry.path()) else { continue };
        let Ok(meta) = file.metadata() else { continue };
        let Ok(head) = head_of(&file) else { continue };
        // Nothing is known of a file in which nothing stands.
        if meta.is_file() && meta.len() > 0 {
            let found_file =
                Found { name, size: meta.len(), inode: platform::identity_of(&meta).inode, head, generation: None };
            found.push((meta.modified().ok(), found_file));
        }
    }
    let is_current = |found: &Found| found.name == set;
    found.sort_by(|(one_time, one), (other_time, other)| {
        is_current(one).cmp(&is_current(other)).then(one_time.cmp(other_time)).then(other.name.cmp(&one.name))
    });
    Ok(found.into_iter().map(|(_, found)| found).collect())
}
