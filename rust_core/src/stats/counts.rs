//! The one list of what is counted. A line here is a key of `get_stats`, a row of its page and a metric.

use super::counted::{Counted, Source, counter, counter_and, derived, gauge, split, timed};
use super::left_out::{FILTERED, SUPPRESSED};
use super::{FileStats, FunctionStats, How, MetricStats, RECOVERED, RuleStats, Stats, StreamStats};

pub const COUNTS: [Counted<Stats>; 34] = [
    derived("accepted", "records", "records offered to the pipeline: all that passed their level", Stats::accepted),
    counter_and(
        "filtered",
        FILTERED,
        "records",
        "records kept out before they were captured",
        |stats| stats.filtered,
        Stats::left_out,
    ),
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
    gauge(
        "queue_depth",
        "queue_records",
        How::Now,
        "records",
        "records in the queue now",
        Source::Derived(Stats::depth),
    ),
    gauge(
        "queue_capacity",
        "queue_capacity_records",
        How::Now,
        "records",
        "records that the queue holds, see `queue_size`",
        Source::State(|stats| stats.queue_capacity),
    ),
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
    timed(
        "batches",
        "write_duration_seconds",
        "batches",
        "batches that the writer has written; the metric has how long each took",
        |stats| &stats.write_duration,
    ),
    timed(
        "calls_timed",
        "call_duration_seconds",
        "calls",
        "calls that were timed, one in 1,024; the metric has how long each took from its time until the queue had it",
        |stats| &stats.call_duration,
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
    counter("recovered", RECOVERED, "records", "records of processes that died, written by this one", |stats| {
        stats.recovered
    }),
    counter(
        "trace_headers_ignored",
        "trace_headers_ignored_total",
        "headers",
        "headers of requests that should have named a trace and were malformed, each ignored",
        |stats| stats.trace_headers_ignored,
    ),
    split(
        "suppressed",
        SUPPRESSED,
        "calls",
        "calls that sampling left out by count: a later record or a summary tells of each",
        Stats::suppressed,
    ),
    split(
        "suppressed_told",
        "sampling_told_total",
        "calls",
        "those of them that a record or a summary has told of",
        |stats| stats.taken.told_of_process(),
    ),
    counter(
        "sampling_keys_evicted",
        "sampling_keys_evicted_total",
        "keys",
        "keys of sampling that were forgotten, as there is room for `max_keys` only",
        |stats| stats.keys_evicted,
    ),
    counter(
        "metrics_missed",
        "metrics_missed_total",
        "calls",
        "calls that sampling left out, and that [metrics from records](metrics.md#metrics-from-records) do not count as there was no room in the queue",
        |stats| stats.metrics_missed,
    ),
    counter(
        "recorded",
        "recorder_records_total",
        "records",
        "records that waited with their trace, see [the flight recorder](recorder.md)",
        |stats| stats.recorded,
    ),
    counter(
        "recorded_written",
        "recorder_records_written_total",
        "records",
        "those of them that went on to the queue, as their trace failed, was slow or was asked for",
        |stats| stats.recorded_written,
    ),
    counter(
        "recorded_lost",
        "recorder_records_lost_total",
        "records",
        "those of them that had to go for others before their trace was over",
        |stats| stats.recorded_lost,
    ),
    counter(
        "recorded_traces",
        "recorder_traces_written_total",
        "traces",
        "traces of which such records were written",
        |stats| stats.recorded_traces,
    ),
    gauge(
        "recorder_bytes",
        "recorder_bytes",
        How::Now,
        "bytes",
        "memory of the records that wait now",
        Source::Count(|stats| stats.recorder_bytes),
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
    split("rotations", "rotations_total", "rotations", "times the file was changed for a new one", |file| {
        file.rotations.get()
    }),
    split(
        "deleted",
        "files_deleted_total",
        "files",
        "rotated files that this process deleted, because `keep` no longer keeps them",
        |file| file.deleted.get(),
    ),
    counter(
        "deleted_unshipped",
        "files_deleted_unshipped_total",
        "files",
        "those of them that a shipper had not taken, see `hold_unshipped`",
        |file| file.deleted_unshipped,
    ),
    counter("archived", "compressions_total", "files", "rotated files that this process packed or indexed", |file| {
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
        "compressions_total",
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

/// Of each metric that records make by configuration.
pub const METRIC_COUNTS: [Counted<MetricStats>; 3] = [
    counter("counted", "record_metric_records_total", "records", "records that were counted", |metric| metric.counted),
    counter(
        "ignored",
        "record_metric_values_ignored_total",
        "values",
        "values that are no numbers, or are below zero",
        |metric| metric.ignored,
    ),
    counter(
        "folded",
        "record_metric_records_folded_total",
        "records",
        "records among those counted that found no series of their own, and went into that of `__other__`",
        |metric| metric.folded,
    ),
];

/// Of each rule of sampling.
pub const RULE_COUNTS: [Counted<RuleStats>; 2] = [
    counter("kept", "sampled_total", "calls", "calls that the rule kept", |rule| rule.kept),
    split("left_out", "sampled_total", "calls", "calls that it left out, or in a dry run would have", |rule| {
        rule.left_out.get()
    }),
];
