"""What other code does to `logging` that keeps a promise of this library from holding: told once, or put right if an option asks for it."""

from __future__ import annotations

import logging
import sys

from .. import _core
from ..stdlib import formatters, handler, listeners, secrets
from ..texts import name_of
from . import engine, notices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ..config import Settings

_DISABLED = (
    "logger {name!r} is disabled, so its records are written nowhere, and so may be others: fileConfig and dictConfig disable every logger that "
    "they do not name. Configure with disable_existing_loggers=False"
)
_OR_KEEP = ", or start with init_logging(keep_loggers_enabled=True)"
_REMOVED = (
    "the handler of unified_logger was taken off the root logger, so it brings no records of logging into the files (those of get_logger are "
    "there). A configuration with a root does that, and basicConfig(force=True). Name unified_logger.Handler among the handlers of the "
    "configuration, or call init_logging after it"
)
_UNREDACTED = (
    "redaction does not cover what logging itself gives to other handlers: {others}. Only records of get_logger are redacted for them; give "
    "such a handler unified_logger.JSONFormatter, or a filter of its own"
)

# Nobody has a reason to disable this logger. If it is disabled, a configuration has disabled every logger that it does not name.
_mark = logging.getLogger("unified_logger")
_settings: Settings | None = None
# Which of the sentences were said since the last start.
_said: set[str] = set()


def start(settings: Settings) -> None:
    """Follows the settings, and tells of handlers that are there already."""
    global _settings
    _settings = settings
    _said.clear()
    secrets.redaction = settings.redaction
    # What knows the functions that have replaced some of `logging` is imported now: later the root may be another one.
    _core.stdlib_native_levels(logging.getLogger())
    if settings.redaction is not None:
        _tell_of_unredacted(logging.getLogger())


def stop() -> None:
    """Nothing: records are redacted until the end."""


def in_child() -> None:
    """Nothing: what the parent has told need not be told again."""


def _notice(logger: logging.Logger, is_disabled: bool, is_own: bool) -> bool:
    """Tells of a logger that is disabled, or whose records do not come to the root handler.

    Args:
        logger: The logger.
        is_disabled: Whether it is disabled.
        is_own: Whether the call was one of a logger of `get_logger`.

    Returns:
        Whether the logger was enabled again.
    """
    if _settings is None or not engine.is_running():
        return False
    if is_disabled:
        # A program that disables a logger itself need not be told.
        if not _mark.disabled and not (is_own and "logging.config" in sys.modules):
            return False
        if is_own and _settings.keep_loggers_enabled:
            logger.disabled = False
            return True
        _say(_DISABLED.format(name=logger.name) + (_OR_KEEP if is_own else ""), "disabled")
    elif (
        _settings.on_root
        and handler.root_handler() is not None
        and not (handler.is_installed() or _is_behind_a_queue())
    ):
        _say(_REMOVED, "removed")
    return False


def _is_behind_a_queue() -> bool:
    """Whether a queue on the root logger leads to a handler of this library, as `logging.config` makes one from 3.12 on."""
    listeners_of_root = (getattr(each, "listener", None) for each in logging.getLogger().handlers)
    return any(
        isinstance(each, handler.Handler)
        for listener in listeners_of_root
        for each in getattr(listener, "handlers", ())
    )


def _tell_of_unredacted(logger: logging.Logger) -> None:
    """Tells of handlers that get the records of `logging` with their secrets."""
    others = sorted({name_of(type(each)) for each in _handlers(logger) if _is_unredacted(each)})
    replaced: Any = logging.Logger.callHandlers
    if getattr(replaced, "__module__", "logging") != "logging":
        others.append(name_of(replaced))
    if others:
        _say(_UNREDACTED.format(others=", ".join(others)), "unredacted")


def _handlers(logger: logging.Logger | None) -> Iterable[logging.Handler]:
    while logger is not None:
        yield from logger.handlers
        logger = logger.parent if logger.propagate else None


def _is_unredacted(other: logging.Handler) -> bool:
    formatter = getattr(other, "formatter", None)
    return not isinstance(other, (handler.Handler, logging.NullHandler)) and not (
        isinstance(formatter, formatters.JSONFormatter) and formatter.redaction is not None
    )


def _say(notice: str, kind: str) -> None:
    if kind not in _said:
        _said.add(kind)
        notices.report(notice, function="logging")


_core.set_notice(_notice)
listeners.tell_of_others = _tell_of_unredacted
