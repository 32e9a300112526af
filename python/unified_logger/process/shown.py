"""What is shown of an exception: whether the console has shown it, so that Python need not print it again, and its objects as texts."""

from __future__ import annotations

import sys

from .. import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..config import Settings

_is_followed = False


def follow(settings: Settings) -> None:
    """Follows the console from now on, if it shows exceptions to people.

    Args:
        settings: Those of a start.
    """
    global _is_followed
    _is_followed = settings.log_uncaught and settings.shows_exceptions()


def is_followed() -> bool:
    """Whether the console shows exceptions to people."""
    return _is_followed and not sys.is_finalizing()


def counts() -> tuple[int, int]:
    """Lines that the console has shown and dropped so far."""
    if not is_followed():
        return 0, 0
    console = _core.stats()["console"]
    return console["written"], console["dropped"]


def is_since(before: tuple[int, int]) -> bool:
    """Whether the console has shown a record, as far as its counts tell.

    Args:
        before: The counts from before the record.

    Returns:
        Whether it has, and has dropped none.
    """
    written, dropped = counts()
    return written > before[0] and dropped == before[1]


def repr_of(thing: object) -> str:
    """The text of an object, whatever it does."""
    try:
        return repr(thing)
    except Exception as error:
        return f"<{type(thing).__name__}, whose repr() raised {type(error).__name__}>"
