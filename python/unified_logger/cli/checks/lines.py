"""Lines that are torn, and lines that are no records, at the ends of files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import _core
from ._place import OK, TROUBLE, WARNING, Finding, some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._place import Place

_NAME = "lines"


def look(place: Place) -> Iterator[Finding]:
    """Looks at the first and the last lines of each file."""
    torn, foreign, broken, example = [], [], [], ""
    for name, ends in place.ends.items():
        if isinstance(ends, OSError):
            broken.append((name, str(ends)))
            continue
        if ends["torn"]:
            torn.append(name)
        if ends["foreign"]:
            foreign.append(name)
            example = example or ends["example"]
    found = []
    if torn:
        found.append(
            Finding(
                _NAME,
                WARNING,
                f"The last line has no end: {some(torn)}.",
                "A process died or the disk was full while it was written. The next record begins on a line of its own.",
                f"unified-logger recover {place.directory} writes the whole record if its black box is there.",
            )
        )
    if foreign:
        found.append(
            Finding(
                _NAME,
                WARNING,
                f"Lines are no records: {some(foreign)}. The first is {_core.escape_text(example)!r}.",
                "Another program writes to the file, or a file was damaged. Filters pass these lines over.",
                f"Let the other program write elsewhere; unified-logger verify {place.directory} tells all of them.",
            )
        )
    found += [
        Finding(
            _NAME,
            TROUBLE,
            f"{name} cannot be read: {_core.escape_text(why)}.",
            "Its records are missing in every answer.",
            f"unified-logger verify {place.directory}",
        )
        for name, why in broken
    ]
    yield from found or [Finding(_NAME, OK, f"The ends of {len(place.ends)} files are whole.")]
