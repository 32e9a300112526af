//! What is written, where, and in which form.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use crate::archive::{Keys, Kind, Method};
use crate::blackbox::BoxSettings;
use crate::catalogue::Form;
use crate::encoder::{Format, Process};
use crate::outputs::{self, Output};
use crate::redaction::Rules;
use crate::rotation::Keep;
use crate::sink::{Fsync, mode};
use crate::upkeep;

/// What is written, where, and in which form.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The log directory; without one no output is a file. A path need not be text, so it is passed apart from the others.
    #[serde(skip)]
    pub directory: Option<PathBuf>,
    #[serde(deserialize_with = "mode")]
    pub directory_mode: u32,
    /// Of the lock file.
    #[serde(deserialize_with = "mode")]
    pub file_mode: u32,
    pub to: outputs::Settings,
    /// The rules for redaction, compiled by their setter. `None` leaves every record as it is.
    #[serde(skip)]
    pub redaction: Option<Arc<Rules>>,
    pub fsync: Fsync,
    /// The bounds of rotated files over all outputs.
    #[serde(default)]
    pub keep: Keep,
    /// Bytes of rotated files that are held beyond their bounds for shippers.
    #[serde(default)]
    pub hold_unshipped: u64,
}

impl Settings {
    /// What is done for files that get no more records.
    #[must_use]
    pub fn upkeep(&self) -> upkeep::Settings {
        let process = Process::here().with_fields(&self.to.fields);
        let set = |output: &Output| {
            let file = output.to.file()?;
            Some(upkeep::Set {
                output: output.name.clone(),
                name: file.name.clone(),
                keep: file.rotation().keep,
                is_of_errors: output.select.takes_errors_alone(),
                method: Some(file.compress)
                    .filter(|kind| *kind != Kind::Plain)
                    .and_then(|kind| Method::new(kind, file.compress_level)),
                keys: if let Format::Json(shape) = &output.format {
                    Keys::of(shape, &process)
                } else {
                    Keys::default()
                },
                form: Form::of(&output.format, &process),
                hold: file.hold_unshipped,
            })
        };
        let sets = self.to.outputs.iter().filter_map(set).collect();
        let files = self.to.outputs.iter().filter_map(|output| output.to.file());
        let mut is_asked = files.map(|file| file.keep.is_some() || file.compress != Kind::Plain);
        let is_asked = is_asked.any(|is_asked| is_asked) || self.keep != Keep::default();
        upkeep::Settings { sets, all: self.keep, hold: self.hold_unshipped, file_mode: self.file_mode, is_asked }
    }

    /// The settings that a black box needs. Outputs are always JSON, so this cannot fail.
    #[must_use]
    pub fn box_settings(&self) -> BoxSettings {
        let redaction = self.redaction.as_ref().map(|rules| rules.spec());
        let outputs = serde_json::to_value(self.to.recovered()).unwrap_or_default();
        BoxSettings::new(self.directory.as_deref(), (self.directory_mode, self.file_mode), outputs, redaction)
    }
}
