//! Unix through libc, not raw system calls, so that preload shims and `faketime` act on them.

mod exposure;
mod fork;
mod lock;
mod mapping;
mod number;
mod open;
mod open_stream;
mod owner;
mod process;
mod publish;
mod read_once;
mod region;
mod shared_memory;
mod streams;
mod terminal;

pub use exposure::*;
pub use fork::*;
pub use lock::*;
pub use mapping::*;
pub use number::*;
pub use open::*;
pub use open_stream::*;
pub use owner::*;
pub use process::*;
pub use publish::*;
pub use read_once::*;
pub use region::*;
pub use shared_memory::*;
pub use streams::*;
pub use terminal::*;
