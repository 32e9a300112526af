//! The settings of an engine: those of its rooms, each as its room has them. Values have been checked; where they come
//! from is not their concern.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::blackbox::{self, Home, Wanted};
use crate::encoder::Format;
use crate::level;
use crate::outputs::{self, Output};
use crate::pipeline;
use crate::queue::{self, Overflow};
use crate::redaction::Rules;
use crate::rotation::Keep;
use crate::router::Selector;
use crate::sampling::rules;
use crate::sink::{self, FileSettings, Fsync};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub output: pipeline::Settings,
    pub queue: queue::Settings,
    pub black_box: blackbox::Settings,
    /// None where every call that passes its level makes a record.
    #[serde(default)]
    pub sampling: Option<rules::Spec>,
}

impl Settings {
    /// Reads them as JSON has them. The log directory, which need not be text, and compiled rules of redaction come beside it.
    /// Without a directory no output is a file.
    ///
    /// # Errors
    /// When something is missing, unknown or of another type.
    pub fn new(
        json: serde_json::Value,
        directory: Option<PathBuf>,
        redaction: Option<Arc<Rules>>,
    ) -> serde_json::Result<Self> {
        let mut settings: Self = serde_json::from_value(json)?;
        settings.output.directory = directory;
        settings.output.redaction = redaction;
        Ok(settings)
    }

    /// What the boxes of these processes belong to.
    #[must_use]
    pub fn home(&self) -> Home {
        let service = || Home::Service(self.black_box.service.clone());
        self.output.directory.clone().map_or_else(service, Home::Directory)
    }

    /// Those of a test: the three files in a directory, a small queue that makes its callers wait, and a black box beside the logs.
    #[doc(hidden)]
    #[must_use]
    pub fn of_test(directory: &Path) -> Self {
        let file = |name: &str, file: &str, select: Selector| Output {
            name: name.into(),
            select,
            format: Format::json(),
            to: sink::Settings::File(FileSettings::plain(file, 0o640)),
        };
        Self {
            output: pipeline::Settings {
                directory: Some(directory.to_owned()),
                directory_mode: 0o750,
                file_mode: 0o640,
                to: outputs::Settings {
                    outputs: vec![
                        file("app", "app.log", Selector::from_level(level::DEBUG)),
                        file("errors", "errors.log", Selector::from_level(level::ERROR)),
                        file(
                            "ai",
                            "ai_responses.log",
                            Selector { ai: Some(true), ..Selector::from_level(level::DEBUG) },
                        ),
                    ],
                    ..outputs::Settings::default()
                },
                redaction: None,
                fsync: Fsync::Never,
                keep: Keep::default(),
                hold_unshipped: 0,
            },
            queue: queue::Settings {
                size: 100,
                bytes: 1 << 20,
                overflow: Overflow::Block,
                overflow_timeout: Duration::from_secs(1),
            },
            black_box: blackbox::Settings { location: Wanted::Directory, bytes: 8 << 20, service: String::new() },
            sampling: None,
        }
    }
}
