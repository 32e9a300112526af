//! What code without locks takes its atomics from.
//!
//! `tests/models.rs` compiles modules that use this a second time, with loom's in the place of these, and runs them
//! through every order of events: the code is the same to the letter, and nothing of a model is in what is shipped.

pub use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering, fence};
pub use std::sync::{Mutex, OnceLock, PoisonError};
pub use std::thread::{Thread, park_timeout};
