"""Starting logging, and reconfiguring it."""

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
    from collections.abc import Mapping, Sequence
    from typing import Any


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
        capabilities.start(settings)
        before = levels.before_start()
        if path is None and engine.forget_file is not None:
            engine.forget_file()
    return before


def _start_for_handler(options: dict[str, Any]) -> None:
    """Starts for a handler that is made by others, who say themselves where it goes. Without options once is enough."""
    if not options and is_started():
        return
    settings = resolve(options, environ=os.environ, by_handler=True)
    # `logging.config` holds the lock of `logging` meanwhile; another thread may hold ours and wait for that one.
    lock = engine.exclusively()
    if not lock.acquire(timeout=_HANDLER_PATIENCE):
        raise UnifiedLoggerError("another thread is starting logging at the same time")
    try:
        capabilities.start(settings)
    finally:
        lock.release()


def is_started() -> bool:
    """Whether logging was started in this process, or in the one it was forked from."""
    return engine.settings() is not None


def base_name() -> str:
    """The base of the old loggers' names: as configured, before the start as the environment has it."""
    settings = engine.settings()
    if settings is not None:
        return settings.base_name
    return os.environ.get("UNIFIED_LOGGER_BASE_NAME") or "wechat_backend"


del fork_and_exit, traceback  # Imported for what they register, and for the native core, which asks for it.
_core.set_converter(values.convert)
_core.set_listened(stdlib.log_listened)
_core.mark_wrapper(stdlib.as_of_logging(UnifiedLogger.ai).__code__)
stdlib.connect(_start_for_handler, engine.flush)
