"""Functions of the program that see each record before it is captured. The native core calls them."""

from __future__ import annotations

from .. import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..config import Settings


def start(settings: Settings) -> None:
    """Shows all records from now on to the functions of the settings."""
    _core.set_processors(settings.processors)


def stop() -> None:
    """Nothing: what is logged until the end comes to them."""


def in_child() -> None:
    """Nothing: a child has the functions of its parent."""
