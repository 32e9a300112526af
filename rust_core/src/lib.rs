//! The engine of unified_logger. It knows nothing of Python: records come in through the queue and leave as lines.
//! Modules are listed in the order data flows; each uses those before it and none after it.

pub mod level;
