//! Records to lines.

mod console;
mod json;

pub use console::ConsoleEncoder;
pub use json::JsonEncoder;

/// Stands for a name that is in no table; captured records never need it.
const UNKNOWN: &str = "?";
