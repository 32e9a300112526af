//! Places where encoded lines go.

mod console;
mod directory;
mod file;
mod open;

pub use console::{ConsoleProgress, ConsoleSink};
pub use directory::{DirectoryLock, Held, prepare_directory};
pub use file::{FileSettings, FileSink};
pub use open::open_log;
