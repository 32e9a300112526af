"""logxide with its FileHandler; it has no rotation of its own, so that the standard library's handler rotates.

Its file lines are the bare message: version 0.1.2 applies neither formatter nor arguments, so that they are merged here.
"""

from __future__ import annotations

import logging.handlers
from pathlib import Path

import logxide
from logxide import logging as native

from . import KEEP

TITLE = "logxide"
PACKAGE = "logxide"
FORMAT = "text"
PLACE = "%d"

LINE = "%(created)f %(levelname)s %(name)s %(process)d %(message)s"
logger = native.getLogger("app")


def start(folder: Path, max_bytes: int = 0, queue_size: int = 0, processes: str = "") -> None:
    path = str(folder / "app.log")
    if max_bytes:
        handler = logging.handlers.RotatingFileHandler(path, maxBytes=max_bytes, backupCount=KEEP, encoding="utf-8")
    else:
        handler = native.FileHandler(path)
    handler.setFormatter(native.Formatter(LINE))
    logger.setLevel(native.INFO)
    logger.addHandler(handler)


def log(text: str, *args: object) -> None:
    if all(isinstance(arg, int) for arg in args):
        logger.info(text % args if args else text)
    else:
        logger.info(text, *args)


def value(text: str, value: object) -> None:
    logger.info("%r " + text, value)


def flush() -> None:
    logxide.flush()
    for handler in logger.handlers:
        if hasattr(handler, "flush"):
            handler.flush()


def hand_over() -> None:
    return None


def take_over(handed: None, folder: Path, forked: bool) -> None:
    if not forked:
        start(folder)


def child_ends() -> None:
    """Nothing is asked of a child."""


def dropped() -> int | None:
    return None
