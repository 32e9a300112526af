"""The handler that brings the records of `logging` into the log files."""

from __future__ import annotations

import logging

from .. import _core, context
from . import marks
from .reading import merged_by_class

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from typing_extensions import Unpack

    from ..typing import Options

# How long `flush` waits, seconds. `logging` calls it at the exit while it holds a lock that others may need.
_FLUSH_TIMEOUT = 10.0


def _capture_received(record: logging.LogRecord, ai: bool) -> None:
    """Captures a record that another process sent, unless that process has written it to the same files."""
    marks.lift(record)
    if marks.is_captured(record):
        return
    carried = marks.carried_by(record)
    if carried is None:  # A record of `logging` carries no context.
        deliver(record, ai)
        return
    context.call_within(carried[1], lambda record: deliver(record, ai), record)


class Handler(logging.Handler):
    """Brings the records of its loggers into the log files. Each record is written once, however many of these handlers it meets.

    `init_logging` puts one on the root logger. `logging.config` may name others. If logging is not started yet, making one starts
    it. A formatter has no effect. Records of `get_logger` are in the files whatever handlers there are.

    Args:
        level: Least level that it takes.
        **options: Options of `init_logging`, with the same effect. But no handler is put on the root logger, and its level is set
            only if `log_level` is given.

    Raises:
        ValueError: The level is unknown.
        ConfigurationError: An option, the environment or the log directory is wrong.
    """

    def __init__(self, level: int | str = logging.NOTSET, **options: Unpack[Options]) -> None:
        super().__init__(level)
        if _start is not None:
            _start(options)

    def createLock(self) -> None:  # noqa: N802 - the name is the base class's
        """Makes no lock: capturing a record needs none."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Captures the record unless a filter of this handler keeps it out."""
        if self is not _core_handler:
            _meet(self)
        if not self.filters and type(self) is Handler and "filter" not in self.__dict__:
            if type(record) is _LogRecord:
                # A record of `get_logger` is captured before others see it.
                if type(record.__dict__.get("relativeCreated")) is not marks.CapturedWithFields:
                    deliver(record)
            else:
                _capture_once(record)
            return True
        kept: Any = self.filter(record)
        if isinstance(kept, logging.LogRecord) and kept is not record:
            # A filter returned another record. Both are marked, or the next of these handlers would take the first one.
            if not marks.is_captured(record):
                self.emit(kept)
                marks.mark_captured(record)
        elif kept:
            self.emit(record)
        return bool(kept)

    def emit(self, record: logging.LogRecord) -> None:
        """Captures the record."""
        _capture_once(record)

    def flush(self) -> None:
        """Waits until all records accepted before are in the files, at most ten seconds."""
        _flush(_FLUSH_TIMEOUT)


_LogRecord = logging.LogRecord
# Takes the records of both interfaces: the native core, or the fallback handlers of `USE_UNIFIED_LOGGING=false`.
deliver: Callable[..., None] = _core.emit
# Not set while this module makes its own handler.
_start: Callable[[Mapping[str, object]], None] | None = None
_flush: Callable[[float], bool] = _core.flush
# The handler that `install` puts on the root logger.
_handler = Handler()
# The handler on the root logger that the core knows: a record that only this handler gets need not be made.
_core_handler: Handler | None = None


def _capture_once(record: logging.LogRecord) -> None:
    """Captures a record of `logging`, once."""
    marks.pickle_with_mark(type(record))
    merged = merged_by_class(record)
    if merged is record:
        deliver(record)
    elif not marks.is_captured(record):
        deliver(merged)
        marks.mark_captured(record)


def connect(start: Callable[[Mapping[str, object]], None], flush: Callable[[float], bool]) -> None:
    """Gives handlers the functions that start logging and flush.

    Args:
        start: Starts logging with these options. Without options, only if logging is not started.
        flush: Writes what was logged, within so many seconds.
    """
    global _start, _flush
    _start, _flush = start, flush


def install(location: str | int, capture: Callable[..., None] = _core.emit, on_root: bool = True) -> None:
    """Connects `logging` with the log files. Harmless when repeated.

    Args:
        location: The log directory, or the number of the stream that records are written to.
        capture: Takes a `LogRecord`, and whether it is an AI record whatever its logger.
        on_root: Whether the root logger gets a handler of this class, unless it has one.
    """
    global deliver
    deliver, marks.location = capture, location
    handler_on_root = _on_root()
    if handler_on_root is None and on_root:
        handler_on_root = _handler
        logging.getLogger().addHandler(handler_on_root)
    _set_core_handler(handler_on_root if type(handler_on_root) is Handler else _handler)


def is_installed() -> bool:
    """Whether the root logger has a handler of this class, as after a start."""
    return _on_root() is not None


def root_handler() -> Handler | None:
    """The handler on the root logger that the core knows."""
    return _core_handler


def _on_root() -> Handler | None:
    return next((found for found in logging.getLogger().handlers if isinstance(found, Handler)), None)


def _meet(handler: Handler) -> None:
    """Registers a handler that the application made with the core, if it is the first of this class on the root logger."""
    if _on_root() is handler and type(handler) is Handler:
        _set_core_handler(handler)


def _set_core_handler(handler: Handler) -> None:
    global _core_handler
    _core_handler = handler
    _core.set_root_handler(handler)


_core.set_marks(
    marks.Mark,
    marks.Captured,
    marks.CapturedWithFields,
    marks.mark_captured,
    marks.patch_socket_handler,
    _capture_received,
)
