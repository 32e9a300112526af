//! Places where encoded lines go.

mod console;
mod directory;
mod file;
mod inherited;
mod open;
mod watched;

pub use console::{ConsoleProgress, ConsoleSink};
pub use directory::{DirectoryLock, Held, leave_locks_to_parent, prepare_directory};
pub use file::{FileSettings, FileSink, Fsync};
pub use open::open_log;
pub use watched::{look_after_watched, watch};
