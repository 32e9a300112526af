//! How a log file is written.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::archive;
use crate::blackbox::{self, Journal};
use crate::catalogue::SharedCatalogue;
use crate::clock::Zone;
use crate::error::{Error, Result};
use crate::platform;
use crate::rotation::{Calendar, Keep, Names, Rotation, When};
use crate::stats::FileStats;

use super::super::Surroundings;

/// When a batch is synced to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fsync {
    Never,
    /// When it holds a record of level ERROR or above.
    Error,
    Always,
}

/// A log file, as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSettings {
    /// Its name in the log directory.
    pub name: String,
    /// Bytes; 0 never rotates.
    pub max_bytes: u64,
    /// Files kept beside the current one; 0 never rotates.
    pub backup_count: u32,
    /// Of new files.
    #[serde(deserialize_with = "mode", serialize_with = "bits")]
    pub mode: u32,
    /// The periods that have files of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Calendar>,
    /// Whether each start begins a new one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub at_start: bool,
    /// Seconds after the end of a period.
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_random_delay: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    pub names: Names,
    /// Of the dates in names, where there is no calendar.
    #[serde(default, skip_serializing_if = "is_default")]
    pub zone: Zone,
    /// The bounds of rotated files, in the place of their count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<Keep>,
    /// How rotated files are packed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub compress: archive::Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compress_level: Option<i32>,
    /// Bytes of files that are held beyond their bounds for shippers; without a number the file shares what there is for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_unshipped: Option<u64>,
    /// The name of a link to the current file. No affair of a recovery, so that no box says it.
    #[serde(default, skip_serializing)]
    pub current_link: Option<String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What is written to, and how.
#[derive(Clone, Debug)]
pub struct FileTarget {
    pub path: PathBuf,
    pub mode: u32,
    pub directory_mode: u32,
    /// The name of a link to it.
    pub current_link: Option<String>,
    pub rotation: Rotation,
    pub fsync: Fsync,
    /// Where appends are noted before and after.
    pub journal: Journal,
    /// What is known of the directory's files.
    pub catalogue: SharedCatalogue,
    /// Whether a program starts with it, which may want a file of its own.
    pub is_start: bool,
    pub stats: Arc<FileStats>,
}

impl FileTarget {
    /// The directory, and the file's name in it.
    pub(super) fn place(&self) -> Option<(&Path, &str)> {
        self.path.parent().zip(self.path.file_name()?.to_str())
    }

    /// How long after the end of a period the file is changed, in seconds.
    pub(super) fn delay(&self) -> i64 {
        self.rotation.when.delay(self.path.parent().map_or(0, blackbox::number_of))
    }
}

impl FileSettings {
    /// A file that is never rotated.
    #[must_use]
    pub fn plain(name: &str, mode: u32) -> Self {
        Self {
            name: name.to_owned(),
            max_bytes: 0,
            backup_count: 0,
            mode,
            calendar: None,
            at_start: false,
            max_random_delay: 0,
            names: Names::default(),
            zone: Zone::default(),
            keep: None,
            compress: archive::Kind::Plain,
            compress_level: None,
            hold_unshipped: None,
            current_link: None,
        }
    }

    /// How it is rotated. Without files to keep it is never, as in `logging.handlers`.
    #[must_use]
    pub fn rotation(&self) -> Rotation {
        let keep = self.keep.unwrap_or(Keep { files: Some(self.backup_count), ..Keep::default() });
        let (names, zone) = (self.names, self.zone.clone());
        let when = When {
            max_bytes: self.max_bytes,
            calendar: self.calendar.clone(),
            at_start: self.at_start,
            max_random_delay: self.max_random_delay,
        };
        let rotation = Rotation { when, names, zone, keep };
        if rotation.is_ever() { rotation } else { Rotation { when: When::default(), ..rotation } }
    }

    /// # Errors
    /// When there is no directory for it.
    pub(in super::super) fn target(&self, around: Surroundings<'_>) -> Result<FileTarget> {
        let no_directory = || Error::io("open", Path::new(&self.name), io::ErrorKind::NotFound.into());
        Ok(FileTarget {
            path: around.directory.ok_or_else(no_directory)?.join(&self.name),
            mode: self.mode,
            directory_mode: around.directory_mode,
            current_link: self.current_link.clone(),
            rotation: self.rotation(),
            fsync: around.fsync,
            journal: around.journal,
            catalogue: around.catalogue,
            is_start: around.is_start,
            stats: around.stats.files.of(around.name),
        })
    }
}

/// Reads a mode: its bits, and whether an option asked for them. Then they hold exactly, otherwise the umask narrows them.
///
/// # Errors
/// When it is something else.
pub fn mode<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<u32, D::Error> {
    let (bits, is_asked_for) = <(u32, bool)>::deserialize(deserializer)?;
    Ok(platform::mode(bits, is_asked_for))
}

/// Writes a mode for a black box: what is made when the box is recovered, the umask of that process narrows.
#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn bits<S: Serializer>(mode: &u32, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    (mode & 0o777, false).serialize(serializer)
}
