"""The library's notices about itself, as records."""

from __future__ import annotations

import logging

from .. import _core
from ..logger import get_logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..config import Settings

# Whether the fallback handlers are used instead of the engine: then a notice is a record of `logging`.
without_engine = False


def start(settings: Settings) -> None:
    """Logs the notices of the settings."""
    for notice in settings.notices:
        report(notice)


def stop() -> None:
    """Nothing: notices may be logged until the end."""


def in_child() -> None:
    """Nothing: the parent has logged its notices."""


def report(
    notice: str,
    fields: Mapping[str, int | float | str | None] | None = None,
    level: int = logging.WARNING,
    function: str = "init_logging",
) -> None:
    """Logs a notice, whatever the levels of loggers are.

    Args:
        notice: The message.
        fields: Its fields; fields that are None are left out.
        level: Its level.
        function: The function that logs it.
    """
    given = {name: value for name, value in (fields or {}).items() if value is not None}
    if without_engine:
        logger = logging.getLogger("unified_logger")
        place = (logger.name, level, __file__, 0, notice, (), None, function)
        logger.handle(logger.makeRecord(*place, extra=given))
    elif not _core.say(function, notice, level, list(given.items())):
        get_logger("unified_logger", "%").log(level, notice, extra=given)
