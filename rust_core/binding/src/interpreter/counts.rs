//! Counts of the process. They go on over restarts; a forked child starts its own.

use std::sync::{Arc, LazyLock};

use unified_logger_core::stats::{Count, Stats};

/// What the engine counts.
pub static STATS: LazyLock<Arc<Stats>> = LazyLock::new(Arc::default);
/// Calls below their logger's level, and records represented in part.
pub static FILTERED: Count = Count::new();
pub static MALFORMED: Count = Count::new();
