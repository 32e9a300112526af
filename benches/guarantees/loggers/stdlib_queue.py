"""`logging` with QueueHandler and QueueListener; between processes the queue is multiprocessing's, as in its cookbook."""

from __future__ import annotations

import atexit
import multiprocessing
import queue
from logging.handlers import QueueHandler, QueueListener
from pathlib import Path
from typing import Any

from ._stdlib import PLACE, child_ends, dropped, handler, log, logger, use, value

__all__ = ["PLACE", "child_ends", "dropped", "flush", "hand_over", "log", "start", "take_over", "value"]

TITLE = "stdlib QueueHandler + QueueListener"
PACKAGE = ""
FORMAT = "json"

_queue: Any = None
_listener: Any = None


def start(folder: Path, max_bytes: int = 0, queue_size: int = 0, processes: str = "") -> None:
    global _queue, _listener
    _queue = multiprocessing.get_context(processes).Queue(-1) if processes else queue.Queue(-1)
    use(QueueHandler(_queue))
    _listener = QueueListener(_queue, handler(folder, max_bytes))
    _listener.start()
    atexit.register(_listener.stop)


def flush() -> None:
    """There is no flush: the listener is stopped, which writes what is queued, and started again."""
    _listener.stop()
    _listener.start()


def hand_over() -> Any:
    return _queue


def take_over(handed: Any, folder: Path, forked: bool) -> None:
    for old in list(logger.handlers):
        logger.removeHandler(old)
    use(QueueHandler(handed))
