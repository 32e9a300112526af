"""Log files of a shop: `python -m asking.files FOLDER FILES BYTES`.

So many packed files and a current one of so many bytes at least, as a program of this library leaves them. Prints what was written as JSON.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

from reading.files import are_enough, begin, end, plain_bytes

from unified_logger import LoggingContext, flush_logging, get_logger

LOGGERS = ("shop.orders", "shop.db.pool", "shop.http", "shop.cart", "shop.payments")
RARE = 50_000  # one record in so many is CRITICAL
TURN = 5_000  # records between two looks at the size


def write(folder: Path, files: int, length: int) -> dict[str, Any]:
    """All of them."""
    begin(folder, files)
    loggers = [get_logger(name) for name in LOGGERS]
    chance = random.Random(20)
    number, trace = 0, ""
    while not are_enough(folder, files, 0 if files else length):
        for _ in range(TURN // 10):
            trace = f"{chance.getrandbits(128):032x}"
            with LoggingContext(trace_id=trace):
                for step in range(10):
                    number += 1
                    level = 50 if number % RARE == RARE // 2 else 40 if step == 9 and number % 50 == 0 else 20
                    fields = {
                        "order_id": 1_000_000 + number,
                        "endpoint": f"/v1/{number % 12}",
                        "latency_ms": number * 7919 % 997,
                    }
                    loggers[number % 5].log(level, "order accepted", session=f"{chance.getrandbits(64):016x}", **fields)
        flush_logging(60)
    end(folder, files)
    return {
        "records": number,
        "trace": trace,
        "bytes": plain_bytes(folder),
        "rare": number // RARE + (number % RARE >= RARE // 2),
    }


if __name__ == "__main__":
    print(json.dumps(write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
