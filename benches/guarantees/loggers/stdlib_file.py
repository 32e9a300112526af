"""`logging` with a FileHandler, or a RotatingFileHandler where a bound is asked for."""

from __future__ import annotations

from pathlib import Path

from ._stdlib import PLACE, child_ends, dropped, flush, handler, log, use, value

__all__ = ["PLACE", "child_ends", "dropped", "flush", "hand_over", "log", "start", "take_over", "value"]

TITLE = "stdlib FileHandler / RotatingFileHandler"
PACKAGE = ""
FORMAT = "json"


def start(folder: Path, max_bytes: int = 0, queue_size: int = 0, processes: str = "") -> None:
    use(handler(folder, max_bytes))


def hand_over() -> None:
    return None


def take_over(handed: None, folder: Path, forked: bool) -> None:
    if not forked:
        start(folder)
