//! Colours by kind. Only those 16 that the theme of a terminal chooses, so that they are readable on light and dark.

use crate::level;

pub const RESET: &str = "\x1b[m";
pub const NONE: &str = "";
pub const DIM: &str = "\x1b[2m";
pub const BOLD: &str = "\x1b[1m";
pub const LOGGER: &str = "\x1b[36m";
pub const NUMBER: &str = "\x1b[36m";
pub const TEXT: &str = "\x1b[32m";
/// true, false and null.
pub const CONSTANT: &str = "\x1b[35m";
pub const ERROR: &str = "\x1b[31m";
pub const ERROR_KIND: &str = "\x1b[1;31m";

pub const fn of_level(level: i32) -> &'static str {
    match level {
        level::CRITICAL.. => "\x1b[1;37;41m",
        level::ERROR.. => "\x1b[1;31m",
        level::WARNING.. => "\x1b[1;33m",
        level::INFO.. => "\x1b[32m",
        _ => DIM,
    }
}

/// The message stands out, unless it is only of use to those who look for it.
pub const fn of_message(level: i32) -> &'static str {
    if level < level::INFO { NONE } else { BOLD }
}
