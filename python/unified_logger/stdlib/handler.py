"""The standard library's `logging`, both ways: its records come in, and its handlers see ours."""

from __future__ import annotations

import logging
import sys
import time
from operator import index

from .. import _core, context
from . import marks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any, TypeVar

    from ..logger import UnifiedLogger

    _Function = TypeVar("_Function", bound=Callable[..., Any])

# How long `flush` waits, seconds: `logging` calls it at the exit, and while it holds a lock that others may need.
_FLUSH_TIMEOUT = 10.0


def _arrive(record: logging.LogRecord, ai: bool) -> None:
    """Captures a record that another process has captured, unless that writes to the same files."""
    marks.lift(record)
    if marks.is_captured(record):
        return
    carried = marks.carried_by(record)
    if carried is None:  # One of `logging`: it carries no context.
        _capture(record, ai)
        return
    context.call_within(carried[1], lambda record: _capture(record, ai), record)


class Handler(logging.Handler):
    """Brings the records of the loggers it is attached to into our files, each once, however many of these it meets.

    `init_logging` puts one on the root logger. `logging.config` may name others: where no logging was started yet, making one
    starts it. A formatter makes no difference; records of `get_logger` are in the files whatever handlers there are.

    Args:
        level: Least level it takes.
        **options: Options of `init_logging`, which are applied as that function applies them, except that no handler is put on the
            root logger, and that its level is set only where `log_level` is given.

    Raises:
        ValueError: The level is unknown.
        ConfigurationError: An option, the environment or the log directory is not as it must be.
    """

    def __init__(self, level: int | str = logging.NOTSET, **options: Any) -> None:
        super().__init__(level)
        if _start is not None:
            _start(options)

    def createLock(self) -> None:  # noqa: N802 - the name is the base class's
        """Needs none: capturing a record takes no lock."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Captures the record unless a filter of this handler keeps it out."""
        if self is not _known:
            _know(self)
        if not self.filters and type(self) is Handler and "filter" not in self.__dict__:
            if type(record) is _LogRecord:
                _capture(record)
            else:
                _take(record)
            return True
        kept: Any = self.filter(record)
        if isinstance(kept, logging.LogRecord) and kept is not record:
            # Another one in its place: both are marked, or the next of our handlers would take the one that came.
            if not marks.is_captured(record):
                self.emit(kept)
                marks.mark_captured(record)
        elif kept:
            self.emit(record)
        return bool(kept)

    def emit(self, record: logging.LogRecord) -> None:
        """Captures the record."""
        _take(record)

    def flush(self) -> None:
        """Waits until what was accepted before is in the files, at most ten seconds."""
        _flush(_FLUSH_TIMEOUT)


_LogRecord = logging.LogRecord
# Where records of both interfaces go: the native core, or the plain handlers of `USE_UNIFIED_LOGGING=false`.
_capture: Callable[..., None] = _core.emit
# Unset while this module makes its own.
_start: Callable[[dict[str, Any]], None] | None = None
_flush: Callable[[float], bool] = _core.flush
# The one that `install` puts on the root logger.
_handler = Handler()
# The one on the root logger that the core knows: records that come to it alone need not be made.
_known: Handler | None = None
# What tests look through: called with each record before it is captured.
taps: list[Callable[[logging.LogRecord], None]] = []


def _take(record: logging.LogRecord) -> None:
    """Captures a record of `logging`, once."""
    marks.pickle_with_mark(type(record))
    said = as_said(record)
    if said is record:
        _capture(record)
    elif not marks.is_captured(record):
        _capture(said)
        marks.mark_captured(record)


# What a record may hold is what somebody has put there. It is read as the core reads it, whatever its type.
_INT32 = 1 << 31


def text_of(value: object) -> str:
    """A value as a text.

    Args:
        value: Of any type, also one whose `__str__` raises.

    Returns:
        A text of the plain class.
    """
    if type(value) is str:
        return value
    try:
        return str.__str__(value if issubclass(type(value), str) else str(value))
    except Exception as error:
        return f"<str() of {type.__repr__(type(value))} failed: {type(error).__name__}>"


def level_of(record: logging.LogRecord) -> int:
    """The number of a record's level.

    Args:
        record: Of either interface.

    Returns:
        That of INFO for a record that has no such number.
    """
    try:
        number = int.__add__(index(vars(record)["levelno"]), 0)
    except Exception:
        return logging.INFO
    return number if -_INT32 <= number < _INT32 else logging.INFO


def error_of(record: logging.LogRecord) -> BaseException | None:
    """The exception of a record.

    Args:
        record: Of either interface.

    Returns:
        What `exc_info` means: an exception, the second of a triple, or what is true for the one being handled. Where a triple names
        a class and has no value of it, as where that could not be pickled, one is made without its `__init__`.
    """
    given: Any = vars(record).get("exc_info")
    if issubclass(type(given), tuple):
        kind, value, traceback = (*tuple.__iter__(given), None, None, None)[:3]
        if value is None and issubclass(type(kind), type) and issubclass(kind, BaseException):
            try:
                value = kind.__new__(kind)
                BaseException.with_traceback(value, traceback)
            except Exception:  # Then there is none, or none with a traceback.
                pass
        return value if issubclass(type(value), BaseException) else None
    if issubclass(type(given), BaseException):
        error: BaseException = given
        return error
    try:
        return sys.exc_info()[1] if given else None
    except Exception:
        return None


def as_said(record: logging.LogRecord) -> logging.LogRecord:
    """A record for the core, which merges messages itself: a class that a record factory brought may do it in its own way.

    Args:
        record: Of `logging`.

    Returns:
        The same, or one whose message its class has merged. Where it could not, the arguments are not asked again.
    """
    if type(record) is _LogRecord:
        return record
    merges = type(record).getMessage
    if merges is _LogRecord.getMessage or _is_of_logging(merges):
        return record
    message, notes = _core.merge_by_class(record)
    if notes:
        said = record.__dict__.get("msg")
        message = said if type(said) is str else f"<{type(said).__name__} object>"
    return changed(record, msg=message, args=None, **notes)


def _is_of_logging(merges: Any) -> bool:
    """Whether a method is that of `logging`, which is another one after `importlib.reload(logging)`."""
    known: Any = _LogRecord.getMessage
    return (
        type(merges) is type(known)
        and merges.__globals__ is known.__globals__
        and merges.__qualname__ == known.__qualname__
    )


def changed(record: logging.LogRecord, **attributes: object) -> logging.LogRecord:
    """A copy of a record, of the plain class, with some attributes changed.

    Args:
        record: Left as it is.
        **attributes: What is other than there.

    Returns:
        The copy.
    """
    other = _LogRecord.__new__(_LogRecord)
    other.__dict__.update(record.__dict__, **attributes)
    return other


def connect(start: Callable[[dict[str, Any]], None], flush: Callable[[float], bool]) -> None:
    """Tells handlers how to start and to flush.

    Args:
        start: Starts with these options, or, without any, unless it was started.
        flush: Writes what was logged, within so many seconds.
    """
    global _start, _flush
    _start, _flush = start, flush


def install(directory: str, capture: Callable[..., None] = _core.emit, on_root: bool = True) -> None:
    """Sends records to where they go. Once, however often called.

    Args:
        directory: Where the files are.
        capture: Takes a `LogRecord`, and whether it is an AI record whatever its logger.
        on_root: Whether the root logger is given a handler of ours, unless it has one.
    """
    global _capture
    _capture, marks.directory = capture, directory
    ours = _on_root()
    if ours is None and on_root:
        ours = _handler
        logging.getLogger().addHandler(ours)
    _tell_core(ours if type(ours) is Handler else _handler)


def is_installed() -> bool:
    """Whether the root logger has a handler of ours, which a start gives it."""
    return _on_root() is not None


def _on_root() -> Handler | None:
    return next((found for found in logging.getLogger().handlers if isinstance(found, Handler)), None)


def _know(handler: Handler) -> None:
    """Tells the core of a handler that others made, once it is the first of ours on the root logger."""
    if _on_root() is handler and type(handler) is Handler:
        _tell_core(handler)


def _tell_core(handler: Handler) -> None:
    global _known
    _known = handler
    _core.set_root_handler(handler)


def as_of_logging(function: _Function) -> _Function:
    """Gives a function that stands between a call and its handlers the file of `logging`.

    What looks for a record's caller passes frames of `logging` by, which it knows by their file.

    Args:
        function: One of Python code.

    Returns:
        The same.
    """
    own, source = function.__code__, getattr(logging.addLevelName, "__code__", None)
    if source is not None:  # Else somebody has replaced it by what has no code.
        function.__code__ = own.replace(co_filename=source.co_filename)
    return function


@as_of_logging
def log_listened(
    logger: UnifiedLogger,
    level: int,
    message: object,
    args: tuple[Any, ...],
    fields: dict[str, Any],
    error: BaseException | None,
    stack: bool,
    frame: FrameType | None,
    ai: bool,
) -> None:
    """Logs through `logging` where filters, handlers or patches of other people are to see the record.

    The record is captured once: here, or by the root handler where a patched `Logger.handle` lets it through.
    """
    target = logger.logger
    record = make_record(target, level, message, args, error, stack, frame)
    _log(target, record, fields, ai)


@as_of_logging
def _log(target: logging.Logger, record: logging.LogRecord, fields: dict[str, Any], ai: bool) -> None:
    """Is there for its frame: with it there are as many as `logging` has, and a handler may begin to look for the caller behind all of them."""
    hand_over(target, record, fields, ai)


def capture(record: logging.LogRecord, fields: dict[str, Any]) -> None:
    """Captures a record that another logger made, which shows it to its own listeners.

    Args:
        record: Without fields.
        fields: Those of the call.
    """
    _give_fields(record, fields)
    if taps:
        show_to_taps(record)
    _capture(record)


@as_of_logging
def hand_over(target: logging.Logger, record: logging.LogRecord, fields: dict[str, Any], ai: bool = False) -> None:
    """Captures a record of our own interface, once, and shows it to filters, handlers and patches of other people.

    Args:
        target: The logger it is logged to, which is enabled for it.
        record: Without fields.
        fields: Those of the call.
        ai: Whether it is an AI record whatever its logger.
    """
    _give_fields(record, fields)
    stock = getattr(target.handle, "__func__", None)
    if stock is not logging.Logger.handle or stock.__globals__ is not vars(logging):
        target.handle(record)
        if not marks.is_captured(record) and not target.filters:
            _capture(record, ai)
        return
    kept: Any = target.filter(record)
    if not kept:
        return
    if isinstance(kept, logging.LogRecord):
        record = kept
    if taps:
        show_to_taps(record)
    _capture(record, ai)
    target.callHandlers(record)


def show_to_taps(record: logging.LogRecord) -> None:
    """Lets those who look see a record, its fields still under the names of the call."""
    for see in tuple(taps):
        see(record)


def make_record(
    target: logging.Logger,
    level: int,
    message: object,
    args: tuple[Any, ...],
    error: BaseException | None,
    stack: bool,
    frame: FrameType | None,
) -> logging.LogRecord:
    """A record of a place in the code.

    Args:
        target: The logger it is logged to.
        level: Its number.
        message: Of any type, as in `logging`.
        args: Merged into the message.
        error: Its exception.
        stack: Whether it is to have the stack of `frame`.
        frame: The place; None where there is none.

    Returns:
        The record, without fields.
    """
    path, line, function, stack_text = "(unknown file)", 0, "(unknown function)", None
    if frame is not None:
        path, line, function = frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name
        if stack:
            import traceback

            stack_text = "Stack (most recent call last):\n" + "".join(traceback.format_stack(frame)).rstrip("\n")
    exc_info = None if error is None else (type(error), error, error.__traceback__)
    return target.makeRecord(target.name, level, path, line, message, args, exc_info, function, None, stack_text)


def _give_fields(record: logging.LogRecord, fields: dict[str, Any]) -> None:
    """Fields and context as attributes, for other people's handlers; those that clash with the record's own move aside."""
    attributes = record.__dict__
    names: dict[str, str | None] = {}
    current = context.get_trace_context()
    for name, value in current.items():
        # A field of the call wins over one of the context, but not over the ids: a record is of its own trace.
        if name not in attributes and (name not in fields or name in ("trace_id", "span_id")):
            attributes[name] = value
            names[name] = None  # The capture takes the context from its variable.
    for name, value in fields.items():
        attribute = name
        while attribute in attributes or attribute in ("message", "asctime"):
            attribute = f"fields.{attribute}"
        attributes[attribute] = value
        names[attribute] = name
    marks.mark(record, (names, current))


def _asked_time(frames: int = 3) -> int:
    """What `time` says, to the microsecond, by as many calls as lie between a call of `logging` and its look at the clock.

    Freezegun lets code see the real time that some packages have called, and looks for these a few frames out: those of `logging` are so many
    that a function which a thread runs has the frozen time in its records.
    """
    return _asked_time(frames - 1) if frames else (time.time_ns() + 500) // 1_000 * 1_000


_core.set_marks(marks.Mark, marks.Captured, marks.Kept, marks.mark_captured, marks.tell_sockets, _arrive)
_core.set_asked_time(_asked_time)
