//! The one list of what is counted. A line here is a key of `get_stats`, a row of its page and a metric.

use super::{Count, FileStats, FunctionStats, How, Stats, StreamStats, Words};

/// What a number means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It is what it is now, or was at most.
    Gauge,
}

impl Kind {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// Where a number is found.
#[derive(Clone, Copy)]
pub enum Source<S> {
    Count(fn(&S) -> Count),
    /// A state, which a forked child does not begin anew.
    State(fn(&S) -> Count),
    /// Made of others.
    Derived(fn(&S) -> u64),
}

pub struct Counted<S> {
    pub name: &'static str,
    /// The name of the words that hold it in the block of the process. Empty for what is made of others.
    pub metric: &'static str,
    /// How the words of several processes become one number.
    pub how: How,
    pub kind: Kind,
    /// What is counted: records, bytes, microseconds …
    pub unit: &'static str,
    pub help: &'static str,
    pub source: Source<S>,
}

impl<S> Counted<S> {
    pub fn read(&self, stats: &S) -> u64 {
        match self.source {
            Source::Count(count) | Source::State(count) => count(stats).get(),
            Source::Derived(read) => read(stats),
        }
    }

    /// Counts one more. False for what is made of others, or is a state.
    #[must_use]
    pub fn add_one(&self, stats: &S) -> bool {
        let Source::Count(count) = self.source else { return false };
        count(stats).add(1);
        true
    }
}

/// Finds the words of what a list names.
pub(super) struct Placing<S: 'static> {
    pub words: &'static Words,
    pub list: &'static [Counted<S>],
    /// As they follow the name of a metric, with their braces.
    pub labels: String,
}

impl<S> Placing<S> {
    /// # Panics
    /// When the list has no such line.
    pub fn count(&self, name: &str) -> Count {
        let counted = self.list.iter().find(|counted| counted.name == name);
        let counted = counted.unwrap_or_else(|| panic!("{name} is in no line of the list"));
        self.words.count(&format!("{}{}", counted.metric, self.labels), counted.how)
    }
}

const fn counter<S>(
    name: &'static str,
    metric: &'static str,
    unit: &'static str,
    help: &'static str,
    count: fn(&S) -> Count,
) -> Counted<S> {
    Counted { name, metric, how: How::Sum, kind: Kind::Counter, unit, help, source: Source::Count(count) }
}

const fn gauge<S>(
    name: &'static str,
    metric: &'static str,
    how: How,
    unit: &'static str,
    help: &'static str,
    source: Source<S>,
) -> Counted<S> {
    Counted { name, metric, how, kind: Kind::Gauge, unit, help, source }
}

const fn derived<S>(name: &'static str, unit: &'static str, help: &'static str, read: fn(&S) -> u64) -> Counted<S> {
    Counted { name, metric: "", how: How::Sum, kind: Kind::Counter, unit, help, source: Source::Derived(read) }
}

pub const COUNTS: [Counted<Stats>; 22] = [
    derived("accepted", "records", "records offered to the pipeline: all that passed their level", Stats::accepted),
    counter("filtered", "records_filtered_total", "records", "records kept out before they were captured", |stats| {
        stats.filtered
    }),
    counter(
        "written",
        "records_delivered_total",
        "records",
        "records that are in every file they are routed to; those below `file_level`, which are routed to none, too",
        |stats| stats.written,
    ),
    derived(
        "dropped",
        "records",
        "records that had to go because the queue was full or shutdown ran out of time",
        Stats::dropped_total,
    ),
    counter("failed", "records_failed_total", "records", "records that could not be written", |stats| stats.failed),
    counter(
        "malformed",
        "records_malformed_total",
        "records",
        "records that were written, but whose message or a value of theirs had to be replaced (an object whose `__repr__` raises, arguments that do not fit the message)",
        |stats| stats.malformed,
    ),
    counter(
        "processor_errors",
        "processor_errors_total",
        "failures",
        "calls of [processors](processors.md) that raised or returned what cannot be used; the record was kept",
        |stats| stats.processor_errors,
    ),
    counter(
        "notices",
        "notices_total",
        "records",
        "records of the library's own, such as \"N records dropped\", beside those of the application",
        |stats| stats.notices,
    ),
    gauge("queue_depth", "", How::Now, "records", "records in the queue now", Source::Derived(Stats::depth)),
    gauge(
        "queue_high_water",
        "queue_records_max",
        How::Most,
        "records",
        "records in the queue at most so far",
        Source::Count(|stats| stats.queue_high_water),
    ),
    gauge(
        "writer_lag_us",
        "writer_lag_seconds",
        How::MostNow,
        "microseconds",
        "time between call and writing of the oldest record of the last batch",
        Source::Count(|stats| stats.lag_us),
    ),
    gauge(
        "writer_lag_max_us",
        "writer_lag_max_seconds",
        How::Most,
        "microseconds",
        "the same at most so far",
        Source::Count(|stats| stats.lag_max_us),
    ),
    counter(
        "writer_restarts",
        "writer_restarts_total",
        "restarts",
        "times the writer was started again after a fault",
        |stats| stats.writer_restarts,
    ),
    counter(
        "lock_timeouts",
        "lock_timeouts_total",
        "batches",
        "batches written without the directory's lock: another process kept it for 1 s without giving anybody a turn (10 ms after one such time, until the lock was had again or changes hands), or for 10 s in all",
        |stats| stats.lock_timeouts,
    ),
    counter(
        "lock_unopened",
        "lock_unopened_total",
        "batches",
        "batches written without the directory's lock, because its file could not be opened; nothing is rotated meanwhile",
        |stats| stats.lock_unopened,
    ),
    counter(
        "lock_unsupported",
        "lock_unsupported_total",
        "batches",
        "batches written without it, because the file system has no locks: only one process may log there",
        |stats| stats.lock_unsupported,
    ),
    counter("errors", "errors_total", "failures", "failures told to the error handler", |stats| stats.errors),
    gauge(
        "black_box",
        "black_boxes",
        How::Now,
        "boxes",
        "1 while records wait in a [black box](black-box.md), else 0",
        Source::State(|stats| stats.protected),
    ),
    counter(
        "unprotected",
        "records_unprotected_total",
        "records",
        "records that found no room in the black box: they would not have survived the process",
        |stats| stats.unprotected,
    ),
    counter(
        "recovered",
        "records_recovered_total",
        "records",
        "records of processes that died, written by this one",
        |stats| stats.recovered,
    ),
    counter(
        "trace_headers_ignored",
        "trace_headers_ignored_total",
        "headers",
        "headers of requests that should have named a trace and were malformed, each ignored",
        |stats| stats.trace_headers_ignored,
    ),
    counter(
        "redacted",
        "values_redacted_total",
        "values",
        "values and texts of records in which [redaction](redaction.md) replaced something",
        |stats| stats.redacted,
    ),
];

/// Of each file.
pub const FILE_COUNTS: [Counted<FileStats>; 12] = [
    counter("written", "records_written_total", "lines", "lines written", |file| file.written),
    counter("bytes", "bytes_written_total", "bytes", "their bytes", |file| file.bytes),
    counter("rotations", "rotations_total", "rotations", "times the file was changed for a new one", |file| {
        file.rotations
    }),
    counter(
        "deleted",
        "files_deleted_total",
        "files",
        "rotated files that this process deleted, because `keep` no longer keeps them",
        |file| file.deleted,
    ),
    counter(
        "deleted_unshipped",
        "files_deleted_unshipped_total",
        "files",
        "those of them that a shipper had not taken, see `hold_unshipped`",
        |file| file.deleted_unshipped,
    ),
    counter("archived", "files_archived_total", "files", "rotated files that this process packed or indexed", |file| {
        file.archived
    }),
    gauge(
        "archive_waiting",
        "files_waiting_for_archive",
        How::MostNow,
        "files",
        "rotated files that waited to be packed or indexed when this process last looked",
        Source::Count(|file| file.archive_waiting),
    ),
    counter(
        "archive_errors",
        "archive_errors_total",
        "failures",
        "rotated files that could not be packed or indexed, each time; they are tried again",
        |file| file.archive_errors,
    ),
    counter("errors", "write_errors_total", "failures", "writes that failed and were tried again", |file| file.errors),
    counter(
        "dropped",
        "lines_given_up_total",
        "lines",
        "lines given up, because the file took none while others did",
        |file| file.dropped,
    ),
    counter("syncs", "syncs_total", "syncs", "times the file was brought to the device, see `fsync`", |file| {
        file.syncs
    }),
    counter("sync_errors", "sync_errors_total", "failures", "times that it or its name could not be", |file| {
        file.sync_errors
    }),
];

/// Of the console, and of each other stream.
pub const STREAM_COUNTS: [Counted<StreamStats>; 2] = [
    counter("written", "stream_lines_written_total", "lines", "lines written", |stream| stream.written),
    counter("dropped", "stream_lines_dropped_total", "lines", "lines dropped, because it takes no more", |stream| {
        stream.dropped
    }),
];

/// Of each function that gets records.
pub const FUNCTION_COUNTS: [Counted<FunctionStats>; 3] = [
    counter(
        "written",
        "sink_records_written_total",
        "records",
        "records that the function was called with",
        |function| function.lines.written,
    ),
    counter(
        "dropped",
        "sink_records_dropped_total",
        "records",
        "records dropped, because the function takes too long",
        |function| function.lines.dropped,
    ),
    counter(
        "failed",
        "sink_records_failed_total",
        "records",
        "records for which it raised, which are among those written",
        |function| function.failed,
    ),
];
