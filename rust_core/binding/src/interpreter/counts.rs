//! Counts of the process. They continue over restarts. A forked child starts its own counts.

use std::sync::{Arc, LazyLock};

use unified_logger_core::stats::Stats;
pub use unified_logger_core::stats::{FILTERED, MALFORMED, PROCESSOR_ERRORS};

/// The counts of the engine.
pub static STATS: LazyLock<Arc<Stats>> = LazyLock::new(|| Arc::new(Stats::of_process()));
