# Written by `make tables`.
# fmt: off
"""The options of `init_logging`, as types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any, Literal, TypedDict

# A level by its name or number.
Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] | str | int


class Redaction(TypedDict, total=False):
    """The keys of `redaction`."""

    enabled: bool
    """True or false."""
    keys: list[str] | tuple[str, ...]
    """A list of names."""
    keep_keys: list[str] | tuple[str, ...]
    """A list of names."""
    patterns: list[Literal["private_key", "jwt", "authorization", "anthropic_key", "openai_key", "ai_key", "github_token", "gitlab_token", "aws_access_key", "aws_secret_key", "google_key", "slack_token", "stripe_key", "huggingface_token", "npm_token", "pypi_token", "twilio_key", "sendgrid_key", "telegram_token", "digitalocean_token", "databricks_token", "shopify_token", "url_password", "email", "card", "key_value"]] | tuple[Literal["private_key", "jwt", "authorization", "anthropic_key", "openai_key", "ai_key", "github_token", "gitlab_token", "aws_access_key", "aws_secret_key", "google_key", "slack_token", "stripe_key", "huggingface_token", "npm_token", "pypi_token", "twilio_key", "sendgrid_key", "telegram_token", "digitalocean_token", "databricks_token", "shopify_token", "url_password", "email", "card", "key_value"], ...]
    """A list of names of patterns."""
    keep_patterns: list[Literal["private_key", "jwt", "authorization", "anthropic_key", "openai_key", "ai_key", "github_token", "gitlab_token", "aws_access_key", "aws_secret_key", "google_key", "slack_token", "stripe_key", "huggingface_token", "npm_token", "pypi_token", "twilio_key", "sendgrid_key", "telegram_token", "digitalocean_token", "databricks_token", "shopify_token", "url_password", "email", "card", "key_value"]] | tuple[Literal["private_key", "jwt", "authorization", "anthropic_key", "openai_key", "ai_key", "github_token", "gitlab_token", "aws_access_key", "aws_secret_key", "google_key", "slack_token", "stripe_key", "huggingface_token", "npm_token", "pypi_token", "twilio_key", "sendgrid_key", "telegram_token", "digitalocean_token", "databricks_token", "shopify_token", "url_password", "email", "card", "key_value"], ...]
    """A list of names of patterns."""
    custom: Mapping[str, str] | None
    """A mapping of names to values."""
    allow: list[str] | tuple[str, ...]
    """A list of names."""
    action: Literal["replace", "hash", "mask"]
    """One of replace, hash, mask."""
    actions: Mapping[str, Literal["replace", "hash", "mask"]] | None
    """A mapping of names to values."""


class OutputKeys(TypedDict, total=False):
    """The keys of `keys` in an entry of `outputs`."""

    rename: Mapping[str, str] | None
    """A mapping of names to values."""
    omit: list[str] | tuple[str, ...]
    """A list of names."""
    first: list[str] | tuple[str, ...]
    """A list of names."""


class Output(TypedDict, total=False):
    """The keys of an entry of `outputs`."""

    file: str
    """The name of a file in the log directory, without a path, that has 200 bytes at most and does not begin with a dot."""
    stream: Literal["stdout", "stderr"]
    """One of stdout, stderr."""
    function: Callable[[Any], object] | str
    """A function, or where one is: 'package.module:name'."""
    level: Level
    """One of DEBUG, INFO, WARNING, ERROR, CRITICAL, a level named with logging.addLevelName, or a number from 0 to 100."""
    max_level: Level
    """One of DEBUG, INFO, WARNING, ERROR, CRITICAL, a level named with logging.addLevelName, or a number from 0 to 100."""
    loggers: list[str] | tuple[str, ...]
    """A list of loggers' names, one at least: each names a logger and those below it, or with * (any text) and ? (one character) what it fits."""
    ai: bool
    """True or false."""
    fields_present: list[str] | tuple[str, ...]
    """A list of names of fields, one at least; timestamp, level, logger, message, module, function, line, thread, process, exception, stack, recovered are no fields: `level`, `max_level` and `loggers` select by those."""
    fields_equal: Mapping[str, str | float | bool | None] | None
    """A mapping of names to values."""
    format: Literal["text", "json", "logfmt", "compact", "full"] | str
    """One of text, json, logfmt, compact, full, or a template with parts such as {time}, {level}, {logger}, {message} and {fields}."""
    preset: Literal["none", "ecs", "gcp", "datadog", "otel"]
    """One of none, ecs, gcp, datadog, otel."""
    keys: OutputKeys | None
    """A mapping of keys to values."""
    time_zone: Literal["utc", "local"] | str
    """Utc, local, or the name of a time zone such as Asia/Shanghai."""
    max_bytes: int | str
    """A number of bytes from 0, or a text such as '10MB', '64KiB' or '10M' (K, M and G are thousands, Ki, Mi and Gi 1,024s)."""
    backup_count: int
    """A whole number from 0 to 1000000."""
    file_mode: str | int
    """An octal file mode that its owner may write and others may not, such as '640'."""
    rotate: str | int | Mapping[str, Any] | None
    """A period such as daily or '15m', a time of day such as '06:00', off, or a mapping."""
    file_names: Literal["numbered", "dated"]
    """One of numbered, dated."""
    compress: Literal["off", "gzip", "zstd"]
    """One of off, gzip, zstd."""
    compress_level: int | None
    """A whole number from 1 to 19 for zstd, to 9 for gzip."""
    keep: Mapping[str, Any] | str | None
    """A mapping with files, age, bytes, disk_free and total, or all."""
    hold_unshipped: int | str
    """A number of bytes, a text such as '20GB', or off."""
    current_link: bool | str
    """True, false, or the name of a link in the log directory, without a path, that has 200 bytes at most and does not begin with a dot."""
    form: Literal["dict", "line"]
    """One of dict, line."""


class Rotate(TypedDict, total=False):
    """The keys of `rotate`."""

    every: Literal["hourly", "daily", "weekly", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "15m", "6h", "3d"] | str | int
    """One of hourly, daily, weekly, monday, tuesday, wednesday, thursday, friday, saturday, sunday, a length below a day such as '15m' or '6h', or a number of days such as '3d'."""
    at: str
    """A time from '00:00' to '23:59:59'."""
    zone: Literal["utc", "local"] | str
    """Utc, local, or the name of a time zone such as Asia/Shanghai."""
    at_start: bool
    """True or false."""
    max_random_delay: float | str
    """A number of seconds from 0 to 86400, or a text such as '5s', '500ms', '2m' or '1h'."""
    signal: Literal["SIGHUP", "SIGUSR1", "SIGUSR2"] | str | int
    """One of SIGHUP, SIGUSR1, SIGUSR2, a real-time signal such as SIGRTMIN+1, or the number of one of these."""


class KeepTotal(TypedDict, total=False):
    """The keys of `total` in `keep`."""

    files: int | str
    """A whole number from 1, or all."""
    age: int | str
    """A time above 0 such as '14d', '36h' or '2w', or seconds from 3600 on."""
    bytes: int | str
    """A number of bytes above 0, or a text such as '20GB'."""


class Keep(TypedDict, total=False):
    """The keys of `keep`."""

    files: int | str
    """A whole number from 1, or all."""
    age: int | str
    """A time above 0 such as '14d', '36h' or '2w', or seconds from 3600 on."""
    bytes: int | str
    """A number of bytes above 0, or a text such as '20GB'."""
    disk_free: int | str
    """A share such as '10%', or bytes from '1MB' on such as '5GB'."""
    total: KeepTotal | None
    """A mapping of keys to values."""


class RecordMetricLabel(TypedDict, total=False):
    """The keys of an entry of `labels` in an entry of `record_metrics`."""

    field: str
    """A text that is not empty."""
    values: list[str | float | bool | None] | tuple[str | float | bool | None, ...]
    """A list of values, each once: texts, numbers, true, false or null."""
    bound: int
    """A whole number from 1 to 10000."""


class RecordMetric(TypedDict, total=False):
    """The keys of an entry of `record_metrics`."""

    type: Literal["count", "sum", "histogram"]
    """One of count, sum, histogram."""
    help: str
    """A text that is not empty."""
    field: str
    """A text that is not empty."""
    scale: float
    """A number above 0."""
    labels: Mapping[str, RecordMetricLabel | str] | None
    """A mapping of names to values."""
    buckets: list[float] | tuple[float, ...]
    """A list of 1 to 27 numbers from 0, each greater than the one before."""
    bound: int
    """A whole number from 1 to 10000."""
    level: Level
    """One of DEBUG, INFO, WARNING, ERROR, CRITICAL, a level named with logging.addLevelName, or a number from 0 to 100."""
    max_level: Level
    """One of DEBUG, INFO, WARNING, ERROR, CRITICAL, a level named with logging.addLevelName, or a number from 0 to 100."""
    loggers: list[str] | tuple[str, ...]
    """A list of loggers' names, one at least: each names a logger and those below it, or with * (any text) and ? (one character) what it fits."""
    ai: bool
    """True or false."""
    fields_present: list[str] | tuple[str, ...]
    """A list of names of fields, one at least; timestamp, level, logger, message, module, function, line, thread, process, exception, stack, recovered are no fields: `level`, `max_level` and `loggers` select by those."""
    fields_equal: Mapping[str, str | float | bool | None] | None
    """A mapping of names to values."""


class Exceptions(TypedDict, total=False):
    """The keys of `exceptions`."""

    form: Literal["text", "frames", "both"]
    """One of text, frames, both."""
    library_frames: Literal["fold", "keep"]
    """One of fold, keep."""
    locals: bool
    """True or false."""
    application: list[str] | tuple[str, ...]
    """A list of names."""
    libraries: list[str] | tuple[str, ...]
    """A list of names."""


class Keys(TypedDict, total=False):
    """The keys of `keys`."""

    rename: Mapping[str, str] | None
    """A mapping of names to values."""
    omit: list[str] | tuple[str, ...]
    """A list of names."""
    first: list[str] | tuple[str, ...]
    """A list of names."""


class Recorder(TypedDict, total=False):
    """The keys of `recorder`."""

    level: Level
    """One of DEBUG, INFO, WARNING, ERROR, CRITICAL, a level named with logging.addLevelName, or a number from 0 to 100."""
    trigger: Level
    """One of DEBUG, INFO, WARNING, ERROR, CRITICAL, a level named with logging.addLevelName, or a number from 0 to 100."""
    slow: float | str
    """A number of seconds from 0 to 86400, or a text such as '5s', '500ms', '2m' or '1h'."""
    background_rate: float
    """A number from 0 to 1."""
    trace_bytes: int | str
    """A number of bytes from 0, or a text such as '10MB', '64KiB' or '10M' (K, M and G are thousands, Ki, Mi and Gi 1,024s)."""
    bytes: int | str
    """A number of bytes from 0, or a text such as '10MB', '64KiB' or '10M' (K, M and G are thousands, Ki, Mi and Gi 1,024s)."""


class Metrics(TypedDict, total=False):
    """The keys of `metrics`."""

    host: str
    """The name or the address of this host, without a port."""
    port: int
    """A whole number from 0 to 65535; with 0 the system chooses a free port."""
    path: str
    """A path that begins with / and has neither ? nor #."""


class SamplingTraces(TypedDict, total=False):
    """The keys of `traces` in `sampling`."""

    ratio: float
    """A number from 0 to 1."""
    otel_ratio: Literal["consistent", "legacy"]
    """One of consistent, legacy."""
    level: Level
    """One of DEBUG, INFO, WARNING, ERROR, CRITICAL, a level named with logging.addLevelName, or a number from 0 to 100."""


class Sampling(TypedDict, total=False):
    """The keys of `sampling`."""

    rules: list[Mapping[str, Any]] | tuple[Mapping[str, Any], ...]
    """A list of rules."""
    dry_run: bool
    """True or false."""
    max_keys: int
    """A whole number from 16 to 1000000."""
    traces: SamplingTraces | None
    """A mapping of keys to values."""
    enabled: bool
    """True or false."""
    sample_rate: float
    """A number from 0 to 1."""
    level_threshold: Level
    """One of DEBUG, INFO, WARNING, ERROR, CRITICAL, a level named with logging.addLevelName, or a number from 0 to 100."""
    always_sample_paths: list[str] | tuple[str, ...]
    """A list of names."""
    never_sample_paths: list[str] | tuple[str, ...]
    """A list of names."""


class FurtherOptions(TypedDict, total=False):
    """The options of `init_logging` that are given by name only."""

    levels: Mapping[str, Level]
    """Levels of single loggers, beside those in `loggers` of a file. Takes a mapping of loggers' names to levels. Default: {}."""
    overflow: Literal["block", "drop_new", "drop_old", "drop_low"]
    """What happens to records below ERROR when the queue is full. Takes one of block, drop_new, drop_old, drop_low. Default: 'block'."""
    overflow_timeout: float | str
    """How long a call waits for room in the queue, seconds. Takes a number of seconds from 0 to 86400, or a text such as '5s', '500ms', '2m' or '1h'. Default: 5.0 seconds."""
    queue_bytes: int | str
    """Memory that queued records may hold beside the fixed pool, bytes. Takes a number of bytes from 0, or a text such as '10MB', '64KiB' or '10M' (K, M and G are thousands, Ki, Mi and Gi 1,024s). Default: 67108864 (64 MiB)."""
    console_format: Literal["auto", "text", "json", "logfmt", "off", "compact", "full"] | str
    """Console lines for people or machines; auto is text on a terminal, JSON elsewhere. See docs/console.md. Takes one of auto, text, json, logfmt, off, compact, full, or a template with parts such as {time}, {level}, {logger}, {message} and {fields}. Default: 'auto'."""
    fsync: Literal["never", "error", "always"]
    """When a batch is synced to the device before a flush is answered: if it holds ERROR or above, or always. Takes one of never, error, always. Default: 'never'."""
    black_box: Literal["auto", "shm", "dir", "off"]
    """Where records wait that must survive the process: shared memory, beside the logs, or (auto) the better of both. Without log_dir only shm makes one. Takes one of auto, shm, dir, off. Default: 'auto'."""
    black_box_bytes: int | str
    """Size of the black box, bytes; what does not fit is unprotected. Takes a number of bytes from 2 MiB to 1 GiB, or a text such as '10MB', '64MiB' or '64Mi'. Default: 8388608 (8 MiB)."""
    file_mode: str | int
    """Mode of new log files, octal. The umask narrows the default, not a mode that is given. Takes an octal file mode that its owner may write and others may not, such as '640'. Default: '640'."""
    dir_mode: str | int
    """Mode of a new log directory, octal. The umask narrows the default, not a mode that is given. Takes an octal file mode that its owner may write and others may not, such as '640'. Default: '750'."""
    ai_loggers: list[str] | tuple[str, ...]
    """Further loggers (or segments of their names) whose records are AI records. Takes a list of names. Default: ()."""
    legacy_substring: bool
    """Takes 'ai' anywhere in a logger's name for an AI logger. Takes true or false. Default: False."""
    log_uncaught: bool
    """Whether exceptions that nobody caught are logged before the process or thread dies. Takes true or false. Default: True."""
    fault_handler: bool
    """Whether faulthandler writes to faults.txt in the log directory, or to standard error without a directory. Takes true or false. Default: True."""
    native_stdlib: Literal["auto"] | bool
    """Whether the loggers of the standard library log natively where nobody else would see their records: auto unless a debugger is on. Takes auto, true or false. Default: 'auto'."""
    trace_headers: list[str] | tuple[str, ...]
    """Headers that carry a trace, in order of preference: traceparent, b3, x-request-id, or any that holds a trace id. Takes a list of names of HTTP headers. Default: ('traceparent',)."""
    trace_response_header: str
    """Header in which a response names its trace; none sends none. Takes the name of an HTTP header, or none. Default: 'X-Trace-ID'."""
    redaction: Redaction | bool
    """Whether secrets are replaced before anything is written, and which; see docs/redaction.md. Takes true, false, or a mapping. Default: False."""
    redaction_hash_key: str | None
    """Key of the hashes that stand in the place of secrets. Takes a text of 16 characters at least. Default: None."""
    reload_signal: Literal["none", "sighup", "sigusr1", "sigusr2"]
    """The signal at which the configuration file is read again. Takes one of none, sighup, sigusr1, sigusr2. Default: 'none'."""
    watch_config: float | str
    """How often the configuration file is looked at for changes, seconds; 0 never. Takes a number of seconds from 0 to 86400, or a text such as '5s', '500ms', '2m' or '1h'. Default: 0.0 seconds."""
    base_name: str
    """Name under which logging_config makes its loggers. Takes a text that is not empty. Default: 'wechat_backend'."""
    use_unified_logging: bool
    """False serves the same API and files with plain handlers of the standard library. Takes true or false. Default: True."""
    suppress_loggers: list[str] | tuple[str, ...]
    """Loggers that are set to WARNING, unless `levels` or `loggers` of a file give them another level. Takes a list of names. Default: ()."""
    message_style: Literal["%", "{"]
    """How messages of get_logger take their arguments: % as in logging, { as str.format; see docs/messages.md. Takes one of %, {. Default: '%'."""
    console: Literal["stdout", "stderr"]
    """The stream of the console: standard output or standard error. Takes one of stdout, stderr. Default: 'stderr'."""
    outputs: Mapping[str, Output | bool | None]
    """Further outputs by name, and what app, errors, ai and console are to take; see docs/outputs.md. Takes a mapping of outputs' names to what they are. Default: {}."""
    rotate: Rotate | str | int | None
    """When log files are changed for new ones besides their size: at the beginning of each period, or of a program. Takes a period such as daily or '15m', a time of day such as '06:00', off, or a mapping. Default: None."""
    file_names: Literal["numbered", "dated"]
    """Names of rotated files: app.log.1 is the newest, or app-2026-02-19.log by the period of their records. Takes one of numbered, dated. Default: 'numbered'."""
    compress: Literal["off", "gzip", "zstd"]
    """How rotated files are packed, on a thread that leaves processor and disk to all others. Takes one of off, gzip, zstd. Default: 'off'."""
    compress_level: int | None
    """How hard the packing tries: 1 is fastest. By default 3 for zstd and 6 for gzip. Takes a whole number from 1 to 19 for zstd, to 9 for gzip. Default: None."""
    keep: Keep | str | None
    """Which rotated files stay: by number, age and size of each file set and of all, and by what is free on the disk. By default as many as backup_count says. Takes a mapping with files, age, bytes, disk_free and total, or all. Default: None."""
    hold_unshipped: int | str
    """Bytes of rotated files that stay beyond keep, over all files, because a shipper has not taken them yet. An output with a value of its own has so much for its files alone. Takes a number of bytes, a text such as '20GB', or off. Default: 'off'."""
    current_link: bool | str
    """A symbolic link to each current file: app-current.log and so on, or a name for that of app.log alone. Takes true, false, or the name of a link in the log directory, without a path, that has 200 bytes at most and does not begin with a dot. Default: False."""
    processors: Sequence[Callable[[dict[str, Any]], Any] | str]
    """Functions that see each record as a mapping on the calling thread, in this order; see docs/processors.md. Takes a list of functions, or of texts that say where they are: 'package.module:name'. Default: ()."""
    record_metrics: Mapping[str, RecordMetric | bool | None]
    """Metrics that records make, by name: a count, a sum or a histogram, by labels; see docs/metrics.md. Takes a mapping of metrics' names to what they are made of. Default: {}."""
    exceptions: Exceptions
    """What a record has of an exception, and which code is the application's; see docs/errors.md. Takes a mapping. Default: {}."""
    fields: Mapping[str, str | float | bool | None]
    """Fields of the process, such as service, env and version: each record has them; see docs/shapes.md. Takes a mapping of names to texts, numbers, true, false or null. Default: {}."""
    fields_from: list[Literal["otel", "kubernetes", "none"]] | tuple[Literal["otel", "kubernetes", "none"], ...] | str
    """Where further fields of the process are found: the variables of OpenTelemetry, and those of Kubernetes' downward API. Takes a list of otel and kubernetes, or none. Default: ('otel',)."""
    preset: Literal["none", "ecs", "gcp", "datadog", "otel"]
    """The shape of lines of JSON and logfmt that a log store knows. Takes one of none, ecs, gcp, datadog, otel. Default: 'none'."""
    keys: Keys
    """Keys of lines that are renamed, left out or put first; see docs/shapes.md. Takes a mapping with rename, omit and first. Default: {}."""
    time_zone: Literal["utc", "local"] | str
    """The time zone of the stamps in lines of JSON and logfmt. Takes utc, local, or the name of a time zone such as Asia/Shanghai. Default: 'utc'."""
    recorder: Recorder | bool
    """Whether records that would be left out wait with their trace and are written if it fails, and when else; see docs/recorder.md. Takes true, false, or a mapping. Default: False."""
    recorder_secret: str | None
    """What a request has to send in X-Debug-Log to have all records of its trace written. Takes a text of 16 characters at least. Default: None."""
    metrics: Metrics | bool
    """Whether metrics are answered over HTTP, and at which host, port and path; see docs/metrics.md. Takes true, false, or a mapping. Default: False."""
    sampling: Sampling
    """Which records are written where not all of them are; see docs/sampling.md. Takes a mapping. Default: {}."""
    keep_loggers_enabled: bool
    """Whether loggers of get_logger that a configuration of logging disables (disable_existing_loggers) are enabled again. Takes true or false. Default: False."""


class Options(FurtherOptions, total=False):
    """All options of `init_logging`."""

    log_level: Level
    """Level of the root logger: decides whether a record is made. Takes one of DEBUG, INFO, WARNING, ERROR, CRITICAL, a level named with logging.addLevelName, or a number from 0 to 100. Default: 'INFO'."""
    log_dir: str | PathLike[str] | None
    """Directory of the log files, made if missing; none (null) for no files: all records go to the console alone. Takes a path, or none for no directory. Default: 'logs'."""
    queue_size: int
    """Records the queue holds. Takes a whole number from 1 to 10000000. Default: 10000."""
    max_bytes: int | str
    """Size at which app.log and errors.log are rotated, bytes; 0 never. Takes a number of bytes from 0, or a text such as '10MB', '64KiB' or '10M' (K, M and G are thousands, Ki, Mi and Gi 1,024s). Default: 10485760 (10 MiB)."""
    backup_count: int
    """Rotated files kept of app.log and errors.log each; 0 never rotates. Takes a whole number from 0 to 1000000. Default: 7."""
    console_level: Level
    """Least level on the console. Takes one of DEBUG, INFO, WARNING, ERROR, CRITICAL, a level named with logging.addLevelName, or a number from 0 to 100. Default: 'INFO'."""
    file_level: Level
    """Least level in app.log. Takes one of DEBUG, INFO, WARNING, ERROR, CRITICAL, a level named with logging.addLevelName, or a number from 0 to 100. Default: 'DEBUG'."""
    enable_ai_handler: bool
    """Whether AI records go to ai_responses.log too. Takes true or false. Default: True."""
    ai_max_bytes: int | str
    """Size at which ai_responses.log is rotated, bytes; 0 never. Takes a number of bytes from 0, or a text such as '10MB', '64KiB' or '10M' (K, M and G are thousands, Ki, Mi and Gi 1,024s). Default: 104857600 (100 MiB)."""
    ai_backup_count: int
    """Rotated files kept of ai_responses.log; 0 never rotates. Takes a whole number from 0 to 1000000. Default: 30."""
