"""The file of `faulthandler` beside the logs, for crashes that no Python code can see. Without a log directory it is standard error."""

from __future__ import annotations

import faulthandler
import os
import sys
import weakref

from .. import _core
from ..config.sections.files import FAULTS
from . import notices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..config import Settings


class _StandardError:
    """Standard error by its number, whatever `sys.stderr` is."""

    def fileno(self) -> int:
        """The number."""
        return 2

    def flush(self) -> None:
        """Nothing: there is no buffer."""


# Only `faulthandler` holds the file: it is closed when `faulthandler` gets another.
_ours: weakref.ref[_core.LogFile] | weakref.ref[_StandardError] | None = None


def start(settings: Settings) -> None:
    """Lets `faulthandler` write to a file beside the logs or to standard error, or ends that."""
    if not settings.fault_handler:
        disable()
        return
    if settings.log_dir is None:
        _enable_on_standard_error()
        return
    try:
        enable(settings.log_dir, (settings.file_mode, settings.file_mode_given), notices.report)
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


def _enable_on_standard_error() -> None:
    """Lets `faulthandler` write to standard error, unless the program has turned it on by itself."""
    global _ours
    if _held() is None and faulthandler.is_enabled():
        return
    if sys.__stderr__ is None:  # The number may lead to any file.
        disable()
        return
    stream = _StandardError()
    faulthandler.enable(stream)
    _ours = weakref.ref(stream)


def disable() -> None:
    """Turns `faulthandler` off if it writes to this library's file, or to standard error for this library."""
    if _held() is not None:
        faulthandler.disable()


def _held() -> _core.LogFile | _StandardError | None:
    """The file, if `faulthandler` writes to it; otherwise None."""
    return None if _ours is None else _ours()
