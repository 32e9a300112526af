//! What the engine is told when it is opened. Values have been checked; where they come from is not its concern.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::encoder::Format;
use crate::redaction::Rules;
use crate::stats::FileKind;

/// What happens to a record below ERROR when the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    Block,
    DropNew,
    DropOld,
    DropLow,
}

/// When a batch is synced to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fsync {
    Never,
    /// When it holds a record of level ERROR or above.
    Error,
    Always,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSettings {
    pub kind: FileKind,
    pub name: String,
    /// Records below this level stay out.
    pub level: i32,
    /// Bytes; 0 never rotates.
    pub max_bytes: u64,
    /// Files kept beside the current one; 0 never rotates.
    pub backup_count: u32,
}

#[derive(Clone, Copy, Debug)]
pub struct ConsoleSettings {
    pub level: i32,
    pub format: Format,
}

/// Which loggers are those of AI.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiLoggers {
    /// Names of loggers (and of all below them), or single segments of a name.
    pub names: Vec<String>,
    /// The origin's rule: "ai" anywhere in the name.
    pub legacy_substring: bool,
}

/// Where records wait that must survive the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlackBoxPlace {
    /// In shared memory where that outlives the process's container, else beside the logs.
    Auto,
    SharedMemory,
    /// Beside the logs.
    Directory,
    Off,
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub directory: PathBuf,
    pub directory_mode: u32,
    pub file_mode: u32,
    pub files: Vec<FileSettings>,
    pub console: Option<ConsoleSettings>,
    pub ai: AiLoggers,
    /// What is replaced before any sink sees it; `None` leaves every record as it is.
    pub redaction: Option<Arc<Rules>>,
    /// Records.
    pub queue_size: u32,
    /// Bytes of plain memory that queued records may hold beside the pool.
    pub queue_bytes: u64,
    pub overflow: Overflow,
    pub overflow_timeout: Duration,
    pub fsync: Fsync,
    pub black_box: BlackBoxPlace,
    /// Bytes of the black box; as many of plain memory without one.
    pub black_box_bytes: usize,
}
