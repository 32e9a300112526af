"""What the library has to say of itself, as records of its own."""

from __future__ import annotations

import logging

from .. import _core
from ..logger import get_logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..config import Settings

# Whether the fallback handlers are in the place of the engine: then a notice is a record of `logging`.
without_engine = False


def start(settings: Settings) -> None:
    """Says what there is to say of the settings."""
    for notice in settings.notices:
        report(notice)


def stop() -> None:
    """Nothing: there may be something to say to the end."""


def in_child() -> None:
    """Nothing: what was said was said by the parent."""


def report(
    notice: str,
    fields: Mapping[str, int | float | str | None] | None = None,
    level: int = logging.WARNING,
    function: str = "init_logging",
) -> None:
    """Logs something of the library's own, whatever the levels of loggers are.

    Args:
        notice: The message.
        fields: Its fields; those that are None are left out.
        level: Its level.
        function: The function that has something to say.
    """
    given = {name: value for name, value in (fields or {}).items() if value is not None}
    if without_engine:
        logger = logging.getLogger("unified_logger")
        place = (logger.name, level, __file__, 0, notice, (), None, function)
        logger.handle(logger.makeRecord(*place, extra=given))
    elif not _core.say(function, notice, level, list(given.items())):
        get_logger("unified_logger").log(level, notice, extra=given)
