"""The directory that is looked at, and what is found. Each thing is read once, when a check asks for it."""

from __future__ import annotations

import contextlib
import os
import time
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ... import _core
from .. import _arguments, _configuration

if TYPE_CHECKING:
    from typing import Any

    from ...config import Settings
    from ...errors import ConfigurationError

OK, NOTE, WARNING, TROUBLE = "ok", "note", "warning", "trouble"
# The ends of so many files are looked at, the newest first.
_MOST = 200
# Between two looks at a lock, seconds.
_PAUSE = 0.05


class Finding(NamedTuple):
    """Something that was found.

    Args:
        check: The name of the check.
        severity: `ok` and `note` are as it should be; `warning` and `trouble` are not.
        what: What was found, in a sentence.
        why: What comes of it, or why it is so; empty if nothing is to be said.
        do: What to do; empty if nothing is to be done.
    """

    check: str
    severity: str
    what: str
    why: str = ""
    do: str = ""


class Place:
    """A log directory.

    Args:
        directory: The directory; None for that of the configuration.
        config: The configuration file of the program that logs there; None if it is not given.
    """

    def __init__(self, directory: str | None, config: str | None) -> None:
        self._named = directory
        self.config = config

    @cached_property
    def directory(self) -> str:
        """The directory: as it was named, or as the configuration has it."""
        settings = self.told[2] if self._named is None and self.config is not None else None
        configured = None if settings is None else settings.log_dir
        return self._named or configured or _arguments.log_directory()

    @cached_property
    def names(self) -> list[str]:
        """The names of the log files, the newest first."""
        found = []
        with os.scandir(self.directory) as entries:
            for entry in entries:
                set_ = entry.name.partition(".log")[0] + ".log"
                is_log = entry.name == set_ or (".log" in entry.name and _core.is_rotated(set_, entry.name))
                if is_log and not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                    found.append((entry.stat(follow_symlinks=False).st_mtime, entry.name))
        return [name for _, name in sorted(found, reverse=True)]

    @cached_property
    def known(self) -> tuple[str | None, bool, list[dict[str, Any]]]:
        """What the catalogue tells, see `_core.known_files`."""
        return _core.known_files(self.directory, True)

    @cached_property
    def ends(self) -> dict[str, dict[str, Any] | OSError]:
        """What the beginning and the end of each file tell, or why they cannot be read."""
        found: dict[str, dict[str, Any] | OSError] = {}
        for name in self.names[:_MOST]:
            try:
                found[name] = _core.file_ends(os.path.join(self.directory, name))
            except FileNotFoundError:
                continue  # It was rotated since.
            except OSError as error:
                found[name] = error
        return found

    @cached_property
    def told(self) -> tuple[list[ConfigurationError], list[str], Settings | None]:
        """Errors, warnings and settings of the configuration."""
        return _configuration.errors_and_warnings(self.config)


def is_free(path: str, tries: int = 1) -> bool | None:
    """Whether nobody holds the lock of a file. None if that cannot be asked.

    Args:
        path: The file.
        tries: How often it is asked at most, with a pause between two.
    """
    try:
        import fcntl

        file = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except (ImportError, OSError):
        return None
    try:
        for number in range(tries):
            if number:
                time.sleep(_PAUSE)
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return True
        return False
    finally:
        os.close(file)


def span(seconds: float) -> str:
    """A length of time as people read it."""
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def some(names: list[str]) -> str:
    """The first of some names, and how many more there are."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")
