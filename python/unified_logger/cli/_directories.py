"""Decides in which directories a command works."""

from __future__ import annotations

import os
import stat


def refusal(given: str, path: str) -> str | None:
    """Why a command does not work in a directory, in words; None if it does.

    Args:
        given: The directory as it is on the command line.
        path: The same without links, in which the command works.
    """
    if not given.strip():
        return "the name of the directory is empty"  # a variable that is not set
    if not os.path.isdir(path):
        return f"{given!r} is not a directory"
    exchanger = _exchanger(path)
    if exchanger is not None:
        return (
            f"{exchanger}, so that another user could put a link in the place of {given!r} while root works in it: "
            "run this as the user whose logs these are"
        )
    return None


def _exchanger(path: str) -> str | None:
    """Which other user could replace a directory while root works in it; None if no user could.

    Groups that may write are root's decision. If everybody may write, the sticky bit protects names of other owners.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    trusted = (0, os.stat(path).st_uid)
    while path != os.path.dirname(path):
        path = os.path.dirname(path)
        found = os.stat(path)
        if found.st_uid not in trusted:
            return f"{path!r} belongs to user {found.st_uid}"
        if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
            return f"{path!r} may be written by everybody"
    return None
