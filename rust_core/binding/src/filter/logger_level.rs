//! The logger's own level, as `isEnabledFor` has it: with those of its parents, `logging.disable` and `disabled`.

use super::{Call, Filter, wants_nothing};

/// Refuses calls for which the logger is not enabled. A context's level replaces the logger's level, but not
/// `logging.disable` and `disabled`.
pub const FILTER: Filter = Filter { wants: wants_nothing, refuses, is_level: true };

fn refuses(call: &Call<'_, '_>) -> bool {
    !match call.context_level {
        _ if call.answers.is_enabled(call.level) => true,
        Some(_) => call.answers.is_open_to(call.level),
        None => call.is_early,
    }
}
