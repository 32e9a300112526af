"""Whether processes may write to the directory, and whether only they may."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from ._place import NOTE, OK, TROUBLE, WARNING, Finding, some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._place import Place

_NAME = "directory"


def look(place: Place) -> Iterator[Finding]:
    """Looks at the rights of the directory and of its files."""
    meta = os.stat(place.directory)
    found = [*_of_directory(place, meta), *_of_files(place, meta)]
    if not place.names:
        found.append(
            Finding(
                _NAME,
                NOTE,
                "There is no log file in it.",
                "No process has logged to it, or its files have other names.",
            )
        )
    yield from found or [Finding(_NAME, OK, "The directory and its files may be written by their owner alone.")]


def _of_directory(place: Place, meta: os.stat_result) -> Iterator[Finding]:
    if not os.access(place.directory, os.W_OK | os.X_OK):
        yield Finding(
            _NAME,
            WARNING,
            f"You may not write to it: it belongs to user {_owner(meta.st_uid)} and has mode {stat.S_IMODE(meta.st_mode):o}.",
            "A program of this user cannot make or rotate files there.",
            f"Run doctor as user {_owner(meta.st_uid)}, or let that user run the program.",
        )
    if meta.st_mode & stat.S_IWOTH:
        yield Finding(
            _NAME,
            WARNING,
            f"Everybody may write to it (mode {stat.S_IMODE(meta.st_mode):o}).",
            "Another user could put files there that are read or rotated as logs.",
            f"chmod o-w {place.directory}",
        )


def _of_files(place: Place, meta: os.stat_result) -> Iterator[Finding]:
    foreign, unwritable, unreadable, open_ = [], [], [], []
    for name in place.names:
        path = os.path.join(place.directory, name)
        try:
            of_file = os.stat(path)
        except OSError:
            continue
        if of_file.st_uid != meta.st_uid:
            foreign.append(name)
        if not os.access(path, os.R_OK):
            unreadable.append(name)
        if name.endswith(".log") and not of_file.st_mode & stat.S_IWUSR:
            unwritable.append(name)
        if of_file.st_mode & stat.S_IWOTH:
            open_.append(name)
    if foreign:
        yield Finding(
            _NAME,
            WARNING,
            f"Files belong to another user than the directory, which is of {_owner(meta.st_uid)}: {some(foreign)}.",
            "Programs of the directory's user cannot write to them. Mostly a program has run once as root.",
            f"chown {_owner(meta.st_uid)} the files in {place.directory}",
        )
    if unwritable:
        yield Finding(
            _NAME,
            TROUBLE,
            f"Current files may not be written by their owner: {some(unwritable)}.",
            "Each record for them fails.",
            f"chmod u+w the files in {place.directory}",
        )
    if unreadable:
        yield Finding(
            _NAME,
            WARNING,
            f"You may not read {some(unreadable)}.",
            "Nothing can be said of these files.",
            f"Run doctor as user {_owner(meta.st_uid)}.",
        )
    if open_:
        yield Finding(
            _NAME,
            WARNING,
            f"Everybody may write to {some(open_)}.",
            "Their records prove nothing.",
            f"chmod o-w the files in {place.directory}",
        )


def _owner(number: int) -> str:
    try:
        import pwd

        return pwd.getpwuid(number).pw_name
    except (ImportError, KeyError):
        return str(number)
