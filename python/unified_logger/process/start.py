"""Starts logging, and reconfigures it."""

from __future__ import annotations

import logging
import os

from .. import _core, levels, stdlib, values
from ..config import resolve
from ..errors import UnifiedLoggerError
from ..logger import UnifiedLogger
from ..values import traceback
from . import capabilities, engine, fork_and_exit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# How long a new handler waits for another thread that starts logging, seconds.
_HANDLER_PATIENCE = 1.0


def start(
    options: Mapping[str, object], file: Mapping[str, Any] | None = None, path: str | None = None
) -> list[tuple[logging.Logger, int]]:
    """Starts or reconfigures logging. If the configuration is wrong, nothing is changed.

    Args:
        options: The options of the call.
        file: The content of the configuration file.
        path: The path of the file.

    Returns:
        The loggers whose level was set, with the level from before.
    """
    if options.get("redaction") or (file or {}).get("redaction"):
        engine.redact_early()
    settings = resolve(options, file=file, file_path=path, environ=os.environ)
    with engine.exclusively():
        capabilities.start(settings)
        before = levels.before_start()
        if path is None and engine.forget_file is not None:
            engine.forget_file()
    return before


def _start_for_handler(options: Mapping[str, object]) -> None:
    """Starts logging for a handler that the application makes and attaches. Without options only if logging is not started."""
    if not options and is_started():
        return
    settings = resolve(options, environ=os.environ, by_handler=True)
    # `logging.config` holds the lock of `logging` here. Another thread may hold the lock of this library and wait for that one.
    lock = engine.exclusively()
    if not lock.acquire(timeout=_HANDLER_PATIENCE):
        raise UnifiedLoggerError("another thread is starting logging at the same time")
    try:
        capabilities.start(settings)
    finally:
        lock.release()


def is_started() -> bool:
    """Whether logging was started in this process, or in the process from which it was forked."""
    return engine.settings() is not None


def base_name() -> str:
    """The base of the old loggers' names: as configured, or before the start from the environment."""
    settings = engine.settings()
    if settings is not None:
        return settings.base_name
    return os.environ.get("UNIFIED_LOGGER_BASE_NAME") or "wechat_backend"


del fork_and_exit, traceback  # Imported because they register functions; the native core imports `traceback`.
_core.set_converter(values.convert)
_core.set_listened(stdlib.log_listened)
_core.mark_wrapper(stdlib.as_of_logging(UnifiedLogger.ai).__code__)
stdlib.connect(_start_for_handler, engine.flush)
