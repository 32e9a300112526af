"""Whether loggers of the standard library log natively (`native_stdlib`), and the reason if they do not."""

from __future__ import annotations

import logging
import sys
import time

from .. import _core
from ..texts import name_of
from .handler import Handler, root_handler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_METHODS = ("debug", "info", "warning", "error", "critical", "exception", "log")
# Steps of `logging` that a native call skips. Whoever replaces one of them is called.
_STEPS = (
    "handle",
    "callHandlers",
    "makeRecord",
    "filter",
    "_log",
    "findCaller",
    "isEnabledFor",
    "getEffectiveLevel",
)
_LEVELS = 5
# Why `auto` has left the methods alone at the last start.
_aside: str | None = None


def start(wanted: bool | str) -> None:
    """Makes loggers native, or gives them their own methods back.

    Args:
        wanted: The option `native_stdlib`.
    """
    global _aside
    _aside = _why_aside() if wanted == "auto" else None
    _core.set_stdlib_native(bool(wanted) and _aside is None)


def state(wanted: bool | str, engine: bool) -> str:
    """Whether a logger without handlers of its own logs natively now.

    Args:
        wanted: The option `native_stdlib`.
        engine: Whether the engine does the work, and not the fallback handlers.

    Returns:
        'on', 'on: ' with a restriction, or 'off: ' with the reason.
    """
    if not wanted:
        return "off: native_stdlib is false"
    if not engine:
        return "off: USE_UNIFIED_LOGGING is false"
    if _aside is not None:
        return f"off: {_aside}"
    levels = _core.stdlib_native_levels(logging.getLogger())
    if levels is None:
        return "off: logging is not running"
    if len(levels) == _LEVELS:
        others = [name for name in _METHODS if not _is_ours(vars(logging.Logger).get(name))]
        return f"on: except for Logger.{', Logger.'.join(others)}, which other code has replaced" if others else "on"
    reason = next(_reasons(), "a part of logging is replaced")
    if levels:
        return f"on: below {logging.getLevelName(max(levels) + 10)}; {reason}"
    return f"off: {reason}"


def _why_aside() -> str | None:
    """Why a program could tell that methods are native: code that is stepped through shows no step into them."""
    if sys.gettrace() is not None:
        return "a debugger or another trace function was on at the start"
    monitoring = getattr(sys, "monitoring", None)
    if monitoring is not None and monitoring.get_tool(monitoring.DEBUGGER_ID) is not None:
        return "a debugger was on at the start"
    return None


def _reasons() -> Iterator[str]:
    """What keeps calls from being native, the root logger's taken for those of all loggers."""
    from .wrappers import module_of

    root = logging.getLogger()
    handler = root_handler()
    if handler is None or handler not in root.handlers:
        yield "the handler of unified_logger is not on the root logger"
    elif type(handler) is not Handler or handler.filters or handler.level:
        yield "the handler of unified_logger on the root logger has a filter, a level or a class of its own"
    if logging.getLogRecordFactory() is not logging.LogRecord:
        factory = logging.getLogRecordFactory()
        yield f"{module_of(factory) or name_of(type(factory))} makes the records"
    if any(isinstance(clock, type(state)) for clock in (time.time, time.time_ns)):
        yield "the clock of time is replaced"
    for name in _STEPS:
        method = next(vars(kind)[name] for kind in logging.Logger.__mro__ if name in vars(kind))
        if not _is_ours(method) and module_of(method) != "logging":
            yield f"{module_of(method) or name_of(type(method))} has replaced Logger.{name}"
    if root.filters:
        yield "the root logger has a filter"
    for other in root.handlers:
        if other is not handler:
            yield f"{name_of(type(other))} on the root logger takes records"


def _is_ours(method: object) -> bool:
    return type(method).__module__ == "unified_logger._core"
