"""One search in a process of its own: `python -m reading.search FOLDER COLD WARM CONDITIONS`, with the conditions of `read_logs` as JSON.

Prints as JSON how many records were found, the least time of so many searches with nothing of the files in memory, and of those after.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from unified_logger.reader import read_logs


def forget(folder: Path) -> None:
    """Has the system drop what it has of the files in memory."""
    for path in [*folder.iterdir(), *(folder / ".unified_logger").iterdir()]:
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def search(folder: Path, conditions: dict[str, Any]) -> tuple[float, int]:
    """Seconds, and how many records were found."""
    began = time.perf_counter()
    with read_logs(folder, files="app.log", **conditions) as reader:
        count = sum(1 for _ in reader)
        took = time.perf_counter() - began
        assert reader.remarks == [], reader.remarks
    return took, count


def perform(folder: Path, cold: int, warm: int, conditions: dict[str, Any]) -> dict[str, Any]:
    """All of them."""
    times: dict[str, list[float]] = {"cold": [], "warm": []}
    counts = set()
    for kind, runs in (("cold", cold), ("warm", warm)):
        for _ in range(runs):
            if kind == "cold":
                forget(folder)
            took, count = search(folder, conditions)
            times[kind].append(took)
            counts.add(count)
    assert len(counts) == 1, counts
    return {"found": counts.pop()} | {kind: min(took, default=None) for kind, took in times.items()}


if __name__ == "__main__":
    print(json.dumps(perform(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4]))))
