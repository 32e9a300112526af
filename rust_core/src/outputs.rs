//! What there is to write to, as it is configured.

use serde::{Deserialize, Serialize};

use crate::encoder::Format;

/// Kinds of log file, in the order of their counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    App,
    Errors,
    Ai,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsoleSettings {
    pub level: i32,
    pub format: Format,
}

/// Which loggers are those of AI.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AiLoggers {
    /// Names of loggers (and of all below them), or single segments of a name.
    pub names: Vec<String>,
    /// "ai" anywhere in a name, as the module before this library had it.
    pub legacy_substring: bool,
}
