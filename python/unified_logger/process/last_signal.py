"""Writes everything before a server of uvicorn ends its process by the signal that it was sent.

uvicorn puts the handlers back that were there before it, and raises the signal again. Where that was no handler the process ends at once,
and no exit hook runs: records would wait for the next process, and the black box would stay. uvicorn tells of that only in a record at INFO,
which `--log-level warning` leaves out. So the call that raises the signal is watched, and nothing that depends on a level.
"""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from types import ModuleType

from . import engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..config import Settings

# The module that raises the signal.
SERVER = "uvicorn.server"
# How long the process waits for its records to be written, seconds.
_PATIENCE = 5.0


def start(settings: Settings) -> None:
    """Watches uvicorn, if the program has imported it."""
    _watch_if_imported()


def stop() -> None:
    """Nothing: the signal may be raised until the very end."""


def in_child() -> None:
    """Watches uvicorn, if it was imported since the start: a worker of gunicorn need not start logging itself."""
    _watch_if_imported()


def watch(server: ModuleType) -> None:
    """Watches uvicorn. Harmless when repeated.

    It is also in time inside of a running server, which imports the application when its own handlers of signals are there already.

    Args:
        server: The module that raises the signal.
    """
    # Another thread may be importing the module, and it has not got so far.
    if vars(server).get("signal") is signal:
        server.signal = _Signals("signal")  # type: ignore[attr-defined] # what it has imported


def _watch_if_imported() -> None:
    server = sys.modules.get(SERVER)
    if server is not None:
        watch(server)


class _Signals(ModuleType):
    """The module `signal` as uvicorn sees it."""

    def __getattr__(self, name: str) -> Any:
        """All else is as it is there at that time."""
        return getattr(signal, name)

    @staticmethod
    def raise_signal(number: int) -> None:
        """Raises a signal. If it ends the process, everything is written before that."""
        # A handler of the program's own decides itself, and records of what it does are still to come.
        with suppress(Exception):
            if signal.getsignal(number) is signal.SIG_DFL:
                engine.shutdown(_PATIENCE)
        signal.raise_signal(number)
