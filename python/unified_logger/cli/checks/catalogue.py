"""Whether the catalogue and the indices can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._place import OK, WARNING, Finding, some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._place import Place

_NAME = "catalogue"


def look(place: Place) -> Iterator[Finding]:
    """Compares what it knows with what is there."""
    why_not, is_missing, files = place.known
    found = []
    if why_not is not None:
        found.append(
            Finding(
                _NAME,
                WARNING,
                f"The catalogue tells nothing: {why_not}.",
                "Searches read more than they need. It is made again from the files.",
                "Nothing, if a program logs here: it makes a new one. A later version of this library reads a later one.",
            )
        )
    elif is_missing and len(place.names) > len([name for name in place.names if name.endswith(".log")]):
        found.append(
            Finding(
                _NAME,
                WARNING,
                "There is no catalogue, although there are rotated files.",
                "Searches find no index, and read all files.",
                "Copy `.unified_logger/` as well if the directory is a copy. A program that logs here makes a new one.",
            )
        )
    here = {*place.names}
    gone = [file["name"] for file in files if file["closed"] is not None and file["name"] not in here]
    if gone:
        found.append(
            Finding(
                _NAME,
                WARNING,
                f"Files are not there that the catalogue knows: {some(gone)}.",
                "Somebody has deleted or renamed them, or packs them with another program.",
                "Let `keep` and `compress` do it, so that indices and numbers of records stay true.",
            )
        )
    faults = [f"{file['name']} ({file['index_fault']})" for file in files if file["index_fault"] is not None]
    if faults:
        found.append(
            Finding(
                _NAME,
                WARNING,
                f"Indices cannot be used: {some(faults)}.",
                "Searches read these files whole.",
                f"Delete the files ending in .idx of these in {place.directory}/.unified_logger: they are made again.",
            )
        )
    yield from found or [Finding(_NAME, OK, f"The catalogue knows {len(files)} files.")]
