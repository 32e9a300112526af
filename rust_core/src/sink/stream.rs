//! The standard streams of the process.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Batch, Target};
use crate::fault_injection::{self, Fault};
use crate::platform::Standard;

/// How often a number is looked at that leads elsewhere, and the time between.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(2);

/// A stream that the process was started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// What `sys.stderr` is: where a program has put an object in its place, the record was shown there already; else standard error.
    Console,
    /// The same of `sys.stdout` and standard output.
    ConsoleStdout,
    Stderr,
    Stdout,
}

impl Stream {
    /// The stream of the process.
    #[must_use]
    pub const fn standard(self) -> Standard {
        match self {
            Self::Console | Self::Stderr => Standard::Error,
            Self::ConsoleStdout | Self::Stdout => Standard::Output,
        }
    }

    /// Whether it is what a stream of `sys` is.
    #[must_use]
    pub const fn is_console(self) -> bool {
        matches!(self, Self::Console | Self::ConsoleStdout)
    }
}

impl Target for Stream {
    const THREAD: &'static str = "unified_console";

    fn write(&mut self, batch: &Arc<Batch>) -> io::Result<()> {
        fault_injection::pass(Fault::Console);
        self.standard().write_patiently(batch.records().lines())
    }

    fn complaint(&self) -> Option<String> {
        let stream = self.standard().name();
        let lines = if self.is_console() { "console lines" } else { "lines" };
        // For a moment, a file that this library opens has the number, too.
        let is_taken = (0..LOOKS).all(|look| {
            if look > 0 {
                thread::sleep(PAUSE);
            }
            self.standard().is_taken()
        });
        is_taken.then(|| {
            format!(
                "there is no {stream}: its number leads to a file or socket of the program's, which gets no {lines}"
            )
        })
    }
}
