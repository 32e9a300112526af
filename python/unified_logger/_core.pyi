"""The native core: turns Python objects into records and hands them to the writer."""

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from logging import Handler, LogRecord
from logging import Logger as _StdLogger
from os import PathLike
from types import CodeType, TracebackType
from typing import Any, TypeAlias, final, overload

from typing_extensions import Self

_ExcInfo: TypeAlias = (
    bool
    | BaseException
    | tuple[type[BaseException], BaseException | None, TracebackType | None]
    | tuple[None, None, None]
    | None
)

class Logger:
    """Names a logger and decides by the `logging.Logger` of that name."""

    def __new__(
        cls,
        name: str,
        logger: _StdLogger,
        home: Logger | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> Self: ...
    @property
    def bound_fields(self) -> dict[str, Any]:
        """A copy of the fields that every record of this logger has."""
    @property
    def name(self) -> str:
        """The name."""
    @property
    def logger(self) -> _StdLogger:
        """The `logging.Logger` of the same name, which decides levels for both."""
    def debug(
        self,
        message: object = ...,
        /,
        *args: object,
        exc_info: _ExcInfo = ...,
        stack_info: bool = ...,
        stacklevel: int = ...,
        extra: Mapping[str, object] | None = ...,
        **fields: object,
    ) -> None:
        """Logs at DEBUG."""
    def info(
        self,
        message: object = ...,
        /,
        *args: object,
        exc_info: _ExcInfo = ...,
        stack_info: bool = ...,
        stacklevel: int = ...,
        extra: Mapping[str, object] | None = ...,
        **fields: object,
    ) -> None:
        """Logs at INFO."""
    def warning(
        self,
        message: object = ...,
        /,
        *args: object,
        exc_info: _ExcInfo = ...,
        stack_info: bool = ...,
        stacklevel: int = ...,
        extra: Mapping[str, object] | None = ...,
        **fields: object,
    ) -> None:
        """Logs at WARNING."""
    def error(
        self,
        message: object = ...,
        /,
        *args: object,
        exc_info: _ExcInfo = ...,
        stack_info: bool = ...,
        stacklevel: int = ...,
        extra: Mapping[str, object] | None = ...,
        **fields: object,
    ) -> None:
        """Logs at ERROR."""
    def critical(
        self,
        message: object = ...,
        /,
        *args: object,
        exc_info: _ExcInfo = ...,
        stack_info: bool = ...,
        stacklevel: int = ...,
        extra: Mapping[str, object] | None = ...,
        **fields: object,
    ) -> None:
        """Logs at CRITICAL."""
    def exception(
        self,
        message: object = ...,
        /,
        *args: object,
        exc_info: _ExcInfo = ...,
        stack_info: bool = ...,
        stacklevel: int = ...,
        extra: Mapping[str, object] | None = ...,
        **fields: object,
    ) -> None:
        """Logs at ERROR with the exception being handled."""
    @overload
    def log(
        self,
        level: int | str,
        message: object = ...,
        /,
        *args: object,
        exc_info: _ExcInfo = ...,
        stack_info: bool = ...,
        stacklevel: int = ...,
        extra: Mapping[str, object] | None = ...,
        **fields: object,
    ) -> None:
        """Logs at the level given first."""
    @overload
    def log(
        self,
        *,
        level: int | str,
        msg: object = ...,
        exc_info: _ExcInfo = ...,
        stack_info: bool = ...,
        stacklevel: int = ...,
        extra: Mapping[str, object] | None = ...,
        **fields: object,
    ) -> None:
        """The same by name, as `logging` takes it."""

@final
class Context:
    """Ids and fields, as records get them. Immutable: setting another field makes another context, which may take this one's place."""

    def __new__(
        cls,
        trace_id: str | None,
        span_id: str | None,
        fields: Mapping[str, Any],
        parent_span_id: str | None = None,
        carried: object = None,
        level: int | None = None,
    ) -> Context: ...
    @property
    def trace_id(self) -> str | None: ...
    @property
    def span_id(self) -> str | None: ...
    @property
    def parent_span_id(self) -> str | None: ...
    @property
    def carried(self) -> Any:
        """What goes on to other services, and not into records."""
    @property
    def fields(self) -> dict[str, Any]:
        """A copy of the fields, without the ids."""
    @property
    def level(self) -> int | None:
        """The least level of records made in this context, whatever the levels of their loggers; None leaves it to those."""
    @property
    def now(self) -> Context:
        """The same with what was set within its request since it was made."""

def clear_within(request: Context, held: Context | None, scope: Context) -> None:
    """Forgets what was set within a request since a scope of it began, except what other threads and tasks have set for themselves.

    Args:
        request: The context that the request began with.
        held: What the context variable holds.
        scope: The context that the scope began with.
    """

def context_again(request: Context, held: Context) -> Context:
    """A context of a request once more, for a scope of another thread or task that goes on in it.

    Args:
        request: The context that the request began with.
        held: What the context variable held where it was taken along.

    Returns:
        The context, current nowhere yet.
    """

def context_below(
    request: Context | None,
    held: Context | None,
    trace_id: str | None,
    span_id: str,
    fields: dict[str, Any],
    level: int | None,
) -> Context:
    """A context inside of the current one: a span of its own. In a request it goes on to follow that.

    Args:
        request: The context that the request began with; None outside of one.
        held: What the context variable holds.
        trace_id: Kept verbatim; None keeps the one there is.
        span_id: Kept verbatim.
        fields: They win over outer ones.
        level: The least level of records; None inherits the outer one, if there is one.

    Returns:
        The context, current nowhere yet.
    """

def context_with(
    request: Context | None,
    held: Context | None,
    trace_id: str | None,
    span_id: str | None,
    fields: dict[str, Any],
    for_all: bool,
) -> Context:
    """The current context with more fields, and with the ids that are given.

    Args:
        request: The context that the request began with; None outside of one.
        held: What the context variable holds.
        trace_id: Kept verbatim; None keeps the one there is.
        span_id: Kept verbatim; None keeps the one there is.
        fields: They win over those of the same name.
        for_all: Whether the fields are set for the request's other threads and tasks too, except for those that have set them themselves,
            and so the ids, unless this is a scope with ids of its own.

    Returns:
        What the context variable is to hold.
    """

def leave_stdlib_levels() -> None:
    """Gives the loggers of `logging` their own `isEnabledFor` back, which a context with a level has replaced."""

def current_context() -> Context | None:
    """The current context, whoever has the say: this library, or another whose context is the innermost."""

def new_trace() -> Context:
    """A context of a new trace, without fields."""

def new_trace_id() -> str:
    """A new trace id: 32 hexadecimal digits, not all zero (W3C Trace Context, 3.2.2.3)."""

def new_span_id() -> str:
    """A new span id: 16 hexadecimal digits, not all zero (W3C Trace Context, 3.2.2.4)."""

def set_foreign_context(
    variable: ContextVar[Any] | None, convert: Callable[[Any], Context | None] | None = None
) -> None:
    """Tells the context variable of another tracing library, and what makes a `Context` of its value.

    The innermost of its contexts and ours is current. With None, contexts are this library's alone.
    """

def attach_bound_methods(class_: type[Logger], /) -> None:
    """Gives a class of loggers that have fields of their own its logging methods."""

def context_variable(name: str) -> ContextVar[Any]:
    """A context variable that is None where nobody has set it. Made here, it costs no import of `contextvars`."""

def set_context_variable(variable: ContextVar[Context | None]) -> None:
    """Tells which context variable holds the current context."""

@final
class Redaction:
    """Rules of redaction, compiled."""

    def __new__(cls, spec: dict[str, Any]) -> Redaction:
        """Compiles rules. What is not as it must be raises `ValueError` with key, value and what is allowed."""
    def named(self, message: str, arguments: Any) -> str | None:
        """A message without the secrets that it would take by name from these arguments; None if it stays as it is."""
    def text(self, text: str) -> str:
        """The text without secrets."""
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: object, /) -> Self: ...
    def __reduce__(self) -> tuple[type[Self], tuple[dict[str, Any]]]:
        """What they were made of, the key of hashes included, to be compiled again."""

def formats() -> list[str]:
    """The names of the formats of lines."""

def redaction_patterns() -> list[str]:
    """The names of the patterns that come with the library."""

def redaction_keys() -> list[str]:
    """The names whose values are secrets, without what stands between their words."""

def start(directory: str, settings: dict[str, Any], redaction: Redaction | None, patience: float) -> None:
    """Starts the engine, or replaces the running one without losing a record.

    Args:
        directory: Where the log files are.
        settings: Those of the engine's rooms, as plain values.
        redaction: What must not be written; None leaves every record as it is.
        patience: How many seconds the old engine may take to write what it had accepted.

    Raises:
        OSError: The directory or a file cannot be made or written.
        RuntimeError: The system gives no thread.
        ValueError: A setting is missing, unknown or of another type.
    """

def recover(directory: str) -> dict[str, Any] | None:
    """Writes what processes that died left for a log directory.

    Tells the number of `boxes`, `records` and `damaged` slots, the boxes set `aside` (path, reason), what `failed`, and the directories
    that are `distrusted` (path, reason): another user could have planted boxes there. None while another thread of this process is at it.
    """

def recover_all(ask: Callable[[PathLike[str]], tuple[str, str | None]]) -> dict[str, Any]:
    """Writes what processes of this user that died left in shared memory, each into its own log directory.

    `ask` is called with each of these directories: it gives the path to work in, and why that is refused or None. What it raises ends all.

    Tells what `recover` tells, and in `waiting` the boxes whose directories are not there, or are refused.
    """

@final
class End:
    """Goes with the exit hook to `atexit`: that it is let go of tells the end of the interpreter."""

    def __new__(cls, again: Callable[[], object]) -> End:
        """Has `again` called where the program goes on: to register the hook anew, with another of these."""

def turn_off() -> None:
    """Leaves all records to handlers of `logging`."""

def flush(timeout: float | None = None) -> bool:
    """Waits until everything accepted before is on disk, at most `timeout` seconds."""

def shutdown(timeout: float) -> bool:
    """Writes what is queued and ends the writer, within `timeout` seconds. True when nothing was left unwritten."""

def has_early() -> bool:
    """Whether anything was logged that waits for a start."""

def show_early(redaction: Redaction | None = None) -> None:
    """Shows on standard error what was logged at WARNING and above and never found a start."""

def say(function: str, message: str, level: int, fields: Sequence[tuple[str, int | float | str]]) -> bool:
    """Writes a record of the library's own, whatever the levels of loggers are. False while nobody could write it."""

def count(name: str) -> None:
    """Counts one more of what the facade counts.

    Args:
        name: One of those that `counted` lists.

    Raises:
        ValueError: It is not in the list.
    """

def counted() -> list[tuple[str, str, str, str, str]]:
    """What is counted: group ("", "files" or "console"), name, kind ("counter" or "gauge"), unit and help of each."""

def stats() -> dict[str, Any]:
    """The counts of the process, as plain integers."""

def emit(log_record: LogRecord, ai: bool = False) -> None:
    """Captures a `logging.LogRecord` and hands it over, once. With `ai` it goes to the AI file whatever its logger."""

def encode_record(log_record: LogRecord, redaction: Redaction | None = None) -> str:
    """The line of JSON, without its newline, that a `logging.LogRecord` is in the files, without secrets."""

def merge_record(log_record: LogRecord, redaction: Redaction | None = None) -> tuple[str, dict[str, str]]:
    """The message of a record with its arguments, without secrets, and `$error` and `$args` where these do not fit."""

def merge_by_class(log_record: LogRecord) -> tuple[object, dict[str, str]]:
    """The message of a record as its class merges it, or None, and `$error` and `$args` where it cannot."""

def log_ai(
    logger: Logger, number: int, message: object, fields: Mapping[str, Any], exception: BaseException | None
) -> None:
    """Logs an AI record: goes to the AI file whatever the logger's name."""

def set_listened(function: Callable[..., None]) -> None:
    """Sets the function that logs through `logging` for loggers that others listen to."""

def float_class() -> type[float]:
    """A new class of floats, whose instances have nothing but their value."""

def set_marks(
    mark: type[float],
    captured: type[float],
    kept: type[float],
    mark_captured: Callable[[LogRecord], None],
    tell_sockets: Callable[[], dict[str, Any] | None],
    arrived: Callable[[LogRecord, bool], None],
) -> None:
    """Sets the classes of numbers by which records are known, and what is called.

    That is: for captured records without a plain number, whenever `logging.handlers` has another `SocketHandler`, and for records that
    another process has marked, with a text.
    """

def set_root_handler(handler: Handler | None) -> None:
    """Tells which handler of the root logger brings `logging` records in."""

def set_stdlib_native(on: bool) -> None:
    """Makes loggers of `logging` native, or gives them their own methods back.

    Methods that somebody else put there are left alone.
    """

def set_converter(function: Callable[[Any], Any]) -> None:
    """Sets the function that turns values without a native form into ones that have it."""

def encode_value(value: object) -> str:
    """The JSON a value has in a record."""

def format_exception(exception: BaseException) -> str:
    """The traceback text an exception has in a record."""

def exception_json(exception: BaseException) -> str:
    """The JSON an exception has in a record."""

def prepare_directory(path: str, mode: tuple[int, bool]) -> None:
    """Makes a log directory unless it is there, and makes sure that files can be made in it."""

def open_log(path: str, mode: tuple[int, bool], before: int | None = None) -> int:
    """Opens a log file for appending, as the engine opens its own, and gives its descriptor, the caller's to close.

    A file that is made gets user, group and no wider mode than the one whose descriptor is `before`.
    """

@final
class LogFile:
    """A log file for those who write to its descriptor. It is closed with its last reference, unless the program has given its number to another.

    Args:
        path: Where it lies.
        mode: Mode of a new file, and whether an option asked for it.

    Raises:
        OSError: The file cannot be opened, or is no file.
    """

    def __new__(cls, path: str, mode: tuple[int, bool]) -> LogFile: ...
    def fileno(self) -> int:
        """What is written to."""

    def flush(self) -> None:
        """Nothing is held back here."""

    def watch(self, lost: Callable[[], object]) -> None:
        """Has `lost` called, on the main thread, once the number leads elsewhere: that is looked for every few seconds."""

def escape_text(text: str) -> str:
    """A text as it is shown to people: on one line, and harmless for a terminal."""

def internals() -> dict[str, bool]:
    """What is read of the interpreter though it is not promised, and whether it is as known; what is not is asked for."""

def mark_wrapper(code: CodeType) -> None:
    """Marks a function as a wrapper of logging calls: records name its caller."""

def set_clock(time: int | None) -> None:
    """Stops the clock of records at `time` (nanoseconds since the epoch), or lets it run with None."""

def set_asked_time(function: Callable[[], int]) -> None:
    """Sets the function that tells what `time` says, in nanoseconds since the epoch, where packages that move clocks are loaded."""

def before_fork() -> None: ...
def after_fork_in_parent(soon: list[Callable[[], object]] | None = None) -> None:
    """Goes on writing, and calls the functions of `soon` as soon as the fork is over for the parent."""

def after_fork_in_child() -> None: ...
