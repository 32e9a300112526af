//! Records of `logging` into the same pipeline: from the root handler, and from native methods of loggers.

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
mod processed;
mod stock;

pub use handler::{emit, encode_record, merge_by_class, merge_record, with_and_without_secrets};
pub use mark::{float_class, set_marks};
pub use native::{set_stdlib_native, stdlib_native_levels};
