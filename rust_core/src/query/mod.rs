//! A small language of questions about records: a filter, and stages behind it that count, choose and order what it lets through.
//!
//! A text is read once (`lexer`, `parser`) into a plan that knows its fields by number. For each line `fields` reads these and no others,
//! `filter` decides, and `run` hands what is left to `groups` or to `described`, or keeps it. What comes out is lines as they were, or a `table`.

mod cell;
mod described;
mod fields;
mod filter;
mod groups;
mod lexer;
mod parser;
mod plan;
mod quantile;
mod run;
mod sieve;
mod table;
#[cfg(test)]
mod tests;
mod when;

pub use cell::Cell;
pub use filter::Condition;
pub use lexer::Wrong;
pub use plan::{Hints, Plan};
pub use run::Run;
pub use sieve::Sieve;
pub use table::Table;
pub use when::Now;
