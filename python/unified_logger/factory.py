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
        """Starts logging, or reconfigures it without losing a record. Takes the arguments of `init_logging`, and does the same.

        An option that is left out comes from the environment, or has its default.

        Args:
            log_level: Level of the root logger ('INFO'); decides whether a record is made, as in `logging`.
            log_dir: Directory of the log files ('logs'); None for no files.
            queue_size: Records that the queue holds (10,000).
            max_bytes: Size at which app.log and errors.log are rotated, bytes (10 MiB); 0 never rotates.
            backup_count: Rotated files kept of each (7); 0 never rotates.
            console_level: Least level on the console ('INFO').
            file_level: Least level in app.log ('DEBUG').
            enable_ai_handler: Whether AI records also go to ai_responses.log (True).
            ai_max_bytes: Size at which ai_responses.log is rotated, bytes (100 MiB); 0 never rotates.
            ai_backup_count: Rotated files kept of ai_responses.log (30); 0 never rotates.
            **options: The further options of `init_logging`, by name.

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
        """Waits until everything accepted before is on disk, as `flush_logging` does.

        Args:
            timeout: Seconds; None waits as long as it takes, unless a disk has failed.

        Returns:
            Whether all of it is on disk. The answer does not tell whether functions of `add_sink` have had it.
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
