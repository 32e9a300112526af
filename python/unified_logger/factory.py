"""The factory of the previous module: a handle on the one engine of the process."""

from __future__ import annotations

from .logger import UnifiedLogger, get_logger
from .process import engine, start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class UnifiedLoggerFactory:
    """Starts, flushes and stops logging, and makes loggers. All factories share one engine."""

    __slots__ = ()

    def initialize(self, *args: Any, **options: Any) -> UnifiedLoggerFactory:
        """Starts logging, or reconfigures it without losing a record. Takes the arguments of `init_logging`.

        Returns:
            This factory.

        Raises:
            ConfigurationError: An option, the environment or the log directory is wrong.
        """
        start.start(start.given(args, options))
        return self

    def get_logger(self, name: str | None = None) -> UnifiedLogger:
        """The logger of this name."""
        return get_logger(name)

    def flush(self, timeout: float | None = None) -> bool:
        """Waits until everything accepted before is on disk.

        Args:
            timeout: Seconds; None waits as long as it takes.

        Returns:
            Whether all of it is on disk.
        """
        return engine.flush(timeout)

    def stats(self) -> dict[str, Any]:
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
