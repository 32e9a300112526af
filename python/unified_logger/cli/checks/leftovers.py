"""Files that a process has left that died while it packed or deleted."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from .._table import size
from ._place import OK, WARNING, Finding, is_free, some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._place import Place

_NAME = "leftovers"
_PACKING, _GOING = ".unified_logger-packing", ".unified_logger-going"
# Files that go are removed at once, unless the directory is large or slow.
_OLD = 600


def look(place: Place) -> Iterator[Finding]:
    """Looks for temporary files that nobody writes any more."""
    left, total = [], 0
    with os.scandir(place.directory) as entries:
        for entry in entries:
            if not entry.name.startswith(".") or not entry.is_file(follow_symlinks=False):
                continue
            meta = entry.stat(follow_symlinks=False)
            is_old = time.time() - meta.st_ctime > _OLD
            if (entry.name.endswith(_PACKING) and is_free(entry.path)) or (entry.name.endswith(_GOING) and is_old):
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
