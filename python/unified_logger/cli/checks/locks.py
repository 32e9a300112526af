"""Whether a lock is held for long. The system releases those of processes that die."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from ._place import OK, WARNING, Finding, is_free, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._place import Place

_NAME = "locks"
_TRIES = 20
# Holders sign the lock while they take turns.
_OLD = 10


def look(place: Place) -> Iterator[Finding]:
    """Asks for each lock, without waiting for it."""
    found = [finding for path in _paths(place.directory) if (finding := _held(path)) is not None]
    yield from found or [Finding(_NAME, OK, "No lock is held for long.")]


def _paths(directory: str) -> list[str]:
    paths = []
    for folder in (directory, os.path.join(directory, ".unified_logger")):
        try:
            paths += [os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".lock")]
        except OSError:
            continue
    return paths


def _held(path: str) -> Finding | None:
    if is_free(path, _TRIES) is not False:
        return None
    try:
        age = time.time() - os.stat(path, follow_symlinks=False).st_mtime
    except FileNotFoundError:
        return None  # It was removed since.
    if age < _OLD or path.endswith("upkeep.lock"):
        return None  # Others take turns, or one of them looks after rotated files.
    return Finding(
        _NAME,
        WARNING,
        f"The lock {os.path.basename(path)} is held, and was signed last {span(age)} ago.",
        "A process that was stopped or hangs holds it. Others wait for it with each batch of records.",
        f"Find the process with `fuser {path}`, and let it go on or end it.",
    )
