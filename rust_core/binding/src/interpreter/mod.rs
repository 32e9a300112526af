//! The interpreter: what guards it, what it promises, and what is read of it though it does not.

pub mod arguments;
pub mod cache;
pub mod counts;
pub mod ending;
pub mod fork;
pub mod frame;
pub mod gil;
pub mod interrupt;
pub mod method;
pub mod pending;
pub mod stack;
pub mod supported;
pub mod watch;

pub use ending::End;
