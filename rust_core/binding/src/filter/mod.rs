//! Which calls become records: the logger's level, and the context's.

pub mod guard;
pub mod is_enabled_for;

pub use is_enabled_for::{follow_contexts, leave_stdlib_levels};
