"""The native core: turns Python objects into records and hands them to the writer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from logging import Handler, LogRecord
from logging import Logger as _StdLogger
from os import PathLike
from types import CodeType, TracebackType
from typing import Any, Literal, TypeAlias, final, overload

from typing_extensions import Self

from .typing import Level

_ExcInfo: TypeAlias = (
    bool
    | BaseException
    | tuple[type[BaseException], BaseException | None, TracebackType | None]
    | tuple[None, None, None]
    | None
)

class Logger:
    """A native logger. The `logging.Logger` of the same name decides on levels."""

    def __new__(
        cls,
        name: str,
        logger: _StdLogger,
        home: Logger | None = None,
        fields: Mapping[str, Any] | None = None,
        style: str | None = None,
    ) -> Self: ...
    @property
    def style(self) -> Literal["%", "{"] | None:
        """How messages take their arguments, if that was said for this logger."""
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
        message: object = "",
        /,
        *args: object,
        exc_info: _ExcInfo = None,
        stack_info: bool = False,
        stacklevel: int = 1,
        extra: Mapping[str, object] | None = None,
        **fields: object,
    ) -> None:
        """Logs at DEBUG.

        Args:
            message: What happened; with arguments, a %-style template. By name it is `msg`, as in `logging`.
            *args: Arguments of the template, or one mapping for a template with names.
            exc_info: The exception of the record: an exception, a tuple of `sys.exc_info`, or True for the one being handled.
            stack_info: Whether the record has the stack of the call.
            stacklevel: Which caller the record names: 1 is the function that calls this method, 2 the caller of that function.
            extra: Further fields, as a mapping.
            **fields: Fields of the record, of any type.
        """
    def info(
        self,
        message: object = "",
        /,
        *args: object,
        exc_info: _ExcInfo = None,
        stack_info: bool = False,
        stacklevel: int = 1,
        extra: Mapping[str, object] | None = None,
        **fields: object,
    ) -> None:
        """Logs at INFO.

        Args:
            message: What happened; with arguments, a %-style template. By name it is `msg`, as in `logging`.
            *args: Arguments of the template, or one mapping for a template with names.
            exc_info: The exception of the record: an exception, a tuple of `sys.exc_info`, or True for the one being handled.
            stack_info: Whether the record has the stack of the call.
            stacklevel: Which caller the record names: 1 is the function that calls this method, 2 the caller of that function.
            extra: Further fields, as a mapping.
            **fields: Fields of the record, of any type.
        """
    def warning(
        self,
        message: object = "",
        /,
        *args: object,
        exc_info: _ExcInfo = None,
        stack_info: bool = False,
        stacklevel: int = 1,
        extra: Mapping[str, object] | None = None,
        **fields: object,
    ) -> None:
        """Logs at WARNING.

        Args:
            message: What happened; with arguments, a %-style template. By name it is `msg`, as in `logging`.
            *args: Arguments of the template, or one mapping for a template with names.
            exc_info: The exception of the record: an exception, a tuple of `sys.exc_info`, or True for the one being handled.
            stack_info: Whether the record has the stack of the call.
            stacklevel: Which caller the record names: 1 is the function that calls this method, 2 the caller of that function.
            extra: Further fields, as a mapping.
            **fields: Fields of the record, of any type.
        """
    def error(
        self,
        message: object = "",
        /,
        *args: object,
        exc_info: _ExcInfo = None,
        stack_info: bool = False,
        stacklevel: int = 1,
        extra: Mapping[str, object] | None = None,
        **fields: object,
    ) -> None:
        """Logs at ERROR.

        Args:
            message: What happened; with arguments, a %-style template. By name it is `msg`, as in `logging`.
            *args: Arguments of the template, or one mapping for a template with names.
            exc_info: The exception of the record: an exception, a tuple of `sys.exc_info`, or True for the one being handled.
            stack_info: Whether the record has the stack of the call.
            stacklevel: Which caller the record names: 1 is the function that calls this method, 2 the caller of that function.
            extra: Further fields, as a mapping.
            **fields: Fields of the record, of any type.
        """
    def critical(
        self,
        message: object = "",
        /,
        *args: object,
        exc_info: _ExcInfo = None,
        stack_info: bool = False,
        stacklevel: int = 1,
        extra: Mapping[str, object] | None = None,
        **fields: object,
    ) -> None:
        """Logs at CRITICAL.

        Args:
            message: What happened; with arguments, a %-style template. By name it is `msg`, as in `logging`.
            *args: Arguments of the template, or one mapping for a template with names.
            exc_info: The exception of the record: an exception, a tuple of `sys.exc_info`, or True for the one being handled.
            stack_info: Whether the record has the stack of the call.
            stacklevel: Which caller the record names: 1 is the function that calls this method, 2 the caller of that function.
            extra: Further fields, as a mapping.
            **fields: Fields of the record, of any type.
        """
    def exception(
        self,
        message: object = "",
        /,
        *args: object,
        exc_info: _ExcInfo = True,
        stack_info: bool = False,
        stacklevel: int = 1,
        extra: Mapping[str, object] | None = None,
        **fields: object,
    ) -> None:
        """Logs at ERROR with the exception being handled.

        Args:
            message: What happened; with arguments, a %-style template. By name it is `msg`, as in `logging`.
            *args: Arguments of the template, or one mapping for a template with names.
            exc_info: The exception of the record: an exception, a tuple of `sys.exc_info`, or True for the one being handled.
            stack_info: Whether the record has the stack of the call.
            stacklevel: Which caller the record names: 1 is the function that calls this method, 2 the caller of that function.
            extra: Further fields, as a mapping.
            **fields: Fields of the record, of any type.
        """
    def warn(
        self,
        message: object = "",
        /,
        *args: object,
        exc_info: _ExcInfo = None,
        stack_info: bool = False,
        stacklevel: int = 1,
        extra: Mapping[str, object] | None = None,
        **fields: object,
    ) -> None:
        """Logs at WARNING.

        Args:
            message: What happened; with arguments, a %-style template. By name it is `msg`, as in `logging`.
            *args: Arguments of the template, or one mapping for a template with names.
            exc_info: The exception of the record: an exception, a tuple of `sys.exc_info`, or True for the one being handled.
            stack_info: Whether the record has the stack of the call.
            stacklevel: Which caller the record names: 1 is the function that calls this method, 2 the caller of that function.
            extra: Further fields, as a mapping.
            **fields: Fields of the record, of any type.
        """
    def fatal(
        self,
        message: object = "",
        /,
        *args: object,
        exc_info: _ExcInfo = None,
        stack_info: bool = False,
        stacklevel: int = 1,
        extra: Mapping[str, object] | None = None,
        **fields: object,
    ) -> None:
        """Logs at CRITICAL.

        Args:
            message: What happened; with arguments, a %-style template. By name it is `msg`, as in `logging`.
            *args: Arguments of the template, or one mapping for a template with names.
            exc_info: The exception of the record: an exception, a tuple of `sys.exc_info`, or True for the one being handled.
            stack_info: Whether the record has the stack of the call.
            stacklevel: Which caller the record names: 1 is the function that calls this method, 2 the caller of that function.
            extra: Further fields, as a mapping.
            **fields: Fields of the record, of any type.
        """
    @overload
    def log(
        self,
        level: Level,
        message: object = "",
        /,
        *args: object,
        exc_info: _ExcInfo = None,
        stack_info: bool = False,
        stacklevel: int = 1,
        extra: Mapping[str, object] | None = None,
        **fields: object,
    ) -> None:
        """Logs at the level given first.

        Args:
            level: By number or name.
            message: What happened; with arguments, a %-style template. By name it is `msg`, as in `logging`.
            *args: Arguments of the template, or one mapping for a template with names.
            exc_info: The exception of the record: an exception, a tuple of `sys.exc_info`, or True for the one being handled.
            stack_info: Whether the record has the stack of the call.
            stacklevel: Which caller the record names: 1 is the function that calls this method, 2 the caller of that function.
            extra: Further fields, as a mapping.
            **fields: Fields of the record, of any type.
        """
    @overload
    def log(
        self,
        *,
        level: Level,
        msg: object = "",
        exc_info: _ExcInfo = None,
        stack_info: bool = False,
        stacklevel: int = 1,
        extra: Mapping[str, object] | None = None,
        **fields: object,
    ) -> None:
        """Logs at a level, with arguments by name, as in `logging`."""

@final
class Context:
    """Ids and fields, as records get them. It never changes: setting a field makes another context, which may replace this one."""

    def __new__(
        cls,
        trace_id: str | None,
        span_id: str | None,
        fields: Mapping[str, Any],
        parent_span_id: str | None = None,
        carried: object = None,
        level: int | None = None,
        sampling: tuple[int, str | None, float] | None = None,
        is_random: bool = False,
    ) -> Context: ...
    @property
    def trace_id(self) -> str | None: ...
    @property
    def span_id(self) -> str | None: ...
    @property
    def parent_span_id(self) -> str | None: ...
    @property
    def carried(self) -> Any:
        """What is sent on to other services, and is in no record."""
    @property
    def fields(self) -> dict[str, Any]:
        """A copy of the fields, without the ids."""
    @property
    def level(self) -> int | None:
        """The least level of records in this context, whatever the levels of their loggers; None leaves it to the loggers."""
    @property
    def sampling(self) -> tuple[int, str | None, float] | None:
        """The decision on its trace, None while traces are not sampled: flags, the threshold if it is known, how many it stands for."""
    @property
    def sent(self) -> tuple[int, str] | None:
        """Trace flags and `tracestate` that tell other services of the decision; None while traces are not sampled."""
    @property
    def now(self) -> Context:
        """This context, with what its request has set since it was made."""

def clear_within(request: Context, held: Context | None, scope: Context) -> None:
    """Forgets what a request has set since one of its scopes began, except what other threads and tasks have set for themselves.

    Args:
        request: The first context of the request.
        held: The value of the context variable.
        scope: The first context of the scope.
    """

def context_again(request: Context, held: Context) -> Context:
    """A context of a request again, for a scope of another thread or task that continues the request.

    Args:
        request: The first context of the request.
        held: The value of the context variable in the first thread or task.

    Returns:
        The context, not current anywhere yet.
    """

def remember_context(context: Context) -> Context:
    """What is remembered of a context that an exception has left: ids and fields as records get them, and no objects of the program.

    Args:
        context: The context.

    Returns:
        A context for `recall_context`. Nothing that is recorded of the trace waits for it.
    """

def recall_context(context: Context) -> Context:
    """A remembered context again, with what is recorded of its trace by now.

    Args:
        context: As `remember_context` made it.

    Returns:
        The context, not current anywhere yet. Its `fields` are empty; its records have them.
    """

def context_below(
    request: Context | None,
    held: Context | None,
    trace_id: str | None,
    span_id: str,
    fields: dict[str, Any],
    level: int | None,
) -> Context:
    """A context inside the current one: a span of its own. In a request it follows later changes of the request.

    Args:
        request: The first context of the request; None outside a request.
        held: The value of the context variable.
        trace_id: Kept as it is; None keeps the present one.
        span_id: Kept as it is.
        fields: They win over outer ones.
        level: The least level of records; None inherits the outer level, if there is one.

    Returns:
        The context, not current anywhere yet.
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
        request: The first context of the request; None outside a request.
        held: The value of the context variable.
        trace_id: Kept as it is; None keeps the present one.
        span_id: Kept as it is; None keeps the present one.
        fields: They win over fields of the same name.
        for_all: Whether the fields are set for other threads and tasks of the request too, unless they have set the same fields themselves.
            That holds for the ids too, unless this is a scope with ids of its own.

    Returns:
        The new value of the context variable.
    """

def leave_stdlib_levels() -> None:
    """Restores `isEnabledFor` of the loggers of `logging`, which a context with a level has replaced."""

def current_context() -> Context | None:
    """The current context: this library's, or that of another tracing library if it is the innermost."""

def new_trace() -> Context:
    """A context of a new trace, without fields."""

def new_trace_id() -> str:
    """A new trace id: 32 hexadecimal digits, not all zero (W3C Trace Context, 3.2.2.3)."""

def new_span_id() -> str:
    """A new span id: 16 hexadecimal digits, not all zero (W3C Trace Context, 3.2.2.4)."""

def set_foreign_context(
    variable: ContextVar[Any] | None, convert: Callable[[Any], Context | None] | None = None
) -> None:
    """Sets the context variable of another tracing library, and the function that makes a `Context` of its value.

    The innermost of that library's contexts and this library's is current. With None, only this library's contexts count.
    """

def add_level(name: str, number: int, method: str) -> None:
    """Gives loggers a method for a level.

    Args:
        name: The name in records.
        number: The level's number.
        method: The method's name.

    Raises:
        ValueError: There are too many such levels.
    """

def set_message_style(style: str) -> None:
    """Sets the style of the messages of all loggers that have none of their own.

    Args:
        style: "%" or "{".

    Raises:
        ValueError: There is no such style.
    """

def attach_bound_methods(class_: type[Logger], /) -> None:
    """Gives the class of bound loggers its logging methods."""

def context_variable(name: str) -> ContextVar[Any]:
    """A context variable that is None until it is set. Made here, it needs no import of `contextvars`."""

def set_context_variable(variable: ContextVar[Context | None]) -> None:
    """Sets the context variable that holds the current context."""

@final
class Redaction:
    """Rules of redaction, compiled."""

    def __new__(cls, spec: dict[str, Any]) -> Redaction:
        """Compiles rules. A wrong rule raises `ValueError` with key, value and what is allowed."""
    def named(self, message: str, arguments: Any) -> str | None:
        """A message with markers for the secrets that it would take by name from these arguments; None if it takes none."""
    def text(self, text: str) -> str:
        """The text without secrets."""
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: object, /) -> Self: ...
    def __reduce__(self) -> tuple[type[Self], tuple[dict[str, Any]]]:
        """The rules before they were compiled, with the key of hashes."""

def reserved_keys() -> list[str]:
    """The keys of a record itself, which no field gets."""

def formats() -> list[str]:
    """The names of the formats of lines."""

def presets() -> list[str]:
    """The names of the presets of lines."""

def short_name(name: str) -> str:
    """The short name of a field of the process, by which presets know it; any other name stays as it is."""

def is_rotated(current: str, name: str) -> bool:
    """Whether a name is that of a rotated file of another.

    Args:
        current: The name of the current file.
        name: The name that is asked about.
    """

def is_time_zone(name: str) -> bool:
    """Whether there is a time zone of this name: 'utc', 'local', or one of the database."""

def check_lines(shape: Mapping[str, Any], fields: Iterable[tuple[str, Any]]) -> tuple[list[str], str, str] | None:
    """Checks the shape of lines, for a process with these fields. Returns the path, the value and what is allowed of what is wrong."""

def set_lines(shape: Mapping[str, Any], fields: Iterable[tuple[str, Any]]) -> None:
    """Sets what lines look like from now on that are encoded one by one."""

def templates() -> list[str]:
    """The names of templates of text."""

def template_parts() -> list[str]:
    """The names of the parts of templates."""

def check_template(text: str) -> tuple[int, str, str | None] | None:
    """What is wrong with a template: the character from 1, why, and the name of a part that there is not. None if nothing is."""

def redaction_patterns() -> list[str]:
    """The names of the patterns that come with the library."""

def redaction_keys() -> list[str]:
    """The names whose values are secrets, without separators between their words."""

def start(directory: str | None, settings: dict[str, Any], redaction: Redaction | None, patience: float) -> None:
    """Starts the engine, or replaces the running one without losing a record.

    Args:
        directory: The log directory; None writes no file.
        settings: The settings of the engine's rooms, as simple values.
        redaction: The rules of redaction; None leaves every record as it is.
        patience: How many seconds the old engine may take to write what it had accepted.

    Raises:
        OSError: The directory or a file cannot be made or written.
        RuntimeError: The system cannot start a thread.
        ValueError: A setting is missing, unknown or of another type.
    """

def recover(directory: str, copied: bool = False) -> dict[str, Any] | None:
    """Writes the records that dead processes left for a log directory.

    With `copied` the directory was copied from another machine: numbers of processes and the times at which these began say nothing here.

    Returns the number of `boxes`, `records` and `damaged` slots, the boxes set `aside` (path, reason), what `failed`, and the `distrusted`
    directories (path, reason), in which another user could have planted boxes. Returns None while another thread of this process recovers.
    """

def recover_all(ask: Callable[[PathLike[str]], tuple[str, str | None]]) -> dict[str, Any]:
    """Writes the records that dead processes of this user left in shared memory, each into its own log directory.

    Those of processes without a log directory go to the standard streams of this process.

    `ask` is called with each of these directories. It returns the path to work in, and the reason if that is refused, or None. An exception
    of `ask` ends the recovery.

    Returns the same as `recover`, and in `waiting` the boxes whose directories are missing or refused.
    """

def directory_metrics(directory: str | None, open_metrics: bool) -> tuple[str, list[str]]:
    """What all processes of a log directory have counted, as text in the format of Prometheus or in OpenMetrics, and what could not be read.

    Without a directory it is what this process has counted since it began to log to its present directory.
    """

def retention(directory: str, settings: dict[str, Any], dry_run: bool) -> dict[str, Any] | None:
    """Deletes the rotated files of a log directory that no bound keeps, or says which these are.

    `settings` is the dictionary that `start` takes. With `dry_run` nothing is written.

    Returns the files that `goes`, are `held` for a shipper and `stays`, each with its `file`, `set`, `generation`, `bytes`, `rule` and whether it is
    `shipped`; the `foreign` names, what `failed`, whether the directory `has_targets`, and whether its catalogue `is_of_later_version`. Returns None while
    another process does it, or where only the owner of the directory may.
    """

@final
class End:
    """An object that only `atexit` holds, beside the exit hook. When it is released, all exit hooks have run."""

    def __new__(cls, again: Callable[[], object]) -> End:
        """Sets the function that is called if the program continues: it registers the hook again, with another of these."""

def turn_off(redaction: Redaction | None = None) -> None:
    """Leaves all records to handlers of `logging`.

    Args:
        redaction: The rules of these handlers.
    """

def flush(timeout: float | None = None) -> bool:
    """Waits until everything accepted before is on disk, at most `timeout` seconds. Returns whether it is."""

def rotate(timeout: float | None = None, spared: float = 0.0) -> bool:
    """Changes all log files that have records for new ones, within `timeout` seconds. Returns whether that is done.

    Args:
        timeout: Seconds; None tries once.
        spared: Files that were changed within this time stay, seconds.
    """

def shutdown(timeout: float) -> bool:
    """Writes what is queued and ends the writer, within `timeout` seconds. Returns whether everything is written."""

def has_early() -> bool:
    """Whether early records wait for a start."""

def show_early(redaction: Redaction | None = None) -> None:
    """Prints early records of WARNING and above on standard error, if no start has delivered them."""

def say(function: str, message: str, level: int, fields: Sequence[tuple[str, int | float | str]]) -> bool:
    """Writes a notice, whatever the levels of loggers are. Returns False if there is no engine to write it."""

def count(name: str) -> None:
    """Adds one to a count of the facade.

    Args:
        name: A name that `counted` lists.

    Raises:
        ValueError: It is not in the list.
    """

@final
class ReadRecord:
    """A record as it stands in a file."""

    @property
    def raw(self) -> bytes:
        """The bytes of the line, without its newline."""

    @property
    def nanoseconds(self) -> int | None:
        """The time in nanoseconds since 1970 UTC; None where none can be read."""

    @property
    def level(self) -> str | None:
        """The name of the level, as the line has it."""

    @property
    def logger(self) -> str | None:
        """The name of the logger."""

    @property
    def trace_id(self) -> str | None:
        """The id of the trace, as the line has it."""

    @property
    def file(self) -> str:
        """The name of the file that it was read from."""

    @property
    def place(self) -> tuple[str, int | None, int, int | None, str]:
        """Set, generation, offset, sequence, and the text of the position behind it."""

@final
class LogFiles:
    """A reader of log files."""

    def __new__(
        cls,
        directory: str,
        files: list[str],
        times: tuple[int | None, int | None],
        level: int | None,
        levels: list[tuple[str, int]],
        loggers: list[str],
        trace: str | None,
        text: str | None,
        after: list[str],
        follow: bool,
        keys: tuple[str, str, str, str, str] | None,
        questions: list[Query],
        unique: bool,
    ) -> Self:
        """Finds the files. Conditions of questions leave lines out. A line of several sets comes once if it is to be unique."""

    def read(self, patience: float) -> tuple[list[ReadRecord], bool, bool]:
        """The next records, which are waited for at most so many seconds, whether none will come after them, and whether the search goes on."""

    @property
    def has_unread(self) -> bool:
        """Whether something could not be read, as a remark has said."""

    def remarks(self) -> list[str]:
        """What was noticed since the last call and could be done without."""

    def close(self) -> None:
        """Closes the files."""

@final
class Query:
    """A question about records, and the answer so far."""

    def __new__(cls, text: str, is_utc: bool, levels: list[tuple[str, int]]) -> Self:
        """Reads a question. Raises ValueError with what is wrong, and with the first and the last character of the place."""

    @property
    def gives_lines(self) -> bool:
        """Whether records come out, and no table."""

    @property
    def waits(self) -> bool:
        """Whether records come out that have to wait for all others."""

    @property
    def is_filter(self) -> bool:
        """Whether it has conditions and no stages."""

    @property
    def hints(self) -> tuple[int | None, int | None, int | None, str | None, str | None, str | None]:
        """What a reader can leave out early: first time, the time before which records end, least level, logger, trace and text."""

    def ask(self, files: LogFiles, patience: float) -> tuple[list[bytes], bool, bool]:
        """Asks the next records. The lines that have come out, whether the answer is whole, and whether there is more to be searched now."""

    def last_lines(self) -> list[bytes]:
        """The lines that had to wait for all others."""

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """The table as it is now: its columns and its rows. Times are in UTC."""

    def told(self) -> tuple[int, int, list[str]]:
        """How many records were asked, how many came through, and what the answer lacks, in sentences."""

def survey_files(
    directory: str, sets: list[str], times: str | None
) -> tuple[
    list[tuple[str, str, int, int, int, tuple[int, int] | None, dict[str, int], dict[str, int], bool]],
    int,
    list[tuple[int, dict[str, int]]],
    list[str],
]:
    """What the files of a log directory hold: from indices where there are some.

    Args:
        directory: The directory.
        sets: The names of sets; none for all.
        times: The set whose records are told by time; None for none.

    Returns:
        Of each file its set, name, lines, bytes, stored bytes, first and last time, records by level and by logger, and whether an index told it. The
        length of spans of time, and the records by level of each span by its beginning; both in nanoseconds. What was noticed.

    Raises:
        OSError: The directory cannot be read.
    """

@final
class LogText:
    """Shows records of log files."""

    def __new__(
        cls,
        directory: str,
        files: list[str],
        wanted: tuple[int | None, int | None, int | None, list[str], str | None, bool],
        follow: bool,
        last: int | None,
        reverse: bool,
        unique: bool,
        look: tuple[str, bool, bool, int | None, bool, bool, list[str]],
        questions: list[Query],
    ) -> Self:
        """Finds the files."""

    def head(self) -> bytes:
        """What stands above the first record."""

    def read(self, patience: float) -> tuple[bytes, int, bool, bool]:
        """The text of the next records, how many they are, whether none will come after them, and whether the search goes on."""

    @property
    def has_unread(self) -> bool:
        """Whether something could not be read, as a remark has said."""

    def remarks(self) -> list[str]:
        """What was noticed since the last call and could be done without."""

    def close(self) -> None:
        """Closes the files."""

@final
class PipedText:
    """Shows lines that come as bytes."""

    def __new__(
        cls,
        wanted: tuple[int | None, int | None, int | None, list[str], str | None, bool],
        last: int | None,
        look: tuple[str, bool, bool, int | None, bool, bool, list[str]],
        questions: list[Query],
    ) -> Self:
        """Without `last`, lines are shown as they come."""

    def head(self) -> bytes:
        """What stands above the first line."""

    def feed(self, piece: bytes) -> tuple[bytes, int]:
        """Takes bytes, and gives the text of the wanted lines that they end, and how many these are. No bytes are the end."""

    def remarks(self) -> list[str]:
        """What was noticed since the last call."""

def check_file(
    directory: str,
    name: str,
    expected: tuple[int, int | None, tuple[int, int] | None] | None,
    tell: Callable[[int], object],
) -> dict[str, Any]:
    """Reads all of a log file, and says what is wrong with it.

    Args:
        directory: The directory.
        name: The name of the file in it.
        expected: What the catalogue knows of it: its generation, its bytes, unpacked, and the numbers of its first record and of the one after its
            last. None if that is nothing.
        tell: Is called with the bytes of each part that was read. An exception of it ends the check.

    Returns:
        `kind` (plain, gzip or zstd), what its parts are `known_by`, how many `parts`, `lines`, `bytes` and `stored_bytes` it has, the `form` of its
        lines (json, logfmt, text or empty), whether it `has_index`, its `sequence`, the first `faults` and their `fault_count`, and how many lines
        were too long to be checked (`passed`). A fault says what is wrong, at which line, offset and part, and whether it costs no record.

    Raises:
        OSError: The file cannot be read at all.
    """

def file_ends(path: str) -> dict[str, Any]:
    """What the beginning and the end of a log file tell, without reading the rest.

    Returns the `stored_bytes`, the times of the `first` and the `last` record in nanoseconds, the bytes of a `torn` line at the end, how many `lines`
    were looked at, how many of these are no records (`foreign`), and an `example` of these.

    Raises:
        OSError: The file cannot be read.
    """

def known_files(directory: str, with_indices: bool) -> tuple[str | None, bool, list[dict[str, Any]]]:
    """What the catalogue of a log directory tells: why it tells nothing, whether it is missing, and its files, the oldest first.

    A file has `generation`, `set`, `name`, when it was `made` and `closed` (seconds), `bytes` and `sequence`. Its `index` is None where there is
    none or it cannot be used; `index_fault` says why it cannot. An index has
    `lines`, `bytes`, `stored_bytes`, `times`, and by how much times step back between its parts (`step_back`, nanoseconds).
    """

def black_boxes(directory: str) -> tuple[list[dict[str, Any]], list[tuple[str, str, bool]]]:
    """The black boxes that other processes have for a log directory, and the places that are not looked at.

    A box has its `path` and its `bytes`. Its `owner` is alive, dead, distrusted, making or aside. `process` and `started` (nanoseconds) tell whose
    it is. `records` is how many a dead process has left. `shared_memory` says where it lies. `directory` and `outputs` (JSON) are those of its process.
    A place has a reason, and whether that is to be expected.
    """

def select_refusals(selector: Mapping[str, Any], ai: Mapping[str, Any], logger: str, level: int) -> list[str]:
    """Which keys of an output's selector keep records of a logger and a level out, as far as these two decide.

    Args:
        selector: What the output selects, as `start` takes it.
        ai: Which loggers are those of AI, as `start` takes it.
        logger: The name of the logger.
        level: The number of the level.

    Raises:
        ValueError: The selector is none.
    """

def named_levels(directory: str) -> list[tuple[str, int]]:
    """The levels that the programs of a directory have noted, with their numbers."""

def level_number(directory: str, name: str) -> int | None:
    """The number of a level by its name: a standard one, or one that the programs of a directory have noted."""

def read_position(text: str) -> tuple[str, int | None, int, int | None]:
    """The parts of a position, of its text: set, generation, offset and sequence."""

@final
class HandedRecords:
    """Records for a function of the program, as an iterator. To ask for the next one says that the function has returned."""

    def __iter__(self) -> HandedRecords:
        """Itself."""

    def __next__(self) -> str:
        """The lines of the next record, without the last newline."""

def next_records(name: str, timeout: float) -> HandedRecords | None:
    """Waits for records for the function of an output, at most `timeout` seconds."""

def wake_function(name: str) -> None:
    """Lets `next_records` of an output return at once."""

def count_failed(name: str) -> None:
    """Counts a record for which the function of an output has raised."""

def function_threads() -> str:
    """The beginning of the names of threads that call functions: what they log goes to no function."""

def counted() -> list[tuple[str, str, str, str, str]]:
    """The list of counts: group ("", "files", "console" or "sinks"), name, kind ("counter" or "gauge"), unit and help of each."""

def stats() -> dict[str, Any]:
    """The counts of the process, as plain integers."""

def emit(log_record: LogRecord, ai: bool = False) -> None:
    """Captures a `logging.LogRecord`, once. With `ai` it goes to the AI file, whatever its logger."""

def encode_record(
    log_record: LogRecord, redaction: Redaction | None = None, as_configured: bool = False, text: str | None = None
) -> str:
    """The line of a `logging.LogRecord`: JSON, without its newline and without secrets; or its lines as text, which `text` has the settings of.

    It is as the last start has configured it, or has the record's own keys and nothing of the process.
    """

def with_and_without_secrets(log_record: LogRecord, rules: Redaction) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """What the files have of a record, with its secrets and without; None if it has none. It counts nothing."""

def merge_record(log_record: LogRecord, redaction: Redaction | None = None) -> tuple[str, dict[str, str]]:
    """The message of a record with its arguments, without secrets; and `$error` and `$args` if these do not fit."""

def merge_by_class(log_record: LogRecord) -> tuple[object, dict[str, str]]:
    """The message of a record as its class merges it; if that fails, None, with `$error` and `$args`."""

def log_ai(
    logger: Logger, number: int, message: object, fields: Mapping[str, Any], exception: BaseException | None
) -> None:
    """Logs an AI record, which goes to the AI file whatever the logger's name."""

def set_processors(processors: tuple[Callable[[dict[str, Any]], object], ...]) -> None:
    """Sets the functions that see each call as a mapping before it is captured; none turns them off."""

def set_listened(function: Callable[..., None]) -> None:
    """Sets the function that logs through `logging` for loggers that others listen to."""

@final
class KeptRecords:
    """The last records of a scope of Sentry's SDK."""

    def __new__(cls, most: int) -> Self: ...
    def take(self) -> list[tuple[int, str]]:
        """Takes the records out, the oldest first: the number of each one's level, and its line without secrets."""

def set_keeper(scope: ContextVar[Any], class_: type, prepare: Callable[[], KeptRecords]) -> None:
    """Sets where records are kept: the variable with the scope, the class of its list, and what gives a scope such a list."""

def set_notice(function: Callable[[_StdLogger, bool, bool], bool]) -> None:
    """Sets the function that is told of a logger that is disabled, or whose records do not come to the root handler.

    It is called with the logger, whether it is disabled, and whether the call was one of `get_logger`'s. It returns whether it has changed that.
    """

def set_request_path_variable(variable: ContextVar[str | None] | None) -> None: ...
def set_recorder(
    least: int | None,
    trigger: int = 40,
    slow: float | None = None,
    background_rate: float = 0.0,
    trace_bytes: int = 0,
    most_bytes: int = 0,
) -> None:
    """Sets what is recorded of traces that begin from now on.

    Args:
        least: Records from this level on wait with their trace if their own level would leave them out; None records nothing.
        trigger: A record from this level on has its trace written.
        slow: A trace that takes so many seconds is written; None for no such time.
        background_rate: The share of the other traces that is written, from 0 to 1.
        trace_bytes: What the records of one trace hold at most, bytes.
        most_bytes: What those of all traces hold at most, bytes.
    """

def enter_recording(context: Context, outer: Context | None = None) -> bool:
    """Notes a scope in which a context's trace runs.

    Args:
        context: The context.
        outer: The context around it, if that is one of a scope.

    Returns:
        Whether it was noted. False where nothing is recorded, and in a scope of the same trace.
    """

def leave_recording(context: Context, failed: bool, inside: Context | None = None) -> None:
    """Notes that such a scope is left. What is recorded is written if the trace fails, was slow or is one to compare with.

    Args:
        context: The context of the scope.
        failed: Whether an exception leaves it.
        inside: The context in which it is left, which may have got another trace.
    """

def write_recording(context: Context, reason: str | None = None) -> bool:
    """Writes what is recorded of a trace, and has the rest of it written at once.

    Args:
        context: A context of the trace.
        reason: Why, for the record that tells of it; None for no such record.

    Returns:
        Whether the trace is recorded.
    """

def set_trace_sampling(otel_ratio: str | None, ratio: float, level: int) -> None:
    """Sets how traces that begin from now on are sampled.

    Args:
        otel_ratio: How they are chosen: `consistent` or `legacy`; None samples none.
        ratio: The share of traces that is sampled, from 0 to 1.
        level: Records from this level on are written whatever their trace.
    """

def set_wrappers(function: Callable[[str, object], object]) -> None:
    """Sets the function that says what a function needs that has replaced one of `logging`: see `stdlib.wrappers`."""

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
    """Sets the classes of the marks of records, and three functions.

    `mark_captured` is called for captured records whose number is not a `float` itself. `tell_sockets` is called when `logging.handlers` has
    another `SocketHandler`. `arrived` is called for a record that another process has marked (its mark is a text).
    """

def set_root_handler(handler: Handler | None) -> None:
    """Sets the handler of the root logger that brings in the records of `logging`."""

def set_stdlib_native(on: bool) -> None:
    """Makes loggers of `logging` native, or restores their own methods.

    Methods that other code has patched are left alone.
    """

def stdlib_native_levels(logger: _StdLogger) -> list[int] | None:
    """The standard levels at which calls of a logger of `logging` are native; None while its methods are those of `logging`."""

def set_converter(function: Callable[[Any], Any]) -> None:
    """Sets the function that turns values without a native form into ones that have it."""

def encode_value(value: object) -> str:
    """The JSON of a value in a record."""

def format_exception(exception: BaseException) -> str:
    """The traceback text of an exception in a record."""

def exception_json(exception: BaseException) -> str:
    """The JSON of an exception in a record, without what only the record knows: the call that logged it."""

def set_exceptions(
    has_text: bool, has_frames: bool, folds: bool, takes_variables: bool, application: list[str], libraries: list[str]
) -> bool:
    """Sets what exceptions have in records from now on.

    Args:
        has_text: Whether they have the text of the traceback.
        has_frames: Whether they have the frames as a list.
        folds: Whether runs of frames of libraries are one entry in both.
        takes_variables: Whether the application's frames have their local variables.
        application: Modules and directories that are the application's.
        libraries: Modules and directories that are libraries.

    Returns:
        False if local variables are wanted, and cannot be read of this interpreter.
    """

def prepare_directory(path: str, mode: tuple[int, bool]) -> None:
    """Makes a log directory unless it exists, and makes sure that files can be made in it."""

def open_log(path: str, mode: tuple[int, bool], before: int | None = None) -> int:
    """Opens a log file for appending, as the engine opens its own. Returns the descriptor, which the caller closes.

    A new file gets user and group of the file whose descriptor is `before`, and no wider mode.
    """

@final
class LogFile:
    """A log file for code that writes to its descriptor. It is closed with its last reference, unless its number belongs to another file.

    Args:
        path: Its path.
        mode: Mode of a new file, and whether an option asked for it.

    Raises:
        OSError: The file cannot be opened, or is not a regular file.
    """

    def __new__(cls, path: str, mode: tuple[int, bool]) -> LogFile: ...
    def fileno(self) -> int:
        """Its descriptor."""

    def flush(self) -> None:
        """Does nothing: there is no buffer."""

    def watch(self, lost: Callable[[], object]) -> None:
        """Calls `lost`, on the main thread, once the number belongs to another file. That is checked every few seconds."""

def escape_text(text: str) -> str:
    """A text for people: on one line, and harmless for a terminal."""

def internals() -> dict[str, bool]:
    """The results of the probes: what is read of the interpreter without its promise, and whether it is as known."""

def mark_wrapper(code: CodeType) -> None:
    """Marks a function as a wrapper of logging calls, so that records name its caller."""

def set_clock(time: int | None) -> None:
    """Stops the clock of records at `time` (nanoseconds since the epoch), or lets it run with None."""

def set_asked_time(function: Callable[[], int]) -> None:
    """Sets the function that returns the time of `time`, nanoseconds since the epoch. It is used once packages that move clocks are loaded."""

def before_fork() -> None: ...
def after_fork_in_parent(soon: list[Callable[[], object]] | None = None) -> None:
    """Starts the writer again, and calls the functions of `soon` as soon as the fork is over for the parent."""

def after_fork_in_child() -> None: ...
