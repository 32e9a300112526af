"""Changes log files for new ones at a signal."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from . import capabilities, engine, notices, signals, timers

if TYPE_CHECKING:
    from ..config import Settings

# How long it is tried again where it fails, seconds.
_PATIENCE = 5.0
# All processes of a server may be sent the signal: a file that one of them has changed so short a time ago is changed, seconds.
_TOGETHER = 2.0


def _rotate(name: str) -> None:
    if not engine.rotate(_PATIENCE, _TOGETHER):
        notices.report(f"log files were not all changed for new ones ({name})", function="rotate_logging")


def ask(name: str) -> None:
    """Has the files changed soon, as at a signal.

    Args:
        name: The name of the signal, for notices.
    """
    with suppress(RuntimeError):  # No thread can be started.
        timers.later(0, lambda: _rotate(name))


_listener = signals.Listener("rotate.signal:", _rotate)


def start(settings: Settings) -> None:
    """Listens to the signal of the settings, or to none any more."""
    _listener.listen(settings.rotation_signal or signals.NONE)


def stop() -> None:
    """Nothing: without the handler, the signal would end a process that is about to end."""


def in_child() -> None:
    """Nothing: a child has inherited the handler, and what it asks for."""


capabilities.join(__name__)
