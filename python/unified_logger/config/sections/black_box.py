"""Where records wait that must survive the process."""

from __future__ import annotations

from ..kinds import BOX, MIB, choice
from ..options import Section, option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class BlackBox(Section):
    """Where records wait that must survive the process."""

    black_box: str = option(
        choice("auto", "shm", "dir", "off"),
        "auto",
        "Where records wait that must survive the process: shared memory, beside the logs, or (auto) the better of both.",
    )
    black_box_bytes: int = option(BOX, 8 * MIB, "Size of the black box, bytes; what does not fit is unprotected.")

    def to_engine(self) -> dict[str, dict[str, Any]]:
        """All of it."""
        return {"black_box": {"place": self.black_box, "bytes": self.black_box_bytes}}
