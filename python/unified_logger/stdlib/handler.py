"""Brings the records of `logging` in."""

from __future__ import annotations

import logging

from .. import _core, context
from . import marks
from .reading import merged_by_class

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# How long `flush` waits, seconds: `logging` calls it at the exit, and while it holds a lock that others may need.
_FLUSH_TIMEOUT = 10.0


def _capture_received(record: logging.LogRecord, ai: bool) -> None:
    """Captures a record that another process has captured, unless that writes to the same files."""
    marks.lift(record)
    if marks.is_captured(record):
        return
    carried = marks.carried_by(record)
    if carried is None:  # One of `logging`: it carries no context.
        deliver(record, ai)
        return
    context.call_within(carried[1], lambda record: deliver(record, ai), record)


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
        if self is not _core_handler:
            _meet(self)
        if not self.filters and type(self) is Handler and "filter" not in self.__dict__:
            if type(record) is _LogRecord:
                deliver(record)
            else:
                _capture_once(record)
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
        _capture_once(record)

    def flush(self) -> None:
        """Waits until what was accepted before is in the files, at most ten seconds."""
        _flush(_FLUSH_TIMEOUT)


_LogRecord = logging.LogRecord
# Where records of both interfaces go: the native core, or the fallback handlers of `USE_UNIFIED_LOGGING=false`.
deliver: Callable[..., None] = _core.emit
# Unset while this module makes its own.
_start: Callable[[dict[str, Any]], None] | None = None
_flush: Callable[[float], bool] = _core.flush
# The one that `install` puts on the root logger.
_handler = Handler()
# The one on the root logger that the core knows: records that come to it alone need not be made.
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
    global deliver
    deliver, marks.directory = capture, directory
    ours = _on_root()
    if ours is None and on_root:
        ours = _handler
        logging.getLogger().addHandler(ours)
    _set_core_handler(ours if type(ours) is Handler else _handler)


def is_installed() -> bool:
    """Whether the root logger has a handler of ours, which a start gives it."""
    return _on_root() is not None


def _on_root() -> Handler | None:
    return next((found for found in logging.getLogger().handlers if isinstance(found, Handler)), None)


def _meet(handler: Handler) -> None:
    """Tells the core of a handler that others made, once it is the first of ours on the root logger."""
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
