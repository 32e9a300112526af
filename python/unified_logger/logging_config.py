"""The old names: loggers and functions of the module that this package replaces.

Existing code that says `from .logging_config import app_logger` keeps working when its own `logging_config` consists of
`from unified_logger.logging_config import *`. The loggers' common base is the option `base_name` (`wechat_backend`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import shutdown_logging as _shutdown
from .api import init_logging
from .logger import UnifiedLogger, get_logger
from .process import start

if TYPE_CHECKING:
    from os import PathLike

    app_logger: UnifiedLogger
    api_logger: UnifiedLogger
    db_logger: UnifiedLogger
    wechat_logger: UnifiedLogger

__all__ = [
    "api_logger",
    "app_logger",
    "db_logger",
    "get_logger",
    "setup_logging",
    "shutdown_logging",
    "wechat_logger",
]

# Under the base name.
_SUFFIXES = {"app_logger": "", "api_logger": ".api", "db_logger": ".database", "wechat_logger": ".wechat"}


def __getattr__(name: str) -> Any:
    # At the first use, not at import: by then the base name is known.
    if name in _SUFFIXES:
        return get_logger(start.base_name() + _SUFFIXES[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def setup_logging(
    log_level: str | int = "INFO",
    log_file: str | PathLike[str] | None = None,
    max_bytes: int = 10 * 1024 * 1024,
    backup_count: int = 7,
) -> UnifiedLogger:
    """Starts logging like the previous module.

    Args:
        log_level: Level of the root logger.
        log_file: A file in the log directory; only its directory counts. None is the configured directory.
        max_bytes: Size at which files are rotated, bytes.
        backup_count: Rotated files kept.

    Returns:
        The application's logger.

    Raises:
        ConfigurationError: An option, the environment or the log directory is wrong.
    """
    options: dict[str, Any] = {"log_level": log_level, "max_bytes": max_bytes, "backup_count": backup_count}
    if log_file is not None:
        options["log_dir"] = str(Path(log_file).parent)
    init_logging(**options)
    return get_logger(start.base_name())


def shutdown_logging(timeout: float = 5.0) -> bool:
    """Writes what is queued and stops the writer.

    Args:
        timeout: Seconds.

    Returns:
        Whether everything is written.
    """
    return _shutdown(timeout)
