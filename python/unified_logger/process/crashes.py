"""The file of `faulthandler` beside the logs, for crashes that no Python code can see."""

from __future__ import annotations

import faulthandler
import os
import weakref

from .. import _core
from ..config.sections.files import FAULTS
from . import notices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..config import Settings

# Only `faulthandler` holds the file: it is closed when `faulthandler` gets another.
_ours: weakref.ref[_core.LogFile] | None = None


def start(settings: Settings) -> None:
    """Lets `faulthandler` write to a file beside the logs, or ends that."""
    if not settings.fault_handler:
        disable()
        return
    try:
        enable(str(settings.log_dir), (settings.file_mode, settings.file_mode_given), notices.report)
    except OSError as error:
        notices.report(f"faulthandler has no file beside the logs: {error}")


def stop() -> None:
    """Nothing: a process may crash until the very end."""


def in_child() -> None:
    """Nothing: the child writes to the file of its parent."""


def enable(directory: str, mode: tuple[int, bool], report: Callable[[str], None]) -> None:
    """Lets `faulthandler` write to a file in `directory`, unless the program has turned it on by itself.

    Args:
        directory: The log directory, which exists.
        mode: Mode of a new file, octal, and whether an option gave it.
        report: Called with a sentence if the file is lost.

    Raises:
        OSError: The file cannot be opened, or is not a regular file.
    """
    global _ours
    if _held() is None and faulthandler.is_enabled():
        return

    def lost() -> None:
        # `faulthandler` knows only a number: if a program closes all descriptors, the next file that it opens would get the stacks.
        known = file()
        if known is None or _held() is not known:
            return
        try:
            enable(directory, mode, report)
        except OSError as error:
            disable()
            report(f"the program closed the file of faulthandler, and it cannot be opened again: {error}")

    opened = _core.LogFile(os.path.join(directory, FAULTS), mode)
    file = weakref.ref(opened)
    faulthandler.enable(opened)
    _ours = file
    opened.watch(lost)


def disable() -> None:
    """Turns `faulthandler` off if it writes to this library's file."""
    if _held() is not None:
        faulthandler.disable()


def _held() -> _core.LogFile | None:
    """The file, if `faulthandler` writes to it; otherwise None."""
    return None if _ours is None else _ours()
