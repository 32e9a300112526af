"""Records that came into no file, as the processes of the directory have counted them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _counters
from ._place import OK, WARNING, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._place import Place

_NAME = "counters"
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
        counts, reasons, _ = _counters.totals(place.directory, _TOLD)
    except OSError as error:
        yield Finding(_NAME, WARNING, f"The counters cannot be read: {error}.")
        return
    found = []
    for name, (what, why, do) in _TOLD.items():
        if counts.get(name):
            by = ", ".join(f"{count:,} {reason}" for reason, count in reasons.get(name, {}).items())
            found.append(
                Finding(_NAME, WARNING, f"{counts[name]:,} records {what}{f' ({by})' if by else ''}.", why, do)
            )
    yield from found or [Finding(_NAME, OK, "No record was dropped, and none failed.")]
