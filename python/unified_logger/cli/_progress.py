"""Says on a terminal how far a command has got."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# What takes less is over before anybody wonders, and so often the line changes, seconds.
_PATIENCE = 1.0
_PAUSE = 0.2


class Progress:
    """A line on standard error, if that is a terminal."""

    def __init__(self) -> None:
        self._begun = self._told = time.monotonic()
        self._is_shown = False

    def show(self, told: Callable[[], str]) -> None:
        """Writes the line in the place of the one before, if it is time.

        Args:
            told: Says how far it is. It is asked only then.
        """
        now = time.monotonic()
        if now - self._begun > _PATIENCE and now - self._told > _PAUSE and sys.stderr.isatty():
            self._told, self._is_shown = now, True
            print(f"\r{told()}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Takes the line away, before another one is written."""
        if self._is_shown:
            self._is_shown = False
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
