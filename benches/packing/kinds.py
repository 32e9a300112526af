"""What happens beside the calls."""

from __future__ import annotations

from typing import Any

# Where more files than this wait, nothing pauses.
CROWDED = 8
DAILY = {"rotate": {"every": "daily", "at_start": True}, "compress": "zstd", "keep": "all"}
# By what happens beside the calls: the options, and the files that wait to be packed for each second and at least.
KINDS: dict[str, tuple[dict[str, Any], float, int]] = {
    "plain": ({}, 0, 0),
    "packing": (DAILY, 0, CROWDED - 1),
    "backlog": (DAILY, 4, 2 * CROWDED),
}
