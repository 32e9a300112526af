//! Reads of a line what a search asks for: time, level, logger and trace.

mod find;
mod keys;
mod pairs;
mod scan;
mod time;

pub use find::end_or_escape;
pub use keys::{Keys, TimeForm};
pub use pairs::{pair, pairs};
pub use scan::{Found, Scanner, Value};
pub use time::{TimeReader, parse_time};
