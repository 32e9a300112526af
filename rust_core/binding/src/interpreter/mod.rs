//! The interpreter: its lock, its promises, and parts of it that are read without a promise.

pub mod arguments;
pub mod cache;
pub mod counts;
pub mod ending;
pub mod fork;
pub mod frame;
pub mod function;
pub mod gil;
pub mod interrupt;
pub mod made;
pub mod method;
pub mod pending;
pub mod stack;
pub mod supported;
pub mod watch;
pub mod words;

pub use ending::End;
