"""The factory of the previous module: a handle on the one engine of the process."""

from __future__ import annotations

from .logger import UnifiedLogger, get_logger
from .process import engine, start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike
    from typing import Any, Literal

    from typing_extensions import Unpack

    from .typing import FurtherOptions, Level, Stats

# Tells a given value from a default: only a given value outranks environment and file.
DEFAULT: Any = type("Default", (), {"__repr__": lambda self: "<default>"})()


class UnifiedLoggerFactory:
    """Starts, flushes and stops logging, and makes loggers. All factories share one engine."""

    __slots__ = ()

    def initialize(
        self,
        log_level: Level = DEFAULT,
        log_dir: str | PathLike[str] | None = DEFAULT,
        queue_size: int = DEFAULT,
        max_bytes: int | str = DEFAULT,
        backup_count: int = DEFAULT,
        console_level: Level = DEFAULT,
        file_level: Level = DEFAULT,
        enable_ai_handler: bool = DEFAULT,
        ai_max_bytes: int | str = DEFAULT,
        ai_backup_count: int = DEFAULT,
        **options: Unpack[FurtherOptions],
    ) -> UnifiedLoggerFactory:
        """Starts logging, or reconfigures it without losing a record. Takes the arguments of `init_logging`.

        Returns:
            This factory.

        Raises:
            ConfigurationError: An option, the environment or the log directory is wrong.
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
        start.start({**{name: value for name, value in named.items() if value is not DEFAULT}, **options})
        return self

    def get_logger(self, name: str | None = None, style: Literal["%", "{"] | None = None) -> UnifiedLogger:
        """The logger of this name and style, as the function `get_logger` gives it."""
        return get_logger(name, style)

    def flush(self, timeout: float | None = None) -> bool:
        """Waits until everything accepted before is on disk.

        Args:
            timeout: Seconds; None waits as long as it takes.

        Returns:
            Whether all of it is on disk.
        """
        return engine.flush(timeout)

    def stats(self) -> Stats:
        """The counts, as plain integers. Exact after a flush."""
        return engine.stats()

    def shutdown(self, timeout: float = 10.0) -> bool:
        """Writes what is queued and stops the writer. Later records are written by the calls themselves.

        Args:
            timeout: Seconds.

        Returns:
            Whether everything is written.
        """
        return engine.shutdown(timeout)
