//! What all processes of a log directory have counted, those that are gone included.
//!
//! Each process counts in its black box. When it ends, or when another process recovers its box, its counts are added to those that are
//! kept in the directory, once. A scrape adds both up.

mod kept;
mod observed;
mod scrape;
mod series;
mod text;

pub use kept::keep;
pub use scrape::{Metrics, alone, scrape};
pub use text::{Format, write};
