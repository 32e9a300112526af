//! The directories of black boxes, and finding boxes whose owner is gone.

mod block;
mod making;
mod own;
mod ownerless;
mod seen;
mod trust;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::platform;

pub use block::FoundBlock;
pub use own::{Harm, OwnBox, Watch, disown_all};
pub use ownerless::Ownerless;
pub use seen::{Owner, SeenBox};
/// Beside the logs.
const DIRECTORY: &str = ".unified_logger";
const BOX: &str = "box";
/// A box in the making: its owner has no lock yet.
const NEW: &str = "new";
/// Set aside: of another format, or damaged.
const ASIDE: &str = "aside";

/// A directory for boxes, and the prefix in the names of one log directory's boxes.
#[derive(Clone, Debug)]
pub struct Location {
    pub directory: PathBuf,
    prefix: String,
    pub shared_memory: bool,
}

/// A directory whose boxes this process does not trust, and why. A box decides which files are written, and how. So a
/// box that another user could have planted must not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distrust {
    pub directory: PathBuf,
    pub reason: &'static str,
    /// Whether this is nothing to warn of. It is reported only to a user who asks for a recovery.
    pub expected: bool,
}

/// The locations where the boxes of a log directory may be.
#[must_use]
pub fn all(log_directory: &Path) -> Vec<Location> {
    let beside = Location { directory: home(log_directory), prefix: String::new(), shared_memory: false };
    let shared = name_of(log_directory).and_then(|name| Some(Location { prefix: prefix(name), ..strays()? }));
    shared.into_iter().chain([beside]).collect()
}

/// The directory beside the logs in which boxes and the catalogue of files are.
#[must_use]
pub fn home(log_directory: &Path) -> PathBuf {
    log_directory.join(DIRECTORY)
}

/// What boxes belong to, by which other processes find them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// A log directory.
    Directory(PathBuf),
    /// What writes to standard streams alone, by a name that its processes have in common.
    Service(String),
}

impl Home {
    /// The locations where its boxes may be.
    #[must_use]
    pub fn locations(&self) -> Vec<Location> {
        match self {
            Self::Directory(directory) => all(directory),
            Self::Service(name) => of_service(name).into_iter().collect(),
        }
    }

    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        if let Self::Directory(directory) = self { Some(directory) } else { None }
    }
}

/// The boxes of a service are in shared memory only.
fn of_service(name: &str) -> Option<Location> {
    let bytes = b"service:".iter().chain(name.as_bytes());
    Some(Location { prefix: prefix(hash(bytes.copied())), ..strays()? })
}

/// The boxes of this user in shared memory, of any log directory.
#[must_use]
pub fn strays() -> Option<Location> {
    let directory = platform::shared_memory_directory()?;
    Some(Location { directory, prefix: String::new(), shared_memory: true })
}

/// The location of records that must survive the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Wanted {
    /// In shared memory if that outlives the process's container, otherwise beside the logs.
    #[serde(rename = "auto")]
    Auto,
    #[serde(rename = "shm")]
    SharedMemory,
    /// Beside the logs.
    #[serde(rename = "dir")]
    Directory,
    #[serde(rename = "off")]
    Off,
}

/// Where to make a box, the first choice first.
#[must_use]
pub fn choices(home: &Home, wanted: Wanted) -> Vec<Location> {
    let mut locations = home.locations();
    match wanted {
        // Only on request: where nothing is written to a disk, a box must not take its room unasked.
        Wanted::Auto if home.directory().is_none() => locations.clear(),
        Wanted::Off => locations.clear(),
        // Shared memory of a container disappears with the container. It is the second choice there, and better than
        // none.
        Wanted::Auto if platform::is_in_container() => locations.reverse(),
        Wanted::Auto | Wanted::SharedMemory => {}
        Wanted::Directory => locations.retain(|location| !location.shared_memory),
    }
    locations
}

/// A number for a directory, the same in every process.
#[must_use]
pub fn number_of(directory: &Path) -> u64 {
    name_of(directory).unwrap_or(0)
}

/// A name for a directory: a hash of its identity. It is the same in every process, and differs from that of
/// other directories, even of a directory at the same path in another container or at an earlier time. `None` if there
/// is no directory.
fn name_of(directory: &Path) -> Option<u64> {
    platform::birth(directory).ok().map(|birth| hash(birth.into_iter().flat_map(u64::to_le_bytes)))
}

/// FNV-1a.
fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xCBF2_9CE4_8422_2325, |name, byte| (name ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
}

fn prefix(name: u64) -> String {
    format!("{name:016x}-")
}

impl Location {
    /// Whether a file of this name is one of its boxes.
    fn is_named(&self, name: &str) -> bool {
        name.starts_with(&self.prefix)
    }

    fn path(&self, name: &str, kind: &str) -> PathBuf {
        self.directory.join(format!("{}{name}.{kind}", self.prefix))
    }
}

fn kind(path: &Path) -> &str {
    path.extension().and_then(|kind| kind.to_str()).unwrap_or_default()
}

fn is_older(meta: &fs::Metadata, age: Duration) -> bool {
    meta.modified().ok().and_then(|time| time.elapsed().ok()).is_some_and(|elapsed| elapsed > age)
}
