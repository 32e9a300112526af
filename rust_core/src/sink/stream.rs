//! The standard streams of the process.

use std::io;

use serde::{Deserialize, Serialize};

use super::Target;
use crate::fault_injection::{self, Fault};
use crate::platform::Standard;

/// A stream that the process was started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// What `sys.stderr` is: where a program has put an object in its place, the record was shown there already; else standard error.
    Console,
    Stderr,
    Stdout,
}

impl Stream {
    const fn standard(self) -> Standard {
        match self {
            Self::Console | Self::Stderr => Standard::Error,
            Self::Stdout => Standard::Output,
        }
    }
}

impl Target for Stream {
    const THREAD: &'static str = "unified_console";

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        fault_injection::pass(Fault::Console);
        self.standard().write_patiently(lines)
    }

    fn complaint(&self) -> Option<String> {
        let (stream, lines) = match self {
            Self::Console => ("error", "console lines"),
            Self::Stderr => ("error", "lines"),
            Self::Stdout => ("output", "lines"),
        };
        self.standard().is_taken().then(|| {
            format!("there is no standard {stream}: its number leads to a file or socket of the program's, which gets no {lines}")
        })
    }
}
