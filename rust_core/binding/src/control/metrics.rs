//! What all processes of a log directory have counted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pyo3::prelude::*;
use unified_logger_core::engine::Engine;
use unified_logger_core::metrics::{self, Format};
use unified_logger_core::platform;

use crate::handover::engine;
use crate::interpreter::counts::STATS;
use crate::interpreter::ending;

/// The counts of all processes of a log directory as text, or those of this process alone, and what could not be read.
#[pyfunction]
pub fn directory_metrics(py: Python<'_>, directory: Option<PathBuf>, open_metrics: bool) -> (String, Vec<String>) {
    let format = if open_metrics { Format::OpenMetrics } else { Format::Prometheus };
    let engine = engine(py).cloned();
    ending::detached(py, || {
        let metrics = match &directory {
            Some(directory) => {
                let own = engine.filter(|engine| counts_in(engine, directory)).map(|_| STATS.words().copy());
                metrics::scrape(directory, own.as_deref())
            }
            None => metrics::alone(&STATS.words().copy()),
        };
        (metrics::write(&metrics, format), metrics.remarks)
    })
}

/// Whether this process counts for a directory.
fn counts_in(engine: &Arc<Engine>, directory: &Path) -> bool {
    let own = engine.settings().output.directory.as_deref().and_then(|own| platform::identity_at(own).ok());
    own.is_some() && own == platform::identity_at(directory).ok()
}
