//! The level that a context may have of its own, for all loggers.

use super::{Call, Filter, wants_nothing};

/// Refuses what is below the current context's level, also where the logger is enabled for it.
pub const FILTER: Filter = Filter { wants: wants_nothing, refuses, is_level: true };

fn refuses(call: &Call<'_, '_>) -> bool {
    call.context_level.is_some_and(|least| call.level.number < least)
}
