//! The level that a context may have for all loggers.

use super::{Call, Filter, wants_nothing};

/// Refuses calls below the current context's level, even if the logger is enabled for them.
pub const FILTER: Filter = Filter { wants: wants_nothing, refuses, is_level: true };

fn refuses(call: &Call<'_, '_>) -> bool {
    call.context_level.is_some_and(|least| call.level.number < least)
}
