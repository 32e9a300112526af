"""Brings the events of structlog into the log files: a factory for the loggers that it wraps.

::

    structlog.configure(processors=[structlog.contextvars.merge_contextvars], logger_factory=LoggerFactory())

No renderer is needed: the event's dictionary, which the last processor returns, becomes the record.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from ..logger import get_logger
from ..stdlib import hand_over, make_record
from ._partner import need

need("structlog", "23.1", "structlog")

from structlog import contextvars  # noqa: E402 - only once it is known to be there

if TYPE_CHECKING:
    from types import FrameType

# Keys with the call site and the thread of an asynchronous method, which logs on another thread. Older releases have fewer.
_calling_stack: Any = getattr(contextvars, "_ASYNC_CALLING_STACK", None)
_calling_thread: Any = getattr(contextvars, "_ASYNC_CALLING_THREAD", None)


class LoggerFactory:
    """Makes the loggers that structlog wraps: `structlog.configure(logger_factory=LoggerFactory())`.

    A logger has the name given to `structlog.get_logger`, or that of the module that uses it. The level of the `logging.Logger` of
    that name decides, and its filters and handlers see the records, as with `unified_logger.get_logger`.
    """

    def __call__(self, *args: Any) -> EventLogger:
        """Makes a logger.

        Args:
            *args: The arguments of `structlog.get_logger`: the name, if there is one.

        Returns:
            The logger that structlog wraps.
        """
        return EventLogger(str(args[0]) if args else _frame(1).f_globals.get("__name__", "unknown"))


class EventLogger:
    """Turns structlog's events into records. Made by `LoggerFactory`.

    Its methods take an event's dictionary as keywords. `event` is the message. `exc_info`, `stack_info` and `stacklevel` mean the same as
    in `logging`. `positional_args` are merged into the message, and `exception` and `stack` are texts made by processors. Everything
    else is a field. A text of a renderer, in place of the dictionary, is a message. All other attributes are those of the `logging.Logger`.

    Args:
        name: The logger's name.
    """

    __slots__ = ("_logger",)

    def __init__(self, name: str) -> None:
        self._logger = get_logger(name).logger

    def debug(self, message: object = None, /, *args: object, **event: Any) -> None:
        """Logs an event at DEBUG."""
        self._log(logging.DEBUG, message, args, event)

    def info(self, message: object = None, /, *args: object, **event: Any) -> None:
        """Logs an event at INFO."""
        self._log(logging.INFO, message, args, event)

    def warning(self, message: object = None, /, *args: object, **event: Any) -> None:
        """Logs an event at WARNING."""
        self._log(logging.WARNING, message, args, event)

    def error(self, message: object = None, /, *args: object, **event: Any) -> None:
        """Logs an event at ERROR."""
        self._log(logging.ERROR, message, args, event)

    def critical(self, message: object = None, /, *args: object, **event: Any) -> None:
        """Logs an event at CRITICAL."""
        self._log(logging.CRITICAL, message, args, event)

    def exception(self, message: object = None, /, *args: object, **event: Any) -> None:
        """Logs an event at ERROR with the exception being handled."""
        self._log(logging.ERROR, message, args, {"exc_info": True, **event})

    def log(self, level: int, message: object = None, /, *args: object, **event: Any) -> None:
        """Logs an event at the level given first."""
        self._log(level, message, args, event)

    msg = info
    warn = warning
    err = failure = error
    fatal = critical

    def __getattr__(self, name: str) -> Any:
        if name == "_logger":  # A copy asks for it before it exists.
            raise AttributeError(name)
        return getattr(self._logger, name)

    def __reduce__(self) -> tuple[type[EventLogger], tuple[str]]:
        return EventLogger, (self._logger.name,)

    def __repr__(self) -> str:
        return f"<EventLogger {self._logger.name!r}>"

    def _log(self, level: int, message: object, args: tuple[object, ...], event: dict[str, Any]) -> None:
        target = self._logger
        if not target.isEnabledFor(level):
            return
        if message is None:
            message = event.pop("event" if "event" in event else "msg", None)
        elif isinstance(message, (bytes, bytearray)):
            message = message.decode("utf-8", "backslashreplace")
        error = _exception(event.pop("exc_info", None))
        frame = _frame(event.pop("stacklevel", 1))
        positional = event.pop("positional_args", ())
        args = (*args, *positional) if isinstance(positional, (tuple, list)) else args
        record = make_record(target, level, message, args, error, bool(event.pop("stack_info", False)), frame)
        thread = _calling_thread and _calling_thread.get(None)
        if thread:
            record.thread, record.threadName = thread
        hand_over(target, record, _fields(record, event))


def _fields(record: logging.LogRecord, event: dict[str, Any]) -> dict[str, Any]:
    """The fields of an event. Keys that processors added about the record go to the record, or are there already."""
    extra = event.pop("extra", None)
    fields = {**extra, **event} if isinstance(extra, dict) else event
    if isinstance(fields.get("exception"), str):
        text = fields.pop("exception")
        record.exc_text = None if record.exc_info else text
    if isinstance(fields.get("stack"), str):
        record.stack_info = fields.pop("stack")
    if fields.get("level") == record.levelname.lower():
        del fields["level"]
    if fields.get("logger") == record.name:
        del fields["logger"]
    return fields


def _exception(given: object) -> BaseException | None:
    """The exception that `exc_info` means."""
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        return next((part for part in given if isinstance(part, BaseException)), None)
    return sys.exc_info()[1] if given else None


def _frame(stacklevel: object) -> FrameType:
    """The frame that called structlog, or one of its callers."""
    frame: FrameType = (_calling_stack and _calling_stack.get(None)) or sys._getframe(1)
    while frame.f_back is not None and _is_between(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    for _ in range(stacklevel - 1 if isinstance(stacklevel, int) else 0):
        if frame.f_back is None:
            break
        frame = frame.f_back
    return frame


def _is_between(module: str) -> bool:
    return module == __name__ or module == "structlog" or module.startswith("structlog.")
