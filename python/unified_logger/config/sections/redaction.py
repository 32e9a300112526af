"""What must not be written."""

from __future__ import annotations

from ..kinds import REDACTION, SECRET
from ..options import Section, option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ... import _core


class Redaction(Section):
    """What must not be written."""

    redaction: _core.Redaction | None = option(
        REDACTION, False, "Whether secrets are replaced before anything is written, and which; see docs/redaction.md."
    )
    redaction_hash_key: str | None = option(SECRET, None, "Key of the hashes that stand in the place of secrets.")
