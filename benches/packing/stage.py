"""Calls beside files that are packed meanwhile, in a process of its own: `python -m packing.stage KIND SECONDS TEMPLATE FOLDER`.

Prints what was seen as JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from array import array
from pathlib import Path
from types import FunctionType
from typing import Any

from contenders import ours
from hdrh.histogram import HdrHistogram
from pacer import Pacer

from .kinds import KINDS

RATE = 20_000  # paced calls a second
LOOPS, CALLS = 100, 2_000  # of the tight loop, whose best round counts
RECORDS = 500_000  # from the first call to the last byte
LONGEST = 3_600 * 10**9  # ns


def packed(folder: Path) -> int:
    """Bytes of files that are packed, and of the one that is under way."""
    return sum(path.stat().st_size for end in ("*.zst", ".*-packing") for path in folder.glob(end))


def prepare(folder: Path, template: Path, count: int) -> None:
    """Puts files there that are to be packed; the names of those that are rotated meanwhile are others."""
    for number in range(count):
        os.link(template, folder / f"app.log.{1_000 + number}")
    if count:
        with template.open("rb") as source, (folder / "app.log").open("wb") as target:
            target.write(source.readline())


def percentiles(times: array[int]) -> dict[str, float]:
    """In ns."""
    histogram = HdrHistogram(1, LONGEST, 3)
    for value in times:
        histogram.record_value(max(1, value))
    return {f"p{share:g}": histogram.get_value_at_percentile(share) for share in (50, 99, 99.9, 99.99)}


def perform(kind: str, seconds: float, template: Path, folder: Path) -> dict[str, Any]:
    """All of it."""
    options, each, least = KINDS[kind]
    prepare(folder, template, max(least, round(each * seconds)) if least else 0)
    ours.OPTIONS.update(options)
    ours.start(folder)
    # The first record begins a new file, and that what waits is packed.
    ours.calls(1)
    ours.finish()
    time.sleep(0.3)
    asked, before = 1, packed(folder)

    count = int(RATE * seconds)
    services, responses = array("q", bytes(8 * count)), array("q", bytes(8 * count))
    pace = Pacer(10**9 // RATE, services, responses)
    FunctionType(ours.calls.__code__, ours.calls.__globals__ | {"range": lambda count: pace})(0)
    asked += count
    ours.finish()
    between = packed(folder)

    loops = []
    for _ in range(LOOPS):
        began = time.perf_counter()
        ours.calls(CALLS)
        loops.append((time.perf_counter() - began) / CALLS)
        ours.finish()
    asked += LOOPS * CALLS

    began = time.perf_counter()
    ours.calls(RECORDS)
    ours.finish()
    rate = RECORDS / (time.perf_counter() - began)
    asked += RECORDS
    return {
        "paced": percentiles(services),
        "call": min(loops),
        "rate": rate,
        "asked": asked,
        "lines": (folder / "app.log").read_bytes().count(b"\n"),
        # How much was packed beside the paced calls, and beside the others.
        "beside": {"paced": between - before, "tight": packed(folder) - between},
    }


if __name__ == "__main__":
    where = Path(sys.argv[4])
    print(json.dumps(perform(sys.argv[1], float(sys.argv[2]), Path(sys.argv[3]), where)), flush=True)
    # What still waits is of no use.
    shutil.rmtree(where, ignore_errors=True)
    os._exit(0)
