//! Places where encoded lines go.

mod console;
mod directory;
mod file;
mod open;

pub use console::{ConsoleProgress, ConsoleSink};
pub use directory::{DirectoryLock, Held, leave_locks_to_parent, prepare_directory};
pub use file::{FileSettings, FileSink};
pub use open::open_log;
