"""Levels by name and number: those of `logging`."""

from __future__ import annotations

import logging

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
