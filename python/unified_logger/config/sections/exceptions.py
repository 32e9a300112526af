"""Options of exceptions in records."""

from __future__ import annotations

from ..kinds import BOOLEAN, MAPPING, NAMES, Kind, choice
from ..options import Section, option
from ..scalars import mapping_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..mappings import Layout
    from ..options import Given

EXCEPTIONS = Kind(
    "exceptions",
    "a mapping (in the environment: as JSON)",
    MAPPING.parse,
    mapping_text,
    MAPPING.schema,
)


def _layout() -> Layout:
    return {
        "form": choice("text", "frames", "both"),
        "library_frames": choice("fold", "keep"),
        "locals": BOOLEAN,
        "application": NAMES,
        "libraries": NAMES,
    }


class Exceptions(Section):
    """What a record has of an exception."""

    exceptions: Mapping[str, Any] = option(
        EXCEPTIONS,
        {},
        "What a record has of an exception, and which code is the application's; see docs/errors.md.",
        layout=_layout,
    )

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """A source that outranks another replaces the keys that it gives."""
        exceptions: dict[str, Any] = {}
        for _, block in given.each("exceptions"):
            exceptions |= block
        return {"exceptions": exceptions}
