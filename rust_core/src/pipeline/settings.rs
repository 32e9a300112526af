//! What is written, where, and in which form.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use crate::blackbox::Kept;
use crate::outputs::{self, AiLoggers, ConsoleSettings};
use crate::platform;
use crate::redaction::Rules;
use crate::sink::Fsync;

/// What is written, where, and in which form.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// A path need not be text: it comes beside the others.
    #[serde(skip)]
    pub directory: PathBuf,
    #[serde(deserialize_with = "mode")]
    pub directory_mode: u32,
    #[serde(deserialize_with = "mode")]
    pub file_mode: u32,
    pub files: Vec<outputs::FileSettings>,
    pub console: Option<ConsoleSettings>,
    pub ai: AiLoggers,
    /// What is replaced before any sink sees it; `None` leaves every record as it is. Compiled where it is set.
    #[serde(skip)]
    pub redaction: Option<Arc<Rules>>,
    pub fsync: Fsync,
}

impl Settings {
    /// What a black box needs of them.
    #[must_use]
    pub fn kept(&self) -> Kept {
        let redaction = self.redaction.as_ref().map(|rules| rules.spec());
        Kept::new(&self.directory, (self.directory_mode, self.file_mode), &self.files, &self.ai, redaction)
    }
}

/// Bits, and whether an option asked for them: then they hold exactly, otherwise the umask narrows them.
fn mode<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<u32, D::Error> {
    let (bits, is_asked_for) = <(u32, bool)>::deserialize(deserializer)?;
    Ok(platform::mode(bits, is_asked_for))
}
