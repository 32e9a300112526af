"""picologging with its FileHandler or RotatingFileHandler; it takes no fields and has no JSON.

Its `%(asctime)s` is left out: on CPython 3.11 it is bytes of other memory.
"""

from __future__ import annotations

from pathlib import Path

import picologging
from picologging.handlers import RotatingFileHandler

from . import KEEP

TITLE = "picologging"
PACKAGE = "picologging"
FORMAT = "text"
PLACE = "%d"

logger = picologging.getLogger("app")


def start(folder: Path, max_bytes: int = 0, queue_size: int = 0, processes: str = "") -> None:
    path = str(folder / "app.log")
    handler = (
        RotatingFileHandler(path, maxBytes=max_bytes, backupCount=KEEP, encoding="utf-8")
        if max_bytes
        else picologging.FileHandler(path, encoding="utf-8")
    )
    handler.setFormatter(picologging.Formatter("%(created)f %(levelname)s %(name)s %(process)d %(message)s"))
    logger.setLevel(picologging.INFO)
    logger.addHandler(handler)


def log(text: str, *args: object) -> None:
    logger.info(text, *args)


def value(text: str, value: object) -> None:
    logger.info("%r " + text, value)


def flush() -> None:
    for handler in logger.handlers:
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
