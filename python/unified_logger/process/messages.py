"""The style of messages, for all loggers without one of their own."""

from __future__ import annotations

from .. import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..config import Settings


def start(settings: Settings) -> None:
    """Sets the style of the configuration. Loggers follow at their next call."""
    _core.set_message_style(settings.message_style)


def stop() -> None:
    """Nothing: the style holds to the end."""


def in_child() -> None:
    """Nothing: the child has the style of its parent."""
