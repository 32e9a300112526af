//! The console on a terminal. A call shows its record itself, before it returns: what the program prints next stands below it. The interpreter
//! stays held as long as the terminal takes lines at once, so records stand in the order of their calls.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::prelude::*;
use unified_logger_core::encoder::{Lines, Process, Whose};
use unified_logger_core::engine::Engine;
use unified_logger_core::memory;
use unified_logger_core::record::{self, Record, flag};
use unified_logger_core::router::Router;
use unified_logger_core::sink::Shown;
use unified_logger_core::slab::Buffer;
use unified_logger_core::stats::CONSOLE;

use super::fork::revived;
use super::state::apart;
use crate::interpreter::counts::STATS;
use crate::interpreter::ending;
use crate::interpreter::gil::Gil;

/// Whether the console is a terminal. A forked child takes that over with its parent's settings.
static IS_TERMINAL: Gil<bool> = Gil::new(false);
static LINES: Gil<Option<Box<TerminalLines>>> = Gil::new(None);

/// Selects the records for the terminal and encodes their lines: those of one engine.
struct TerminalLines {
    router: Router,
    lines: Lines,
}

impl TerminalLines {
    fn new(engine: &Engine) -> Option<Self> {
        let output = &engine.settings().output;
        let console = output.to.console()?;
        let process = Process::here().with_fields(&output.to.fields);
        Some(Self {
            lines: Lines::new(&process, output.redaction.clone(), &[&console.format]),
            router: Router::new(process.names, vec![console.select.clone()], output.to.ai.clone()),
        })
    }

    /// Encodes the line of a record. False if the record is not for the console.
    fn encode(&mut self, bytes: &[u8]) -> bool {
        // SAFETY: captured records hold UTF-8 texts.
        let Some(read) = (unsafe { Record::read(bytes) }) else { return false };
        if self.router.route(&read) == 0 {
            return false;
        }
        memory::expect_to_encode(bytes);
        self.lines.encode(&read, Whose::Application, 1, bytes.len());
        true
    }

    /// The line that was encoded last.
    fn line(&self) -> &[u8] {
        self.lines.of(0)
    }
}

/// To be called when an engine has taken the place of another, and with `None` when there is none any more.
pub fn follow(py: Python<'_>, engine: Option<&Engine>) {
    IS_TERMINAL.replace(py, engine.is_some_and(Engine::has_terminal));
    drop(LINES.replace(py, None));
}

/// A forked child's lines name its own process.
pub fn after_fork_in_child(py: Python<'_>) {
    drop(LINES.replace(py, None));
}

/// Whether the call shows its records itself.
#[inline]
pub fn is_console(py: Python<'_>) -> bool {
    IS_TERMINAL.copied(py)
}

/// Shows a record, if it is for the console and not shown yet, and marks it as shown.
#[cold]
pub fn show(py: Python<'_>, record: &mut Buffer) {
    if ending::is_here(py) || record::flags_of(record.as_slice()) & flag::CONSOLE_DONE != 0 {
        return;
    }
    let Some(engine) = revived(py) else { return };
    let Some(terminal) = engine.terminal() else { return };
    // SAFETY: routing, encoding and writing run no Python code while the reference lives.
    let lines = unsafe { &mut *LINES.get(py) };
    if lines.is_none() {
        *lines = TerminalLines::new(&engine).map(Box::new);
    }
    let Some(lines) = lines else { return };
    match catch_unwind(AssertUnwindSafe(|| lines.encode(record.as_slice()))) {
        Ok(true) => {}
        Ok(false) => return,
        // A record that cannot be encoded now is not lost to the files, and the console's thread may show it.
        Err(_) => return terminal.block(),
    }
    let line = lines.line();
    let is_shown = match terminal.show(line) {
        Shown::Whole => true,
        Shown::No => false,
        Shown::Later => {
            let line = line.to_vec();
            apart(py, || terminal.show_later(&line))
        }
        Shown::Part(written) => {
            let rest = line[written..].to_vec();
            apart(py, || terminal.show_rest(&rest, written > 0))
        }
    };
    if is_shown {
        record::add_flags(record.as_mut_slice(), flag::CONSOLE_DONE);
        STATS.streams.of(CONSOLE).written.add(1);
    }
}
