"""Starting logging, and reconfiguring it."""

from __future__ import annotations

import logging
import os

# All that a start, a call, a flush and the end need: by then there may be no descriptor left for an import, or another root.
from .. import _core, levels, stdlib, values
from ..config import resolve
from ..context import headers
from ..errors import UnifiedLoggerError
from ..logger import UnifiedLogger
from ..values import traceback
from . import crashes, engine, fork_and_exit, notices, uncaught, warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ..config import Settings

_POSITIONAL = (
    "log_level",
    "log_dir",
    "queue_size",
    "max_bytes",
    "backup_count",
    "console_level",
    "file_level",
    "enable_ai_handler",
    "ai_max_bytes",
    "ai_backup_count",
)
# How long a handler that is made waits for another thread that starts logging, seconds.
_HANDLER_PATIENCE = 1.0

_settings: Settings | None = None
# Loggers whose level a configuration has set, with that level.
_levels_set: dict[str, int] = {}


def given(args: Sequence[object], options: Mapping[str, object]) -> dict[str, object]:
    """The options of a call, positional ones by name."""
    if len(args) > len(_POSITIONAL):
        raise TypeError(f"at most {len(_POSITIONAL)} positional arguments, {len(args)} given")
    named = dict(zip(_POSITIONAL, args, strict=False))
    twice = named.keys() & options.keys()
    if twice:
        raise TypeError(f"given twice: {', '.join(sorted(twice))}")
    return named | dict(options)


def start(
    options: Mapping[str, object], file: Mapping[str, Any] | None = None, path: str | None = None
) -> list[tuple[logging.Logger, int]]:
    """Starts or reconfigures; on a bad configuration nothing has changed.

    Args:
        options: Those of the call.
        file: What the configuration file holds.
        path: Where it lies.

    Returns:
        The loggers whose level was set, with the level from before.
    """
    if options.get("redaction") or (file or {}).get("redaction"):
        engine.redact_early()
    settings = resolve(options, file=file, file_path=path, environ=os.environ)
    with engine.exclusively():
        before = _apply(settings)
        if path is None and engine.forget_file is not None:
            engine.forget_file()
    return before


def settings() -> Settings | None:
    """What logging was started with last."""
    return _settings


def _start_for_handler(options: dict[str, Any]) -> None:
    """Starts for a handler that is made by others, who say themselves where it goes. Without options once is enough."""
    if not options and _settings is not None:
        return
    settings = resolve(options, environ=os.environ)
    # `logging.config` holds the lock of `logging` meanwhile; another thread may hold ours and wait for that one.
    lock = engine.exclusively()
    if not lock.acquire(timeout=_HANDLER_PATIENCE):
        raise UnifiedLoggerError("another thread is starting logging at the same time")
    try:
        _apply(settings, on_root=False, root_level="log_level" in options)
    finally:
        lock.release()


def _apply(
    settings: Settings,
    on_root: bool = True,
    root_level: bool = True,
) -> list[tuple[logging.Logger, int]]:
    """Has the settings hold, and tells the loggers whose level was set with the level from before."""
    global _settings
    # Before the start: it delivers what was logged earlier, at the levels that hold from now on.
    wanted = _levels(settings, root_level)
    loggers = [logging.getLogger(name) for name in wanted]
    before = [(logger, levels.base(logger)) for logger in loggers]
    for logger, level in zip(loggers, wanted.values(), strict=True):
        levels.set_base(logger, level)
    try:
        engine.run(settings, on_root)
    except BaseException:
        for logger, level in before:
            levels.set_base(logger, level)
        raise
    warnings.install()
    headers.configure(settings.trace_headers, settings.trace_response_header)
    _settings = settings
    _levels_set.clear()
    _levels_set.update({name: level for name, level in wanted.items() if name and level != logging.NOTSET})
    for notice in settings.notices:
        notices.say(notice)
    _see_the_end(settings)
    return before


def is_started() -> bool:
    """Whether logging was started in this process, or in the one it was forked from."""
    return _settings is not None


def base_name() -> str:
    """The base of the old loggers' names: as configured, before the start as the environment has it."""
    if _settings is not None:
        return _settings.base_name
    return os.environ.get("UNIFIED_LOGGER_BASE_NAME") or "wechat_backend"


def _levels(settings: Settings, root_level: bool) -> dict[str, int]:
    """The level of each logger that the configuration names, and of those that only the one before did."""
    wanted = {
        # Somebody else may have set another meanwhile.
        name: logging.NOTSET
        for name, level in _levels_set.items()
        if levels.base(logging.getLogger(name)) == level
    }
    wanted.update(dict.fromkeys(settings.suppress_loggers, logging.WARNING))
    wanted.update(settings.logger_levels)
    if root_level:
        wanted[""] = settings.log_level
    return wanted


def _see_the_end(settings: Settings) -> None:
    """Hooks for exceptions that nobody catches, and a file for crashes that Python cannot see."""
    if settings.log_uncaught:
        uncaught.install(engine.flush, settings.redaction)
    else:
        uncaught.remove()
    if not settings.fault_handler:
        crashes.disable()
        return
    try:
        crashes.enable(str(settings.log_dir), (settings.file_mode, settings.file_mode_given), notices.say)
    except OSError as error:
        notices.say(f"faulthandler has no file beside the logs: {error}")


del fork_and_exit, traceback  # Imported for what they register, and for the native core, which asks for it.
_core.set_converter(values.convert)
_core.set_listened(stdlib.log_listened)
_core.mark_wrapper(stdlib.as_of_logging(UnifiedLogger.ai).__code__)
stdlib.connect(_start_for_handler, engine.flush)
