//! The engine of unified_logger. It knows nothing of Python: records come in through the queue and leave as lines.
//! Modules are listed in the order data flows; each uses those before it and none after it.
#![cfg_attr(rustfmt, rustfmt_skip)]

pub mod fault_injection;
pub mod sync;
pub mod memory;
pub mod escape;
mod digits;
pub mod error;
pub mod checksum;
pub mod platform;
pub mod forks;
pub mod worker;
pub mod clock;
pub mod level;
pub mod value;
pub mod exception;
pub mod additions;
pub mod table;
pub mod unshared;
pub mod whole;
pub mod record;
pub mod names;
pub mod slab;
pub mod stats;
pub mod error_handler;
pub mod redaction;
pub mod encoder;
pub mod blackbox;
pub mod queue;
pub mod router;
pub mod sampling;
pub mod record_metrics;
pub mod rotation;
pub mod archive;
pub mod catalogue;
pub mod sink;
pub mod metrics;
pub mod outputs;
pub mod recovery;
pub mod upkeep;
pub mod follow;
pub mod query;
pub mod show;
pub mod pipeline;
pub mod writer;
pub mod config;
pub mod engine;
