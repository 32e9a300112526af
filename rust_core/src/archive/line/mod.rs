//! Reads of a line what a search asks for: time, level, logger and trace.

mod find;
mod keys;
mod scan;
mod time;

pub use keys::{Keys, TimeForm};
pub use scan::{Found, Scanner, Value};
pub use time::{TimeReader, parse_time};
