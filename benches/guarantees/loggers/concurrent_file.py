"""`logging` with the ConcurrentRotatingFileHandler of concurrent-log-handler."""

from __future__ import annotations

import os
from pathlib import Path

from concurrent_log_handler import ConcurrentRotatingFileHandler

from . import KEEP
from ._stdlib import PLACE, child_ends, dropped, flush, formatter, log, logger, use, value

__all__ = ["PLACE", "child_ends", "dropped", "flush", "hand_over", "log", "start", "take_over", "value"]

TITLE = "concurrent-log-handler"
PACKAGE = "concurrent-log-handler"
FORMAT = "json"

_options: tuple[Path, int] | None = None


def start(folder: Path, max_bytes: int = 0, queue_size: int = 0, processes: str = "") -> None:
    global _options
    if _options is None:
        os.register_at_fork(after_in_child=_again)  # as its guidelines recommend
    _options = folder, max_bytes
    handler = ConcurrentRotatingFileHandler(
        str(folder / "app.log"), maxBytes=max_bytes, backupCount=KEEP, encoding="utf-8"
    )
    handler.setFormatter(formatter())
    use(handler)


def _again() -> None:
    assert _options is not None
    logger.handlers.clear()
    start(*_options)


def hand_over() -> None:
    return None


def take_over(handed: None, folder: Path, forked: bool) -> None:
    if not forked:
        start(folder)
