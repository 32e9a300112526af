"""`logging` with QueueHandler and QueueListener: the design this library replaces."""

from __future__ import annotations

import logging
import queue
from logging.handlers import QueueHandler, QueueListener
from pathlib import Path

from ._stdlib import calls, disabled, errors, file_handler, files, logger

__all__ = ["calls", "disabled", "errors", "files", "finish", "start"]

TITLE = "stdlib QueueHandler + python-json-logger (orjson)"
OMITS = "trace_id, span_id"
KIND = "logger"

records: queue.Queue[logging.LogRecord] = queue.Queue(-1)
listener: QueueListener


def start(folder: Path) -> None:
    global listener
    logger.setLevel(logging.INFO)
    logger.addHandler(QueueHandler(records))
    listener = QueueListener(records, file_handler(folder))
    listener.start()


def finish() -> None:
    records.join()
    for handler in listener.handlers:
        handler.flush()
