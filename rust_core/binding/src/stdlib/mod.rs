//! Records of `logging` into the same pipeline: those that its root handler brings, and those of loggers made native.

mod attribute;
mod call_site;
mod call_site_key;
mod caller;
mod handler;
mod loggers;
mod mark;
mod names;
mod native;
mod parts;
mod stock;

pub use handler::{emit, encode_record, merge_by_class, merge_record};
pub use mark::{float_class, set_marks};
pub use native::set_stdlib_native;
