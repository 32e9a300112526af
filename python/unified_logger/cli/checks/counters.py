"""Records that came into no file, as the processes of the directory have counted them."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ... import _core
from ._place import OK, WARNING, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._place import Place

_NAME = "counters"
_SERIES = re.compile(r"unified_logger_([a-z_]+)(?:\{(.*)\})? ([0-9.e+]+)$")
_TOLD = {
    "records_discarded_total": (
        "were dropped",
        "The queue was full, or the process ended before they were written.",
        "See overflow, queue_size and overflow_timeout: unified-logger options overflow queue_size overflow_timeout",
    ),
    "records_failed_total": (
        "failed",
        "A file or a stream could not be written, or a value could not be converted.",
        "Look for the library's own records: unified-logger tail -L unified_logger -l warning",
    ),
}


def look(place: Place) -> Iterator[Finding]:
    """Adds up the counts of all processes."""
    try:
        text, _ = _core.directory_metrics(os.path.realpath(place.directory), False)
    except OSError as error:
        yield Finding(_NAME, WARNING, f"The counters cannot be read: {error}.")
        return
    counts: dict[str, int] = {}
    reasons: dict[str, dict[str, int]] = {}
    for line in text.splitlines():
        match = _SERIES.fullmatch(line)
        if match is None or match[1] not in _TOLD:
            continue
        count = int(float(match[3]))
        counts[match[1]] = counts.get(match[1], 0) + count
        reason = re.search(r'reason="([^"]*)"', match[2] or "")
        if reason is not None and count:
            of_name = reasons.setdefault(match[1], {})
            of_name[reason[1]] = of_name.get(reason[1], 0) + count
    found = []
    for name, (what, why, do) in _TOLD.items():
        if counts.get(name):
            by = ", ".join(f"{count:,} {reason}" for reason, count in reasons.get(name, {}).items())
            found.append(
                Finding(_NAME, WARNING, f"{counts[name]:,} records {what}{f' ({by})' if by else ''}.", why, do)
            )
    yield from found or [Finding(_NAME, OK, "No record was dropped, and none failed.")]
