"""The file of `faulthandler` beside the logs: what the interpreter says of a crash that no Python code can see."""

from __future__ import annotations

import faulthandler
import os
import stat
import weakref

from .config.resolve import FAULTS

# Others may write there: a link in such a directory may be anybody's.
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


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
    file = _File(_open(directory, mode))
    faulthandler.enable(file)
    _ours = weakref.ref(file)


def disable() -> None:
    """Turns `faulthandler` off if it writes to our file."""
    if _held() is not None:
        faulthandler.disable()


def _held() -> _File | None:
    """Our file, as long as `faulthandler` writes to it."""
    return None if _ours is None else _ours()


def _open(directory: str, mode: int) -> int:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
    # Only for the opening, so that a FIFO nobody reads cannot hold it up.
    flags |= getattr(os, "O_NONBLOCK", 0)
    if os.name == "posix" and os.stat(directory).st_mode & _OTHERS_WRITE:
        flags |= os.O_NOFOLLOW
    path = os.path.join(directory, FAULTS)
    try:
        descriptor, made = os.open(path, flags | os.O_EXCL, mode), True
    except FileExistsError:
        descriptor, made = os.open(path, flags, mode), False
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{FAULTS} is not a regular file")
        if made and hasattr(os, "fchmod"):
            os.fchmod(descriptor, mode)  # whatever the umask takes away
        return _beyond_standard_streams(descriptor)
    except BaseException:
        os.close(descriptor)
        raise


def _beyond_standard_streams(descriptor: int) -> int:
    """The same file under a number above 2: a program that closed its standard streams would find it in their place."""
    if descriptor > 2:
        return descriptor
    import fcntl

    above = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(descriptor)
    return above
