"""Files that a process has left that died while it packed or deleted."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from ._place import OK, WARNING, Finding, size, some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._place import Place

_NAME = "leftovers"
_ENDS = (".unified_logger-packing", ".unified_logger-going")
# Packing goes on for long where it yields to others, but it writes.
_OLD = 600


def look(place: Place) -> Iterator[Finding]:
    """Looks for temporary files that nobody has written to for long."""
    left, total, now = [], 0, time.time()
    with os.scandir(place.directory) as entries:
        for entry in entries:
            if entry.name.startswith(".") and entry.name.endswith(_ENDS):
                meta = entry.stat(follow_symlinks=False)
                # A packed file gets the time of its original at its end: when its entry changed is what counts.
                if now - max(meta.st_mtime, meta.st_ctime) > _OLD:
                    left.append(entry.name)
                    total += meta.st_size
    if left:
        yield Finding(
            _NAME,
            WARNING,
            f"Temporary files of packing are left, {size(total)}: {some(sorted(left))}.",
            "The process that packed has died. No record is in them alone.",
            "The next program that logs here removes them. Without one, delete them.",
        )
    else:
        yield Finding(_NAME, OK, "No temporary file is left.")
