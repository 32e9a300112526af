"""The way of our own records where filters, handlers or patches of other people are to see them."""

from __future__ import annotations

import logging
import time

from .. import _core, context
from . import handler, marks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any, TypeVar

    from ..logger import UnifiedLogger

    _Function = TypeVar("_Function", bound=Callable[..., Any])

# What tests look through: called with each record before it is captured.
taps: list[Callable[[logging.LogRecord], None]] = []


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
    handler.deliver(record)


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
            handler.deliver(record, ai)
        return
    kept: Any = target.filter(record)
    if not kept:
        return
    if isinstance(kept, logging.LogRecord):
        record = kept
    if taps:
        show_to_taps(record)
    handler.deliver(record, ai)
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


_core.set_asked_time(_asked_time)
