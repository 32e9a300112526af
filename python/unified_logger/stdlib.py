"""The standard library's `logging`, both ways: its records come in, and its handlers see ours."""

from __future__ import annotations

import logging
import warnings

from . import _core, context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any, TextIO

    from .logger import UnifiedLogger

# Set on a record: True once it was captured, before that the fields behind its attributes (None: not a field).
_MARK = "_unified_logger_captured"


class RootHandler(logging.Handler):
    """Brings every record that reaches the root logger into the pipeline."""

    def createLock(self) -> None:  # noqa: N802 - the name is the base class's
        """Needs none: capturing a record takes no lock."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Captures the record unless a filter of this handler keeps it out."""
        if not self.filters and "filter" not in self.__dict__:
            _capture(record)
            return True
        kept = self.filter(record)
        if kept:
            _capture(kept if isinstance(kept, logging.LogRecord) else record)
        return bool(kept)

    def emit(self, record: logging.LogRecord) -> None:
        """Captures the record."""
        _capture(record)


_handler = RootHandler()
# Where records of both interfaces go: the native core, or the plain handlers of `USE_UNIFIED_LOGGING=false`.
_capture: Callable[..., None] = _core.emit
_show_warning_before: Any = None
# What tests look through: called with each record before it is captured.
taps: list[Callable[[logging.LogRecord], None]] = []


def install(capture: Callable[..., None] = _core.emit) -> None:
    """Puts the handler on the root logger and sends warnings to the logger `py.warnings`. Once, however often called.

    Args:
        capture: Takes a `LogRecord`, and whether it is an AI record whatever its logger.
    """
    global _show_warning_before, _capture
    _capture = capture
    root = logging.getLogger()
    if _handler not in root.handlers:
        root.addHandler(_handler)
    _core.set_root_handler(_handler)
    if _show_warning_before is None:
        _show_warning_before = warnings.showwarning
        warnings.showwarning = _show_warning


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning as a record of the line that caused it."""
    if (file is not None or _is_caught()) and _show_warning_before is not None:
        _show_warning_before(message, category, filename, lineno, file, line)
        return
    logger = logging.getLogger("py.warnings")
    if logger.isEnabledFor(logging.WARNING):
        record = logger.makeRecord(
            logger.name, logging.WARNING, filename, lineno, str(message), (), None, "", {"category": category.__name__}
        )
        logger.handle(record)


def _is_caught() -> bool:
    """Whether a `catch_warnings(record=True)` wants the warning, as pytest has around each test.

    From 3.14 on it may be bound to the context, and replaces nothing. Otherwise it puts the method of a list where there was a
    function, and a `showwarning` that is set later, inside of it, is asked first.
    """
    current = getattr(warnings, "_get_context", None)
    if current is not None and getattr(current(), "log", None) is not None:
        return True
    return not hasattr(getattr(warnings, "_showwarnmsg_impl", _is_caught), "__code__")


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
    record = _make_record(target, level, message, args, error, stack, frame)
    _give_fields(record, fields)
    stock = getattr(target.handle, "__func__", None)
    if stock is not logging.Logger.handle or stock.__globals__ is not vars(logging):
        target.handle(record)
        if not is_captured(record) and not target.filters:
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


def is_captured(record: logging.LogRecord) -> bool:
    """Whether a record is in the pipeline already."""
    return getattr(record, _MARK, None) is True


def show_to_taps(record: logging.LogRecord) -> None:
    """Lets those who look see a record, its fields still under the names of the call."""
    for see in tuple(taps):
        see(record)


def _make_record(
    target: logging.Logger,
    level: int,
    message: object,
    args: tuple[Any, ...],
    error: BaseException | None,
    stack: bool,
    frame: FrameType | None,
) -> logging.LogRecord:
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
    for name, value in context.get_trace_context().items():
        if name not in attributes and name not in fields:
            attributes[name] = value
            names[name] = None  # The capture takes the context from its variable.
    for name, value in fields.items():
        attribute = name
        while attribute in attributes or attribute in ("message", "asctime"):
            attribute = f"fields.{attribute}"
        attributes[attribute] = value
        names[attribute] = name
    attributes[_MARK] = names
