"""`logging` with a FileHandler."""

from __future__ import annotations

import logging
from pathlib import Path

from ._stdlib import calls, disabled, errors, file_handler, files, logger

__all__ = ["calls", "disabled", "errors", "files", "finish", "start"]

TITLE = "stdlib FileHandler + python-json-logger (orjson)"
OMITS = "trace_id, span_id"
KIND = "logger"


def start(folder: Path) -> None:
    logger.setLevel(logging.INFO)
    logger.addHandler(file_handler(folder))


def finish() -> None:
    for handler in logger.handlers:
        handler.flush()
