//! What the engine is told when it is opened: the settings of its rooms, as each of them has them. Values have been checked; where they come
//! from is not their concern.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::blackbox::{self, Wanted};
use crate::level;
use crate::outputs::{AiLoggers, FileKind, FileSettings};
use crate::pipeline;
use crate::queue::{self, Overflow};
use crate::redaction::Rules;
use crate::sink::Fsync;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub output: pipeline::Settings,
    pub queue: queue::Settings,
    pub black_box: blackbox::Settings,
}

impl Settings {
    /// Reads them as JSON has them. The directory, which need not be text, and compiled rules of redaction come beside it.
    ///
    /// # Errors
    /// When something is missing, unknown or of another type.
    pub fn new(json: serde_json::Value, directory: PathBuf, redaction: Option<Arc<Rules>>) -> serde_json::Result<Self> {
        let mut settings: Self = serde_json::from_value(json)?;
        settings.output.directory = directory;
        settings.output.redaction = redaction;
        Ok(settings)
    }

    /// Those of a test: the three files in a directory, a small queue that makes its callers wait, and a black box beside the logs.
    #[doc(hidden)]
    #[must_use]
    pub fn of_test(directory: &Path) -> Self {
        let file =
            |kind, name: &str, level| FileSettings { kind, name: name.into(), level, max_bytes: 0, backup_count: 0 };
        Self {
            output: pipeline::Settings {
                directory: directory.to_owned(),
                directory_mode: 0o750,
                file_mode: 0o640,
                files: vec![
                    file(FileKind::App, "app.log", level::DEBUG),
                    file(FileKind::Errors, "errors.log", level::ERROR),
                    file(FileKind::Ai, "ai_responses.log", level::DEBUG),
                ],
                console: None,
                ai: AiLoggers::default(),
                redaction: None,
                fsync: Fsync::Never,
            },
            queue: queue::Settings {
                size: 100,
                bytes: 1 << 20,
                overflow: Overflow::Block,
                overflow_timeout: Duration::from_secs(1),
            },
            black_box: blackbox::Settings { place: Wanted::Directory, bytes: 8 << 20 },
        }
    }
}
