//! Early records: those from before the start.

use std::sync::Arc;

use pyo3::prelude::*;
use unified_logger_core::encoder::{Format, Lines, Process, Text, Whose};
use unified_logger_core::forks;
use unified_logger_core::level;
use unified_logger_core::platform;
use unified_logger_core::record::{Record, level_of};
use unified_logger_core::redaction::Rules;
use unified_logger_core::slab::Buffer;

use super::state::{STATE, State, apart};
use super::submit::submit;
use crate::filter::is_enabled_for;
use crate::interpreter::counts::{FILTERED, STATS};
use crate::interpreter::fork;
use crate::interpreter::interrupt;

/// Early records that are kept at most.
pub const EARLY: usize = 1_000;

/// The limit for a record. Errors may fill as much room again.
pub fn early_limit(record: &Buffer) -> usize {
    if level_of(record.as_slice()) >= level::ERROR { EARLY * 2 } else { EARLY }
}

/// Hands over the early records that are enabled now.
pub fn deliver_early(py: Python<'_>, early: Vec<(Buffer, Option<Py<PyAny>>)>) {
    // A forked child continues its own call, but the early records belong to its parent.
    let forks = forks::count();
    let has_forked = || {
        fork::notice(py);
        forks::count() != forks
    };
    for (record, logger) in early {
        if has_forked() {
            return;
        }
        let level = level_of(record.as_slice());
        let enabled = logger.as_ref().is_none_or(|logger| {
            // The context in which logging is started does not decide on earlier records.
            let answer = is_enabled_for::without_context(logger.bind(py), level).and_then(|answer| answer.is_truthy());
            interrupt::ok(py, answer).unwrap_or(true)
        });
        if has_forked() {
            return;
        }
        if enabled {
            let submitted = submit(py, record, logger.as_ref().map_or(std::ptr::null_mut(), Py::as_ptr));
            // An interrupt that arrives now is raised once all records are delivered.
            if let Err(error) = submitted {
                interrupt::hold(py, &error);
            }
        } else {
            FILTERED.add(1);
        }
    }
}

pub fn has_early(py: Python<'_>) -> bool {
    // SAFETY: looked at only.
    matches!(unsafe { &*STATE.get(py) }, State::Early(early) if !early.is_empty())
}

/// At exit without a start: shows on standard error the records at WARNING and above that were shown nowhere else.
pub fn show_early(py: Python<'_>, redaction: Option<Arc<Rules>>) {
    // SAFETY: taken at once.
    let early = match unsafe { &mut *STATE.get(py) } {
        State::Early(early) => std::mem::take(early),
        _ => return,
    };
    let is_live = platform::terminal_columns().is_some();
    let text = Text { is_live, columns: is_live.then_some(0), ..Text::PLAIN };
    let mut lines = Lines::new(&Process::here(), redaction, &[&Format::Text(text)]);
    let mut shown = Vec::new();
    for (record, _) in early.iter().filter(|(_, logger)| logger.is_some()) {
        // SAFETY: captured records hold UTF-8 texts.
        if let Some(record) = unsafe { Record::read(record.as_slice()) }
            && record.header.level >= level::WARNING
        {
            lines.encode(&record, Whose::Application, 1, 0);
            shown.extend_from_slice(lines.of(0));
        }
    }
    report_early_drops(&mut shown);
    // If this fails, there is nowhere to report it.
    let _ = apart(py, || platform::write_stderr(&shown));
}

/// Reports how many records found no room before a start that never came, if any of them would have been shown.
fn report_early_drops(lines: &mut Vec<u8>) {
    let mut levels = [0; level::NAMES.len()];
    for (_, dropped) in STATS.dropped() {
        levels.iter_mut().zip(dropped).for_each(|(sum, count)| *sum += count);
    }
    let counts = || level::NAMES.iter().zip(levels).filter(|(_, count)| *count > 0);
    if !counts().any(|(name, _)| matches!(*name, "WARNING" | "ERROR" | "CRITICAL")) {
        return;
    }
    let by_level: Vec<_> = counts().map(|(name, count)| format!("{count} at {name}")).collect();
    let line = format!(
        "unified_logger: logging was never started, and of the records beyond the first {EARLY} (errors have as much room again) these were dropped: {}\n",
        by_level.join(", ")
    );
    lines.extend_from_slice(line.as_bytes());
}
