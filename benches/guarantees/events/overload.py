"""More is logged than the disk takes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from .. import slow_disk
from ..app import App
from ..ledger import NUMBERS
from ..stage import Stage
from .event import Event

RATE = 100_000  # bytes a second
SECONDS = 3.0
BOUND = 80 * 1024  # KiB: `queue_bytes` (64 MiB) and 16 MiB


def resident() -> int:
    """Memory of this process, KiB."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def flood(app: App) -> None:
    app.start(queue_size=1_000)
    app.logs(1, 100)
    memory = resident()
    longest = 0.0
    end = time.monotonic() + SECONDS
    number = 0
    while number < NUMBERS and time.monotonic() < end:
        before = time.monotonic()
        app.log(0, number)
        longest = max(longest, time.monotonic() - before)
        number += 1
    app.note("growth, KiB", resident() - memory)
    app.note("longest call, ms", round(longest * 1_000, 1))
    slow_disk.mend()
    app.logger.flush()
    app.note("dropped", app.logger.dropped())


def start_slow(stage: Stage) -> None:
    stage.run(**slow_disk.environment(stage.root, RATE))


def accounted(outcome: Any, stage: Stage) -> None:
    """A drop that is counted is not a loss; memory that grows with what is logged is none that is bounded."""
    dropped = outcome.notes.get("dropped") or 0
    outcome.lost, outcome.notes["not on disk"] = outcome.lost - dropped, outcome.lost
    if outcome.lost < 0:
        outcome.remarks.append(f"{-outcome.lost:,} counted as dropped but on disk")
        outcome.lost = 0
    grown = outcome.notes.get("growth, KiB", 0)
    if grown > BOUND:
        outcome.remarks.append(f"memory +{grown // 1024} MiB in {SECONDS:.0f} s")


EVENTS = [
    Event(
        "flood", f"as many calls as {SECONDS:.0f} s hold, at most {NUMBERS:,}; a disk that takes 100 kB/s, queue of 1,000, `drop_new`",
        "every record is on disk or counted as dropped; memory grows by 80 MiB at most",
        ("tests/delivery/test_overload.py", "tests/delivery/test_delivery.py"),
        flood, start_slow, judge=accounted, timeout=90, needs=slow_disk.MISSING,
    ),
]  # fmt: skip
