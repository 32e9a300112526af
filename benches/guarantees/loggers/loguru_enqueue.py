"""loguru with serialize=True and enqueue=True; children of multiprocessing get the logger, as its recipes show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loguru import logger

TITLE = "loguru, enqueue=True"
PACKAGE = "loguru"
FORMAT = "json"
PLACE = "{}"

_logger: Any = logger


def start(folder: Path, max_bytes: int = 0, queue_size: int = 0, processes: str = "") -> None:
    logger.remove()
    logger.add(
        str(folder / "app.log"),
        level="INFO",
        serialize=True,
        enqueue=True,
        context=processes or None,
        rotation=max_bytes or None,
    )


def log(text: str, *args: object) -> None:
    _logger.info(text, *args)


def value(text: str, value: object) -> None:
    _logger.info(text, value=value)


def flush() -> None:
    _logger.complete()


def hand_over() -> Any:
    return logger


def take_over(handed: Any, folder: Path, forked: bool) -> None:
    global _logger
    _logger = handed


def child_ends() -> None:
    _logger.complete()


def dropped() -> int | None:
    return None
