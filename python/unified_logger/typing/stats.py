# Written by `make tables`.
# fmt: off
"""The counts that `get_stats` returns, as types."""

from __future__ import annotations

from typing import TypedDict


class FileCounts(TypedDict):
    """The counts in `files`."""

    written: int
    """Lines written. A counter, in lines."""
    bytes: int
    """Their bytes. A counter, in bytes."""
    rotations: int
    """Times the file was changed for a new one. A counter, in rotations."""
    deleted: int
    """Rotated files that this process deleted, because `keep` no longer keeps them. A counter, in files."""
    deleted_unshipped: int
    """Those of them that a shipper had not taken, see `hold_unshipped`. A counter, in files."""
    archived: int
    """Rotated files that this process packed or indexed. A counter, in files."""
    archive_waiting: int
    """Rotated files that waited to be packed or indexed when this process last looked. A gauge, in files."""
    archive_errors: int
    """Rotated files that could not be packed or indexed, each time; they are tried again. A counter, in failures."""
    errors: int
    """Writes that failed and were tried again. A counter, in failures."""
    dropped: int
    """Lines given up, because the file took none while others did. A counter, in lines."""
    syncs: int
    """Times the file was brought to the device, see `fsync`. A counter, in syncs."""
    sync_errors: int
    """Times that it or its name could not be. A counter, in failures."""


class ConsoleCounts(TypedDict):
    """The counts in `console`."""

    written: int
    """Lines written. A counter, in lines."""
    dropped: int
    """Lines dropped, because it takes no more. A counter, in lines."""


class SinkCounts(TypedDict):
    """The counts in `sinks`."""

    written: int
    """Records that the function was called with. A counter, in records."""
    dropped: int
    """Records dropped, because the function takes too long. A counter, in records."""
    failed: int
    """Records for which it raised, which are among those written. A counter, in records."""


class RecordMetricCounts(TypedDict):
    """The counts in `record_metrics`."""

    counted: int
    """Records that were counted. A counter, in records."""
    ignored: int
    """Values that are no numbers, or are below zero. A counter, in values."""
    folded: int
    """Records among those counted that found no series of their own, and went into that of `__other__`. A counter, in records."""


class SamplingCounts(TypedDict):
    """The counts in `sampling`."""

    kept: int
    """Calls that the rule kept. A counter, in calls."""
    left_out: int
    """Calls that it left out, or in a dry run would have. A counter, in calls."""


class ByLevel(TypedDict):
    """Counts by name."""

    DEBUG: int
    INFO: int
    WARNING: int
    ERROR: int
    CRITICAL: int


class DroppedByReason(TypedDict):
    """The counts in `dropped_by_reason`."""

    drop_new: ByLevel
    drop_old: ByLevel
    drop_low: ByLevel
    timeout: ByLevel
    shutdown: ByLevel
    memory: ByLevel
    panic: ByLevel


class Seldom(TypedDict, total=False):
    """Counts that are there only where there is something to count."""

    streams: dict[str, ConsoleCounts]
    """Further outputs that are streams, by their names."""


class Stats(Seldom):
    """The result of `get_stats`."""

    accepted: int
    """Records offered to the pipeline: all that passed their level. A counter, in records."""
    filtered: int
    """Records kept out before they were captured. A counter, in records."""
    written: int
    """Records that are in every file they are routed to; those below `file_level`, which are routed to none, too. A counter, in records."""
    dropped: int
    """Records that had to go because the queue was full or shutdown ran out of time. A counter, in records."""
    failed: int
    """Records that could not be written. A counter, in records."""
    malformed: int
    """Records that were written, but whose message or a value of theirs had to be replaced (an object whose `__repr__` raises, arguments that do not fit the message). A counter, in records."""
    processor_errors: int
    """Calls of processors that raised or returned what cannot be used; the record was kept. A counter, in failures."""
    notices: int
    """Records of the library's own, such as "N records dropped", beside those of the application. A counter, in records."""
    queue_depth: int
    """Records in the queue now. A gauge, in records."""
    queue_capacity: int
    """Records that the queue holds, see `queue_size`. A gauge, in records."""
    queue_high_water: int
    """Records in the queue at most so far. A gauge, in records."""
    writer_lag_us: int
    """Time between call and writing of the oldest record of the last batch. A gauge, in microseconds."""
    writer_lag_max_us: int
    """The same at most so far. A gauge, in microseconds."""
    batches: int
    """Batches that the writer has written; the metric has how long each took. A histogram, in batches."""
    calls_timed: int
    """Calls that were timed, one in 1,024; the metric has how long each took from its time until the queue had it. A histogram, in calls."""
    writer_restarts: int
    """Times the writer was started again after a fault. A counter, in restarts."""
    lock_timeouts: int
    """Batches written without the directory's lock: another process kept it for 1 s without giving anybody a turn (10 ms after one such time, until the lock was had again or changes hands), or for 10 s in all. A counter, in batches."""
    lock_unopened: int
    """Batches written without the directory's lock, because its file could not be opened; nothing is rotated meanwhile. A counter, in batches."""
    lock_unsupported: int
    """Batches written without it, because the file system has no locks: only one process may log there. A counter, in batches."""
    errors: int
    """Failures told to the error handler. A counter, in failures."""
    black_box: int
    """1 while records wait in a black box, else 0. A gauge, in boxes."""
    unprotected: int
    """Records that found no room in the black box: they would not have survived the process. A counter, in records."""
    recovered: int
    """Records of processes that died, written by this one. A counter, in records."""
    trace_headers_ignored: int
    """Headers of requests that should have named a trace and were malformed, each ignored. A counter, in headers."""
    suppressed: int
    """Calls that sampling left out by count: a later record or a summary tells of each. A counter, in calls."""
    suppressed_told: int
    """Those of them that a record or a summary has told of. A counter, in calls."""
    sampling_keys_evicted: int
    """Keys of sampling that were forgotten, as there is room for `max_keys` only. A counter, in keys."""
    metrics_missed: int
    """Calls that sampling left out, and that metrics from records do not count as there was no room in the queue. A counter, in calls."""
    recorded: int
    """Records that waited with their trace, see the flight recorder. A counter, in records."""
    recorded_written: int
    """Those of them that went on to the queue, as their trace failed, was slow or was asked for. A counter, in records."""
    recorded_lost: int
    """Those of them that had to go for others before their trace was over. A counter, in records."""
    recorded_traces: int
    """Traces of which such records were written. A counter, in traces."""
    recorder_bytes: int
    """Memory of the records that wait now. A gauge, in bytes."""
    redacted: int
    """Values and texts of records in which redaction replaced something. A counter, in values."""
    files: dict[str, FileCounts]
    """The outputs that are files, by their names."""
    console: ConsoleCounts
    """Lines on the console."""
    sinks: dict[str, SinkCounts]
    """Functions that get records, by their names."""
    sampling: dict[str, SamplingCounts]
    """Rules of sampling, by their names."""
    record_metrics: dict[str, RecordMetricCounts]
    """Metrics that records make, by their names."""
    dropped_by_reason: DroppedByReason
    """Dropped records by reason, and in each by level."""
    native_stdlib: str
    """Whether loggers of the standard library log natively, and why not."""
