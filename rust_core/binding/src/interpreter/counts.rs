//! Counts of the process. They go on over restarts; a forked child starts its own.

use std::sync::{Arc, LazyLock};

use unified_logger_core::stats::Stats;
pub use unified_logger_core::stats::{FILTERED, MALFORMED};

/// What the engine counts.
pub static STATS: LazyLock<Arc<Stats>> = LazyLock::new(Arc::default);
