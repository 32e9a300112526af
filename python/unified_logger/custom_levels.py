"""Levels that a program adds, with methods of their own."""

from __future__ import annotations

import keyword
import logging

from . import _core, levels
from .logger import UnifiedLogger

# The numbers of the levels that were added, by their names.
_added: dict[str, int] = {}


def add_level(name: str, number: int) -> int:
    """Gives all loggers of `get_logger` a method for a level: `add_level("AUDIT", 25)` makes `logger.audit(…)`.

    The method takes what `info` takes. The name is also known to `logging`, and wherever a level is configured. Several levels may have
    one number: each record has the name of its method. What `logging` calls the number stays as it is if it has a name already.

    Args:
        name: The level's name. The method has the same name in small letters.
        number: From 1 to 100.

    Returns:
        The number.

    Raises:
        TypeError: The name is not a text, or the number not an integer.
        ValueError: The name or the number is not allowed, the level exists with another number, or loggers have another attribute of the
            method's name.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a level must be a text, not {name!r}")
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(f"the number of level {name!r} must be an integer, not {number!r}")
    method = name.lower()
    if not method.isidentifier() or method.startswith("_") or keyword.iskeyword(method):
        raise ValueError(f"{name!r} cannot be a level's name: loggers get a method of this name")
    if not 1 <= number <= 100:
        raise ValueError(f"the number of level {name!r} must be from 1 to 100, not {number}")
    with levels.exclusively():
        known = logging.getLevelName(name)
        known = _added.get(name, known if isinstance(known, int) else None)
        if known is not None and known != number:
            raise ValueError(f"level {name!r} has the number {known} already, so it cannot have {number}")
        if name in _added or name in levels.NAMES:
            return number
        if hasattr(UnifiedLogger, method):
            raise ValueError(f"{name!r} cannot be a level's name: loggers have an attribute {method!r} already")
        _core.add_level(name, number, method)
        _added[name] = number
        before = logging.getLevelName(number)
        logging.addLevelName(number, name)
        if before not in (f"Level {number}", name):
            logging.addLevelName(number, before)
    return number
