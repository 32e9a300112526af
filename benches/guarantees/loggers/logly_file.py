"""logly with serialize=True and enqueue=True; every process sets up its own, as its guide says."""

from __future__ import annotations

from pathlib import Path

from logly import logger

from . import KEEP

TITLE = "logly, enqueue=True"
PACKAGE = "logly"
FORMAT = "json"
PLACE = "{}"


def start(folder: Path, max_bytes: int = 0, queue_size: int = 0, processes: str = "") -> None:
    logger.remove()
    bound = {"rotation": f"{max_bytes} B", "retention": KEEP} if max_bytes else {}
    logger.add(str(folder / "app.log"), level="INFO", serialize=True, enqueue=True, **bound)


def log(text: str, *args: object) -> None:
    logger.info(text, *args)


def value(text: str, value: object) -> None:
    logger.info(text, value=value)


def flush() -> None:
    logger.complete()


def hand_over() -> None:
    return None


def take_over(handed: None, folder: Path, forked: bool) -> None:
    start(folder)


def child_ends() -> None:
    logger.complete()


def dropped() -> int | None:
    return None
