"""Black boxes of processes that died."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ... import _core
from ._place import NOTE, OK, WARNING, Finding, some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._place import Place

_NAME = "boxes"


def look(place: Place) -> Iterator[Finding]:
    """Looks whose the boxes are."""
    boxes, distrusted = _core.black_boxes(os.path.realpath(place.directory))
    by_owner: dict[str, list[dict[str, object]]] = {}
    for box in boxes:
        by_owner.setdefault(str(box["owner"]), []).append(box)
    dead = by_owner.get("dead", [])
    if dead:
        records = sum(int(str(box["records"] or 0)) for box in dead)
        numbers = some([str(box["process"]) for box in dead])
        yield Finding(
            _NAME,
            WARNING,
            f"Processes that died have left {len(dead)} black {'box' if len(dead) == 1 else 'boxes'} with {records:,} records: {numbers}.",
            "Some of these records may be in no file yet. The next program that logs here writes them, too.",
            f"unified-logger recover {place.directory}",
        )
    for owner, why, do in (
        ("aside", "A recovery could not read them, and has set them aside.", "Keep them for a report, or delete them."),
        (
            "distrusted",
            "They belong to another user than their directory, or others may write to them, so no recovery reads them.",
            "If you know where they come from, chown them to the directory's user.",
        ),
    ):
        names = [os.path.basename(str(box["path"])) for box in by_owner.get(owner, [])]
        if names:
            yield Finding(_NAME, WARNING, f"Boxes are left: {some(names)}.", why, do)
    for path, reason, expected in distrusted:
        yield Finding(
            _NAME,
            NOTE if expected else WARNING,
            f"No black box in {path} is looked at: {reason}.",
            "Another user could have planted one.",
            "" if expected else "Let its owner alone write to it.",
        )
    alive = len(by_owner.get("alive", []))
    if not dead:
        yield Finding(
            _NAME, OK, f"No process that died has left a box; {alive} {'has' if alive == 1 else 'have'} one and live."
        )
