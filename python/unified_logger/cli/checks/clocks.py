"""Whether the times of records go backwards, as they do when a clock is set."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ._place import OK, WARNING, Finding, some, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._place import Place

_NAME = "clocks"
# Records of several processes, and those that waited with their trace, stand some seconds apart.
_MUCH = 60 * 1_000_000_000


def look(place: Place) -> Iterator[Finding]:
    """Compares the times at the ends of files, and of the parts in indices."""
    back: dict[str, int] = {}
    before: dict[str, int] = {}
    for file in place.known[2]:
        times = _times(place, file)
        if file["index"] is not None and file["index"]["step_back"] > _MUCH:
            back[file["name"]] = file["index"]["step_back"]
        if times is None:
            continue
        last = before.get(file["set"])
        if last is not None and last - times[0] > _MUCH:
            back[file["name"]] = max(back.get(file["name"], 0), last - times[0])
        before[file["set"]] = times[1]
    found = []
    if back:
        found.append(
            Finding(
                _NAME,
                WARNING,
                f"The times of records go back by up to {span(max(back.values()) / 1e9)}: {some([*back])}.",
                "A clock was set, or a process had another time. Records of this span are shown out of order.",
                "Let a time service keep the clock: it changes its speed and does not set it back.",
            )
        )
    ahead = max(before.values(), default=0) - time.time_ns()
    if ahead > _MUCH:
        found.append(
            Finding(
                _NAME,
                WARNING,
                f"The last record is {span(ahead / 1e9)} ahead of this machine's clock.",
                "The clock of one of them is wrong. `-S -10m` shows other records than you expect.",
                "Compare the clocks, as with `date -u`.",
            )
        )
    yield from found or [Finding(_NAME, OK, "The times of records go forwards.")]


def _times(place: Place, file: dict[str, object]) -> tuple[int, int] | None:
    index = file["index"]
    if isinstance(index, dict):
        times: tuple[int, int] | None = index["times"]
        return times
    ends = place.ends.get(str(file["name"]))
    if not isinstance(ends, dict) or ends["first"] is None or ends["last"] is None:
        return None
    return ends["first"], ends["last"]
