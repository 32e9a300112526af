"""The file of `faulthandler` beside the logs: what the interpreter says of a crash that no Python code can see."""

from __future__ import annotations

import faulthandler
import os
import weakref

from . import _core
from .config.resolve import FAULTS


class _File:
    """The open file. `faulthandler` holds it, and nobody else: it closes when another takes its place."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._close = os.close  # at the interpreter's end `os` may be gone

    def fileno(self) -> int:
        """What `faulthandler` writes to."""
        return self._descriptor

    def flush(self) -> None:
        """Nothing is held back here."""

    def __del__(self) -> None:
        self._close(self._descriptor)


_ours: weakref.ref[_File] | None = None


def enable(directory: str, mode: int) -> None:
    """Lets `faulthandler` write to a file in `directory`, unless the program has turned it on by itself.

    Args:
        directory: The log directory, which exists.
        mode: Mode of a new file, octal.

    Raises:
        OSError: The file cannot be opened, or is no file.
    """
    global _ours
    before = _held()
    if before is None and faulthandler.is_enabled():
        return
    file = _File(_core.open_log(os.path.join(directory, FAULTS), mode))
    faulthandler.enable(file)
    _ours = weakref.ref(file)


def disable() -> None:
    """Turns `faulthandler` off if it writes to our file."""
    if _held() is not None:
        faulthandler.disable()


def _held() -> _File | None:
    """Our file, as long as `faulthandler` writes to it."""
    return None if _ours is None else _ours()
