//! Places where encoded lines go.

mod console;
mod directory;
mod file;

pub use console::ConsoleSink;
pub use directory::{DirectoryLock, Held, prepare_directory};
pub use file::{FileSettings, FileSink};
