//! Counts of which there are several: of files, streams, functions, and metrics that records make.

use std::sync::Arc;

use super::counted::Placing;
use super::{
    Count, FILE_COUNTS, FUNCTION_COUNTS, LeftOut, METRIC_COUNTS, NamedCounts, RULE_COUNTS, STREAM_COUNTS, Split, Words,
    labels,
};

/// Why a file was changed for a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It had become too large.
    Size,
    /// Another period has begun.
    Period,
    /// A program has started.
    Start,
    /// The program has asked for it.
    Call,
    Signal,
}

const CAUSES: [&str; 5] = ["size", "period", "start", "call", "signal"];
/// The bounds of rotated files, in the order of `rotation::Rule`.
const RULES: [&str; 4] = ["files", "age", "bytes", "disk_free"];

/// Counts of one log file.
#[derive(Debug)]
pub struct FileStats {
    pub written: Count,
    pub bytes: Count,
    /// By `Cause`.
    pub rotations: Split<{ CAUSES.len() }>,
    /// Rotated files that were deleted since their bounds did not keep them.
    pub deleted: Split<{ RULES.len() }>,
    /// Those of them that a shipper had not taken.
    pub deleted_unshipped: Count,
    /// Rotated files that were packed or indexed, those that waited for it after the last round, and failures of it.
    pub archived: Count,
    pub archive_waiting: Count,
    pub archive_errors: Count,
    /// Writes that failed and were tried again.
    pub errors: Count,
    /// Lines that were given up, because the file took none while others did.
    pub dropped: Count,
    /// Times the file was brought to the device, and times that it or its name could not be.
    pub syncs: Count,
    pub sync_errors: Count,
}

/// Counts of the console, or of another stream.
#[derive(Debug)]
pub struct StreamStats {
    pub written: Count,
    /// Lines that were dropped, because it takes no more.
    pub dropped: Count,
    /// Lines on their way behind a thread, which will be one or the other.
    pub waiting: Count,
}

/// Counts of a function of the program that gets records.
#[derive(Debug)]
pub struct FunctionStats {
    pub lines: Arc<StreamStats>,
    /// Records for which it raised.
    pub failed: Count,
}

/// Counts of a metric that records make by configuration.
#[derive(Debug)]
pub struct MetricStats {
    pub counted: Count,
    /// Values that are no numbers, or below zero.
    pub ignored: Count,
    /// Records that found no series of their own.
    pub folded: Count,
}

/// Counts of a rule of sampling.
#[derive(Debug)]
pub struct RuleStats {
    pub kept: Count,
    pub left_out: LeftOut,
}

impl NamedCounts for RuleStats {
    fn at(words: &'static Words, name: &str) -> Self {
        let at = Placing { words, list: &RULE_COUNTS, labels: labels("rule", name) };
        let left_out = at.labelled("left_out", "decision", "left_out");
        Self { kept: at.part("kept", "decision", "kept"), left_out: LeftOut::at(words, &left_out) }
    }
}

impl NamedCounts for MetricStats {
    fn at(words: &'static Words, name: &str) -> Self {
        let at = Placing { words, list: &METRIC_COUNTS, labels: labels("metric", name) };
        Self { counted: at.count("counted"), ignored: at.count("ignored"), folded: at.count("folded") }
    }
}

impl NamedCounts for FileStats {
    fn at(words: &'static Words, name: &str) -> Self {
        let at = Placing { words, list: &FILE_COUNTS, labels: labels("file", name) };
        Self {
            written: at.count("written"),
            bytes: at.count("bytes"),
            rotations: at.split("rotations", "cause", CAUSES),
            deleted: at.split("deleted", "rule", RULES),
            deleted_unshipped: at.count("deleted_unshipped"),
            archived: at.part("archived", "result", "ok"),
            archive_waiting: at.count("archive_waiting"),
            archive_errors: at.part("archive_errors", "result", "failed"),
            errors: at.count("errors"),
            dropped: at.count("dropped"),
            syncs: at.count("syncs"),
            sync_errors: at.count("sync_errors"),
        }
    }
}

impl NamedCounts for StreamStats {
    fn at(words: &'static Words, name: &str) -> Self {
        let at = Placing { words, list: &STREAM_COUNTS, labels: labels("stream", name) };
        Self { written: at.count("written"), dropped: at.count("dropped"), waiting: Count::private() }
    }
}

impl NamedCounts for FunctionStats {
    fn at(words: &'static Words, name: &str) -> Self {
        let at = Placing { words, list: &FUNCTION_COUNTS, labels: labels("sink", name) };
        let lines =
            StreamStats { written: at.count("written"), dropped: at.count("dropped"), waiting: Count::private() };
        Self { lines: Arc::new(lines), failed: at.count("failed") }
    }
}
