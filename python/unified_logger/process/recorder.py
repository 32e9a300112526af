"""Tells the core and the scopes what is recorded of traces, if the option `recorder` asks for it."""

from __future__ import annotations

from .. import _core
from ..context import recording
from . import capabilities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..config import Settings


def start(settings: Settings) -> None:
    """Records the traces that begin from now on as the settings have it."""
    recorded = settings.recorded
    if recorded is None:
        _core.set_recorder(None)
    else:
        _core.set_recorder(*recorded)
    recording.configure(recorded is not None, settings.recorder_secret)


def stop() -> None:
    """Nothing: what waits at the end is forgotten."""


def in_child() -> None:
    """Nothing: a child records as its parent does, and leaves the parent's records to it."""


capabilities.join(__name__)
