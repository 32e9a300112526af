"""Log files as a program of this library leaves them: `python -m reading.files FOLDER FILES BYTES`.

They are packed and indexed, or one file of so many bytes where FILES is 0. Prints what was written as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from unified_logger import LoggingContext, flush_logging, get_logger, init_logging, shutdown_logging

FILE = 10_000_000  # bytes of a file before it is packed
TRACE = 5  # records of a trace
SERIOUS = 20_000  # one record in so many is CRITICAL
TURN = 5_000  # records between two looks at the size
PATIENCE = 900  # seconds for files that are still to be packed


def trace_of(number: int) -> str:
    """The trace of a record, in which no packer finds a pattern."""
    return f"{(number // TRACE + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}"


def plain_bytes(folder: Path) -> int:
    """Of the current file."""
    path = folder / "app.log"
    return path.stat().st_size if path.exists() else 0


def begin(folder: Path, files: int) -> None:
    """Starts to log to files that are packed, or to one file."""
    options: dict[str, Any] = {"max_bytes": FILE, "compress": "zstd", "keep": "all"} if files else {"max_bytes": 0}
    init_logging(log_dir=str(folder), console_format="off", overflow="block", **options)


def are_enough(folder: Path, files: int, length: int) -> bool:
    """Whether there are so many rotated files, and so many bytes in the current one."""
    return len(list(folder.glob("app.log.*"))) >= files and plain_bytes(folder) >= length


def end(folder: Path, files: int) -> int:
    """Waits until the files are packed, and ends. Returns how many are."""
    until = time.monotonic() + PATIENCE
    while len(list(folder.glob("app.log.*.zst"))) < files and time.monotonic() < until:
        time.sleep(0.2)
    shutdown_logging()
    return len(list(folder.glob("app.log.*.zst")))


def write(folder: Path, files: int, length: int) -> dict[str, Any]:
    """All of them."""
    begin(folder, files)
    log = get_logger("shop.orders").log
    number = 0
    while not are_enough(folder, files, length):
        for first in range(number, number + TURN, TRACE):
            trace = trace_of(first)
            with LoggingContext(trace_id=trace):
                for number in range(first, first + TRACE):
                    level = 50 if number % SERIOUS == SERIOUS // 2 else 20
                    # As in real lines, some fields repeat and others do not.
                    order, session = 1_000_000 + number, f"{(number + 1) * 0xD1342543DE82EF95 % 2**64:016x}"
                    log(level, "order accepted", order_id=order, session=session, latency_ms=number * 7919 % 997)
        number += 1
        flush_logging(60)
    packed = end(folder, files)
    return {"records": number, "packed": packed, "trace": trace_of(number // 3), "bytes": plain_bytes(folder)}


if __name__ == "__main__":
    print(json.dumps(write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
