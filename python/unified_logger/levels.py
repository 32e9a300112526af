"""Levels by name and number: those of `logging`."""

from __future__ import annotations

import logging
from threading import RLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .level_changes import LevelChange

NAMES = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
ALLOWED = f"one of {', '.join(NAMES)}, a level named with logging.addLevelName, or a number from 0 to 100"


def parse(value: object) -> int:
    """A level by its name (in any case) or number.

    Args:
        value: 'INFO', 'info', 20, '20' …

    Returns:
        The number.

    Raises:
        ValueError: It names no level.
    """
    if isinstance(value, str):
        text = value.strip().upper()
        number = int(text) if text.isascii() and text.isdecimal() else logging.getLevelName(text)
    else:
        number = value
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= 100:
        return number
    raise ValueError(f"must be {ALLOWED}")


# Changes that are for a time, by the logger's name: a configuration decides what they go back to.
timed: dict[str, LevelChange] = {}
# Held while levels of loggers change together with what they go back to. A forked child has a new one.
lock = RLock()


def base(logger: logging.Logger) -> int:
    """The level a logger has, or goes back to when the time of its present one is over."""
    change = timed.get(logger.name)
    return logger.level if change is None or logger.level != change.level else change.before


def set_base(logger: logging.Logger, level: int) -> None:
    """Sets a logger's level; one that was set for a time stays, and goes back to this."""
    with lock:
        change = timed.get(logger.name)
        if change is not None and logger.level == change.level:
            change.before = level
        else:
            logger.setLevel(level)
