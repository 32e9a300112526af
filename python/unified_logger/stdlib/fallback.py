"""`USE_UNIFIED_LOGGING=false`: the same API, files and keys, but handlers of the standard library write them."""

from __future__ import annotations

import sys
from contextlib import suppress

from .. import _core
from .fallback_console import Console
from .fallback_handlers import File
from .formatters import JSONFormatter, TextFormatter, merged
from .marks import carried_by, is_captured, lift, mark, mark_captured
from .reading import level_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping
    from typing import Any

    from ..config import Settings


class FallbackOutput:
    """The handlers of this mode.

    Args:
        settings: The resolved configuration.
        console: The format of the console, as the engine has it.

    Raises:
        OSError: The directory or a file cannot be written.
    """

    def __init__(self, settings: Settings, console: Mapping[str, Any]) -> None:
        if settings.log_dir is not None:
            _core.prepare_directory(settings.log_dir, (settings.dir_mode, settings.dir_mode_given))
        self._count = self._failed = 0
        self._redaction = settings.redaction
        self._files: list[File] = []
        try:
            for file in settings.files:
                if file.enabled:
                    self._files.append(File(str(settings.log_dir), settings, file))
        except BaseException:
            for opened in self._files:
                opened.close()
            raise
        self._console: Console | None = None
        if settings.console_format != "off":
            handler = Console(sys.stdout if settings.console == "stdout" else sys.stderr, settings.redaction)
            handler.setLevel(settings.console_level)
            is_text = console["name"] == "text"
            formatter = (
                TextFormatter(settings.redaction, console) if is_text else JSONFormatter(redaction=settings.redaction)
            )
            handler.setFormatter(formatter)
            self._console = handler

    def emit(self, record: logging.LogRecord, ai: bool = False) -> None:
        """Gives a record to the handlers, once."""
        lift(record)
        if is_captured(record):
            return
        if ai:
            mark(record, carried_by(record), ai)
        self._count += 1
        taken, level = True, level_of(record)
        try:
            ready = merged(record, self._redaction)
        except Exception:  # The handler that formats the record reports it.
            ready = record
        for file in self._files:
            if level >= file.level:
                taken &= file.write(ready)
        if self._console is not None and level >= self._console.level:
            self._console.handle(ready)
            if not self._files:
                taken = not self._console.has_lost
        if not taken:
            self._failed += 1
        mark_captured(record)

    def close(self) -> None:
        """Closes the files."""
        for handler in (*self._files, self._console):
            if handler is not None:
                handler.close()

    def flush(self) -> bool:
        """Writes everything that waits.

        Returns:
            Whether the files took it; without files, whether the console took the last line. A console that was closed has nothing to write.
        """
        done = True
        for file in self._files:
            try:
                file.flush()
            except OSError:
                done = False
        with suppress(OSError, ValueError):
            if self._console is not None:
                self._console.flush()
        return done and (bool(self._files) or self._console is None or not self._console.has_lost)

    def rotate(self) -> bool:
        """Changes each file that has records for a new one.

        Returns:
            Whether all of them are.
        """
        return sum(not file.rotate() for file in self._files) == 0

    def stats(self) -> dict[str, Any]:
        """The native counts, with those of these handlers added."""
        stats: dict[str, Any] = _core.stats()
        for file in self._files:
            for name, count in file.counts.items():
                stats["files"][file.kind][name] += count
        stats["accepted"] += self._count
        stats["written"] += self._count - self._failed
        stats["failed"] += self._failed
        stats["errors"] += sum(file.counts["errors"] for file in self._files)
        if self._console is not None:
            stats["errors"] += self._console.counts["errors"]
            for name in ("written", "dropped"):
                stats["console"][name] += self._console.counts[name]
        return stats
