"""What loggers of the standard library share: JSON by python-json-logger, as in the benches."""

from __future__ import annotations

import logging
import logging.handlers
from pathlib import Path

from contenders._stdlib import file_handler, formatter

from . import KEEP

PLACE = "%d"
logger = logging.getLogger("app")


def handler(folder: Path, max_bytes: int) -> logging.Handler:
    if not max_bytes:
        return file_handler(folder)
    rotating = logging.handlers.RotatingFileHandler(
        folder / "app.log", maxBytes=max_bytes, backupCount=KEEP, encoding="utf-8"
    )
    rotating.setFormatter(formatter())
    return rotating


def use(handler: logging.Handler) -> None:
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)


def log(text: str, *args: object) -> None:
    logger.info(text, *args)


def value(text: str, value: object) -> None:
    logger.info(text, extra={"value": value})


def flush() -> None:
    for handler in logger.handlers:
        handler.flush()


def child_ends() -> None:
    """Nothing is asked of a child."""


def dropped() -> int | None:
    return None
