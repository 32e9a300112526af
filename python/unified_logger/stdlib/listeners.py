"""Shows records of `get_logger` to filters, handlers and patches of others."""

from __future__ import annotations

import logging
import time
from contextlib import suppress

from .. import _core, context
from . import handler, marks, secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any, TypeVar

    from ..logger import UnifiedLogger

    _Function = TypeVar("_Function", bound=Callable[..., Any])

# Called with the logger of each record that others see while there is redaction.
tell_of_others: Callable[[logging.Logger], None] | None = None
# Functions of tests, called with each record before it is captured.
taps: list[Callable[[logging.LogRecord], None]] = []


def as_of_logging(function: _Function) -> _Function:
    """Gives a function between a call and its handlers the file of `logging`.

    Code that looks for a record's caller skips frames of `logging`, which it knows by their file.

    Args:
        function: One of Python code.

    Returns:
        The same.
    """
    own, source = function.__code__, getattr(logging.addLevelName, "__code__", None)
    if source is not None:  # Otherwise it was replaced by an object without code.
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
    level_name: str | None = None,
    name: str | None = None,
) -> None:
    """Logs through `logging`, if filters, handlers or patches of others must see the record.

    The record is captured once: here, or by the root handler if a patched `Logger.handle` lets it through.
    """
    target = logger.logger
    record = make_record(target, level, message, args, error, stack, frame)
    if level_name is not None:
        record.levelname = level_name
    if name is not None:
        record.name = name
    _log(target, record, fields, ai)


@as_of_logging
def _log(target: logging.Logger, record: logging.LogRecord, fields: dict[str, Any], ai: bool) -> None:
    """Only adds a frame: with it there are as many as in `logging`, and a handler may begin to look for the caller behind all of them."""
    hand_over(target, record, fields, ai)


def capture(record: logging.LogRecord, fields: dict[str, Any]) -> None:
    """Captures a record that another logging library made and shows to its own listeners.

    Args:
        record: Without fields.
        fields: The fields of the call.
    """
    _give_fields(record, fields)
    if taps:
        show_to_taps(record)
    handler.deliver(record)


@as_of_logging
def hand_over(target: logging.Logger, record: logging.LogRecord, fields: dict[str, Any], ai: bool = False) -> None:
    """Captures a record of `get_logger`, once, and shows it to filters, handlers and patches of others.

    Args:
        target: The logger, which is enabled for the record.
        record: Without fields.
        fields: The fields of the call.
        ai: Whether it is an AI record, whatever its logger.
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
        _core.count("filtered")
        return
    if isinstance(kept, logging.LogRecord):
        record = kept
    if taps:
        show_to_taps(record)
    handler.deliver(record, ai)
    if secrets.redaction is not None:
        if tell_of_others is not None:
            with suppress(Exception):  # Handlers of others may be anything.
                tell_of_others(target)
        secrets.hide(record, secrets.redaction)
    target.callHandlers(record)


def show_to_taps(record: logging.LogRecord) -> None:
    """Shows a record to the functions in `taps`, its fields still under the names of the call."""
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
    """A record of a call site.

    Args:
        target: The logger.
        level: Its number.
        message: Of any type, as in `logging`.
        args: Merged into the message.
        error: Its exception.
        stack: Whether the record gets the stack of `frame`.
        frame: The frame of the call site; None if there is none.

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
    """Sets fields and context as attributes, for handlers of others. A name that the record has already is changed."""
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


def _needs(name: str, function: object) -> object:
    """What a function needs that has replaced one of `logging`. Only programs with such a function import what knows."""
    from .wrappers import needs

    return needs(name, function)


def _asked_time(frames: int = 3) -> int:
    """The time of `time`, to the microsecond, through as many frames as `logging` has between a call and its reading of the clock.

    freezegun shows some packages the real time, and looks for these packages a few frames up. Because `logging` has so many frames, a
    function that a thread runs has the frozen time in its records.
    """
    return _asked_time(frames - 1) if frames else (time.time_ns() + 500) // 1_000 * 1_000


_core.set_asked_time(_asked_time)
_core.set_wrappers(_needs)
