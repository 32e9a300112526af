"""The bounded queue between callers and the writer."""

from __future__ import annotations

from ..kinds import MIB, QUEUE, SECONDS, SIZE, choice
from ..options import Section, option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..mappings import Layout


class Queue(Section):
    """The bounded queue between callers and the writer."""

    queue_size: int = option(
        QUEUE, 10_000, "Records the queue holds.", "LOG_QUEUE_SIZE", file=("queue_size", "queue.max_size")
    )
    overflow: str = option(
        choice("block", "drop_new", "drop_old", "drop_low"),
        "block",
        "What happens to records below ERROR when the queue is full.",
    )
    overflow_timeout: float = option(
        SECONDS,
        5.0,
        "How long a call waits for room in the queue, seconds.",
        file=("overflow_timeout", "queue.timeout"),
    )
    queue_bytes: int = option(SIZE, 64 * MIB, "Memory that queued records may hold beside the fixed pool, bytes.")

    @classmethod
    def blocks(cls) -> Layout:
        """That of the older file."""
        return {"queue": {"max_size": QUEUE, "timeout": SECONDS}}

    def to_engine(self) -> dict[str, dict[str, Any]]:
        """All of it."""
        return {
            "queue": {
                "size": self.queue_size,
                "bytes": self.queue_bytes,
                "overflow": self.overflow,
                "overflow_timeout": self.overflow_timeout,
            }
        }
