"""The functions most programs need."""

from __future__ import annotations

from . import _core
from .factory import UnifiedLoggerFactory
from .logger import get_logger
from .process import engine, start
from .values import register as register_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from logging import Logger
    from os import PathLike
    from typing import Any, TypeVar

    from .logger import UnifiedLogger
    from .process.level_changes import LevelChange

    _Function = TypeVar("_Function", bound=Callable[..., Any])

__all__ = [
    "flush_logging",
    "get_levels",
    "get_logger",
    "get_stats",
    "init_logging",
    "init_logging_from_config",
    "install_asyncio_handler",
    "load_config",
    "mark_wrapper",
    "register_value",
    "reload_logging",
    "set_level",
    "shutdown_logging",
]

# Tells a value that was given from a default: only what was given outranks environment and file.
_DEFAULT: Any = type("Default", (), {"__repr__": lambda self: "<default>"})()


def init_logging(
    log_level: str | int = _DEFAULT,
    log_dir: str | PathLike[str] = _DEFAULT,
    queue_size: int = _DEFAULT,
    max_bytes: int = _DEFAULT,
    backup_count: int = _DEFAULT,
    console_level: str | int = _DEFAULT,
    file_level: str | int = _DEFAULT,
    enable_ai_handler: bool = _DEFAULT,
    ai_max_bytes: int = _DEFAULT,
    ai_backup_count: int = _DEFAULT,
    **options: Any,
) -> UnifiedLoggerFactory:
    """Starts logging. Called again, it reconfigures without losing a record.

    What is not given here comes from the environment, and then from the defaults below.

    Args:
        log_level: Level of the root logger ('INFO'); decides whether a record is made, as in `logging`.
        log_dir: Directory of the log files ('logs'), made if missing.
        queue_size: Records the queue holds (10,000).
        max_bytes: Size at which app.log and errors.log are rotated, bytes (10 MiB); 0 never rotates.
        backup_count: Rotated files kept of each (7); 0 never rotates.
        console_level: Least level on the console ('INFO').
        file_level: Least level in app.log ('DEBUG').
        enable_ai_handler: Whether AI records also go to ai_responses.log (True).
        ai_max_bytes: Size at which ai_responses.log is rotated, bytes (100 MiB).
        ai_backup_count: Rotated files of it kept (30).
        **options: `overflow` ('block', 'drop_new', 'drop_old' or 'drop_low'), `overflow_timeout` (5.0 seconds),
            `queue_bytes` (64 MiB), `console_format` ('auto', 'text', 'json' or 'off') and all others of
            docs/configuration.md.

    Returns:
        A handle on the engine.

    Raises:
        ConfigurationError: An option, the environment or the log directory is not as it must be. Logging goes on as it
            was before the call.
    """
    named = {
        "log_level": log_level,
        "log_dir": log_dir,
        "queue_size": queue_size,
        "max_bytes": max_bytes,
        "backup_count": backup_count,
        "console_level": console_level,
        "file_level": file_level,
        "enable_ai_handler": enable_ai_handler,
        "ai_max_bytes": ai_max_bytes,
        "ai_backup_count": ai_backup_count,
    }
    start.start({name: value for name, value in named.items() if value is not _DEFAULT} | options)
    return UnifiedLoggerFactory()


def load_config(path: str | PathLike[str]) -> dict[str, Any]:
    """Reads and validates a YAML configuration.

    Args:
        path: The file.

    Returns:
        The configuration as it stands in the file.

    Raises:
        ConfigurationError: The file cannot be read, or something in it is not as it must be.
    """
    from .config.file import load_config as load

    return load(path)


def init_logging_from_config(path: str | PathLike[str], **options: Any) -> UnifiedLoggerFactory:
    """Starts logging as a YAML file says.

    Args:
        path: The file.
        **options: Options of `init_logging`; they outrank environment and file.

    Returns:
        A handle on the engine.

    Raises:
        ConfigurationError: The file, the environment or an option is not as it must be.
    """
    from .process.reload import start_from_file

    start_from_file(path, options)
    return UnifiedLoggerFactory()


def reload_logging() -> dict[str, tuple[Any, Any]]:
    """Reads the file of `init_logging_from_config` again, and applies it without losing a record.

    The environment and the options that were given then still outrank it. Each change is logged.

    Returns:
        The options that are others now, by name, with the values before and after.

    Raises:
        ConfigurationError: Something in the file is not as it must be. Everything stays as it was, and one ERROR record says why.
        UnifiedLoggerError: Logging was not started from a file.
    """
    from .process.reload import reload

    return reload()


def set_level(
    logger: str | Logger | UnifiedLogger, level: str | int | None, seconds: float | None = None
) -> LevelChange:
    """Sets the level of a logger while the program runs, for good or for a time. The change is logged.

    A second call for the same logger takes the place of a level that was set for a time.

    Args:
        logger: A logger, or its name; "" is the root logger.
        level: By name or number; None has the logger inherit again.
        seconds: After so long the logger gets back what it had before, unless somebody else has set its level meanwhile. None is
            for good.

    Returns:
        The change: its `revert()` takes it back, and so does the end of a `with` block.

    Raises:
        ConfigurationError: Level or seconds are not as they must be.
        TypeError: It is no logger.
    """
    from .process.level_changes import set_level as set_

    return set_(logger, level, seconds)


def get_levels() -> dict[str, str]:
    """The levels that are set at the moment, by the logger's name; loggers that inherit theirs are not among them."""
    from .process.level_changes import get_levels as get

    return get()


def flush_logging(timeout: float | None = None) -> bool:
    """Waits until everything accepted before this call is on disk.

    Args:
        timeout: Seconds; None waits as long as it takes, unless a disk has failed.

    Returns:
        Whether it is on disk.
    """
    return engine.flush(timeout)


def shutdown_logging(timeout: float = 10.0) -> bool:
    """Writes what is queued and stops the writer. Optional (an exit hook does it) and harmless when repeated.

    Args:
        timeout: Seconds.

    Returns:
        Whether nothing was left unwritten.
    """
    return engine.shutdown(timeout)


def get_stats() -> dict[str, Any]:
    """What was counted since the process began, as plain integers. Exact after a flush.

    Returns:
        `accepted`, `filtered`, `written`, `dropped` (and `dropped_by_reason`, by level), `failed`, `malformed`, `files`
        (`written`, `bytes`, `rotations` and `errors` of each), `console`, `queue_depth`, `queue_high_water`,
        `writer_lag_us` (microseconds) and further counts of docs/statistics.md.
    """
    return engine.stats()


def install_asyncio_handler(loop: AbstractEventLoop | None = None) -> None:
    """Logs the exceptions that an event loop could give to nobody, then calls the handler that was there before.

    The record, at ERROR, has the loop's message, the task's name and the exception. Harmless when repeated.

    Args:
        loop: The loop; None is the running one.

    Raises:
        RuntimeError: No loop is given and none is running.
    """
    from .process.uncaught import install_asyncio_handler as install

    install(loop)


def mark_wrapper(function: _Function) -> _Function:
    """Marks a function that wraps logging calls: their records name its caller. Usable as a decorator.

    Args:
        function: A Python function.

    Returns:
        The same function.
    """
    _core.mark_wrapper(function.__code__)
    return function
