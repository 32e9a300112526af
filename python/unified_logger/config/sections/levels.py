"""Which records are made."""

from __future__ import annotations

from ... import levels
from ..kinds import BOOLEAN, LEVEL, LEVELS, NAMES
from ..options import Section, derived, option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..mappings import Layout
    from ..options import Given


class Levels(Section):
    """Which records are made."""

    log_level: int = option(
        LEVEL,
        "INFO",
        "Level of the root logger: decides whether a record is made.",
        "LOG_LEVEL",
        file=("root.level", "log_level"),
    )
    levels: Mapping[str, int] = option(
        LEVELS,
        {},
        "Levels of single loggers, beside those in `loggers` of a file.",
        "LOG_LEVELS",
        told_as="logger_levels",
    )
    # Of each logger that is named anywhere.
    logger_levels: Mapping[str, int] = derived(
        lambda given: {"levels": {name: levels.name_of(level) for name, level in given.items()}}
    )
    suppress_loggers: tuple[str, ...] = derived(lambda names: {"suppress_loggers": names})
    # Whether the root logger is given a handler and a level: not by a handler that a configuration of `logging` makes.
    on_root: bool = derived()
    sets_root_level: bool = derived()

    @classmethod
    def blocks(cls) -> Layout:
        """Loggers with what they have, as `logging.config` lays them out."""
        return {
            "loggers": {"*": {"level": LEVEL, "handlers": NAMES, "propagate": BOOLEAN}},
            "root": {"level": LEVEL, "handlers": NAMES},
            "suppress_loggers": NAMES,
        }

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """The level of each logger that is named anywhere, from where it is named first in the order of precedence."""
        named = {
            name: levels.parse(block["level"])
            for name, block in given.block("loggers").items()
            if block and "level" in block
        }
        for _, said in given.each("levels"):
            named |= said
        return {
            "logger_levels": named,
            "suppress_loggers": tuple(given.blocks.get("suppress_loggers") or ()),
            "on_root": not given.by_handler,
            "sets_root_level": not given.by_handler or "log_level" in given.arguments,
        }
