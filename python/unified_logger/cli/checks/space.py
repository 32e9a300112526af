"""Whether the disk has room, and for how long."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .._table import size
from ._place import OK, TROUBLE, WARNING, Finding, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._table import size
from ._place import Place

_NAME = "space"
_LEAST = 16_000_000
_SMALL_SHARE = 0.05
# Rates are those of the last day, and of a minute at least.
_LONGEST = 86_400
_SHORTEST = 60
_SOON = 3 * 86_400


def look(place: Place) -> Iterator[Finding]:
    """Compares what is free with what the last records took."""
    if not hasattr(os, "statvfs"):
        return
    disk = os.statvfs(place.directory)
    free, whole = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    rate = _rate(place)
    until = (
        ""
        if rate is None
        else f" At the {size(rate * 86_400)} a day of its last records it is full in {span(free / rate)}."
    )
    do = (
        "Make room, or set bounds with `keep`: unified-logger retention DIR --config FILE --dry-run says what would go."
    )
    what = f"{size(free)} of {size(whole)} are free.{until}"
    if free < _LEAST:
        yield Finding(_NAME, TROUBLE, what, "Records fail when the disk is full.", do)
    elif rate is not None and free / rate < _SOON:
        yield Finding(_NAME, WARNING, what, "That is less than three days, if no file is deleted.", do)
    elif free < whole * _SMALL_SHARE:
        yield Finding(_NAME, WARNING, what, "That is less than a twentieth.", do)
    else:
        yield Finding(_NAME, OK, what)
    if disk.f_files and disk.f_favail < max(100, disk.f_files * 0.01):
        is_none = disk.f_favail < 10
        yield Finding(
            _NAME,
            TROUBLE if is_none else WARNING,
            f"{disk.f_favail:,} of {disk.f_files:,} inodes are free.",
            "Without one no file can be made, however much room there is.",
            "Delete small files that nobody needs.",
        )


def _rate(place: Place) -> float | None:
    """Bytes a second that the last records took on the disk. None if they are too few."""
    spans = [
        (file["index"]["times"], file["index"]["stored_bytes"])
        for file in place.known[2]
        if file["index"] is not None and file["index"]["times"] is not None
    ]
    spans += [
        ((ends["first"], ends["last"]), ends["stored_bytes"])
        for name, ends in place.ends.items()
        if name.endswith(".log") and isinstance(ends, dict) and ends["first"] is not None and ends["last"] is not None
    ]
    if not spans:
        return None
    newest = max(last for (_, last), _ in spans)
    spans = [each for each in spans if newest - each[0][1] < _LONGEST * 1_000_000_000]
    seconds = (newest - min(first for (first, _), _ in spans)) / 1e9
    total = sum(count for _, count in spans)
    return total / seconds if seconds >= _SHORTEST and total else None
