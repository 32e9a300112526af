"""Levels by name and number: those of `logging`."""

from __future__ import annotations

import logging

from .errors import nearest_word, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Any

    from .config import Settings
    from .process.level_changes import LevelChange

NAMES = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
ALLOWED = f"one of {', '.join(NAMES)}, a level named with logging.addLevelName, or a number from 0 to 100"


def parse(value: object) -> int:
    """A level by its name (in any case) or number.

    Args:
        value: 'INFO', 'info', 20, '20' …

    Returns:
        The number.

    Raises:
        ValueError: There is no such level.
    """
    if isinstance(value, str):
        text = value.strip()
        if text.isascii() and text.isdecimal():
            number: object = int(text)
        else:
            # A name that a program gave a level may have small letters.
            found = map(logging.getLevelName, (text, text.upper()))
            number = next((each for each in found if isinstance(each, int)), None)
    else:
        number = value
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= 100:
        return number
    raise ValueError(_refused(value))


def _refused(value: object) -> str:
    """What is wrong with a value that is no level."""
    meant = nearest_word(value, NAMES)
    question = "" if meant is None else f": did you mean {meant!r}?"
    return f"there is no level {shown(value)}{question}\nIt must be {ALLOWED}"


def name_of(level: int) -> str:
    """The name of a level, or its number if it has none."""
    return str(logging.getLevelName(level))


# Level changes for a time, by the logger's name: a configuration decides which level comes back.
timed: dict[str, LevelChange] = {}


def exclusively() -> AbstractContextManager[Any]:
    """The lock that is held while levels of loggers change together with the levels that come back.

    It is the lock of `logging` itself. `setLevel` takes that lock anyway, and `logging.config` holds it while it makes handlers, which may
    start this library. With a second lock, two threads could each have one and wait for the other. A fork holds it too, so that a
    child finds no half-done change. It is looked up each time, because gevent replaces it.
    """
    lock: AbstractContextManager[Any] = logging._lock  # type: ignore[attr-defined]
    return lock


def base(logger: logging.Logger) -> int:
    """The level of a logger; if that is set for a time, the level that comes back."""
    change = timed.get(logger.name)
    return logger.level if change is None or logger.level != change.level else change.before


def set_base(logger: logging.Logger, level: int) -> None:
    """Sets the level of a logger. A level that was set for a time stays, and this one comes back after it."""
    with exclusively():
        change = timed.get(logger.name)
        if change is not None and logger.level == change.level:
            change.before = level
        else:
            logger.setLevel(level)


# Loggers whose level a configuration has set, with that level.
_configured: dict[str, int] = {}
# Loggers whose level the last start has set, with the level from before, and the levels configured before.
_before: tuple[list[tuple[logging.Logger, int]], dict[str, int]] = ([], {})


def start(settings: Settings) -> None:
    """Sets the levels of a configuration."""
    global _before, _configured
    wanted = _wanted(settings)
    loggers = [logging.getLogger(name) for name in wanted]
    _before = [(logger, base(logger)) for logger in loggers], _configured
    for logger, level in zip(loggers, wanted.values(), strict=True):
        set_base(logger, level)
    _configured = {name: level for name, level in wanted.items() if name and level != logging.NOTSET}


def stop() -> None:
    """Nothing: levels hold to the end."""


def in_child() -> None:
    """Nothing: the child has the levels of its parent."""


def before_start() -> list[tuple[logging.Logger, int]]:
    """The loggers whose level the last start has set, with the level from before."""
    return _before[0]


def take_back() -> None:
    """Restores the levels from before a start that has failed."""
    global _configured
    before, _configured = _before
    for logger, level in before:
        set_base(logger, level)


def _wanted(settings: Settings) -> dict[str, int]:
    """The level of each logger that the configuration names, and of loggers that only the previous one named."""
    wanted = {
        # Other code may have set another level since.
        name: logging.NOTSET
        for name, level in _configured.items()
        if base(logging.getLogger(name)) == level
    }
    wanted.update(dict.fromkeys(settings.suppress_loggers, logging.WARNING))
    wanted.update(settings.logger_levels)
    if settings.sets_root_level:
        wanted[""] = settings.log_level
    return wanted
