"""Mappings whose keys are known, parsed down to the leaves.

A layout is a mapping of keys to kinds, or to the layouts of blocks below. The key "*" has the layout of any further key.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import PartError, unknown_shown
from ..texts import whole
from .kinds import Kind, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Layout = dict[str, Any]

Path = tuple[str, ...]
# Keys at the top of a file that begin so may hold anything, for anchors.
FREE = "x-"


class Switched(dict[str, object]):
    """The layout of a block that may also be true or false."""


class Stated(Switched):
    """The same, but that it may not be left empty: nothing would say whether that is true or false."""


class Lined(dict[str, object]):
    """The content of a file.

    Args:
        content: The content.
        lines: The line of each key, by its path as text.
    """

    def __init__(self, content: Mapping[str, Any], lines: Mapping[str, int]) -> None:
        super().__init__(content)
        self.lines = lines

    def line_of(self, key: str) -> int | None:
        """The line of a key, or of the block that it is missing in."""
        while key and key not in self.lines:
            key = key.rpartition(".")[0]
        return self.lines.get(key)


class Worded(dict[str, object]):
    """The layout of a block for which a word or a number may stand.

    Args:
        kind: Parses these, into a mapping if they stand for one.
        layout: The layout.
    """

    def __init__(self, kind: Kind, layout: Layout) -> None:
        super().__init__(layout)
        self.kind = kind


def parse(block: Any, layout: Layout, path: Path = (), of_file: bool = False) -> dict[Any, Any]:
    """Parses a mapping.

    Args:
        block: The mapping.
        layout: Its layout.
        path: The keys that lead to it.
        of_file: Whether it is a whole file, in which keys for anchors are allowed.

    Returns:
        The same with each value parsed by its kind. A block below may be None, and true or false if its layout allows that.

    Raises:
        PartError: A key is unknown or its value not allowed.
    """
    if not isinstance(block, Mapping):
        raise _wrong(path, block, "a mapping of keys to values")
    parsed = {}
    for key, value in block.items():
        expected = layout.get(key, layout.get("*")) if isinstance(key, str) else None
        if expected is None and of_file and isinstance(key, str) and key.startswith(FREE):
            continue
        if isinstance(key, str) and key not in layout and "*" in layout and whole(key) != key:
            raise _wrong((*path, name_of(key)), value, "a name in UTF-8")
        parsed[key] = _parsed(value, expected, layout, (*path, name_of(key)))
    return parsed


def _parsed(value: Any, expected: Any, layout: Layout, path: Path) -> Any:
    if expected is None:
        known = [key for key in layout if key != "*"]
        if not known:
            raise _wrong(path, value, "a name that is a text")
        allowed = f"one of the known keys: {', '.join(known)}"
        raise _wrong(path, unknown_shown(path[-1], value), allowed, known, _deeper(path, layout))
    if isinstance(expected, Worded):
        value = _parsed(value, expected.kind, layout, path)
    if value is None and isinstance(expected, Stated):
        raise _wrong(path, value, "true, false, or a mapping of keys to values")
    if not isinstance(expected, Kind):
        as_it_is = value is None or (isinstance(expected, Switched) and isinstance(value, bool))
        return value if as_it_is else parse(value, expected, path)
    try:
        return expected.parse(value)
    except PartError as wrong:
        raise _wrong((*path, *wrong.path), wrong.value, wrong.allowed, wrong.known, wrong.suggestion) from None
    except (ValueError, TypeError) as error:
        allowed, suggestion = expected.refused(value, error)
        raise _wrong(path, expected.shown(value), allowed, suggestion=suggestion) from None


def _deeper(path: Path, layout: Layout) -> str | None:
    """Where a key of a block is known, if that is one block deeper."""
    found = (f"{name}.{path[-1]}" for name, below in layout.items() if isinstance(below, dict) and path[-1] in below)
    return next(found, None) if len(path) > 1 or "*" not in layout else None


def _wrong(
    path: Path, value: object, allowed: str, known: list[str] | None = None, suggestion: str | None = None
) -> PartError:
    return PartError(shown(path), value, allowed, path, known, suggestion)


def shown(path: Path) -> str:
    """A path as text for messages."""
    return ".".join(part or "''" for part in path) or "(the whole file)"


def joined(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Two mappings joined, also below the same keys; if they differ, the second wins."""
    both = {**one, **other}
    for key in one.keys() & other.keys():
        if isinstance(one[key], dict) and isinstance(other[key], dict):
            both[key] = joined(one[key], other[key])
    return both
