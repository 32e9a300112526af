"""What must not be written."""

from __future__ import annotations

from .. import redaction as rules
from ..kinds import REDACTION, SECRET
from ..options import Section, option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ... import _core
    from ..options import Given


class Redaction(Section):
    """What must not be written."""

    redaction: _core.Redaction | None = option(
        REDACTION,
        False,
        "Whether secrets are replaced before anything is written, and which; see docs/redaction.md.",
        layout=rules.layout,
        hidden=True,
        kept=True,
    )
    redaction_hash_key: str | None = option(
        SECRET,
        None,
        "Key of the hashes that stand in the place of secrets.",
        hidden=True,
        kept=True,
        told_as="redaction",
    )

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """The rules, compiled. Nobody needs the key any more."""
        return {
            "redaction": rules.settle(given.each("redaction"), given.values["redaction_hash_key"]),
            "redaction_hash_key": None,
        }
