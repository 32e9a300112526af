//! Records of `logging` into the same pipeline.

mod attribute;
mod handler;
mod place;
mod said;

pub use handler::emit;
