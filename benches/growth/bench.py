"""What a measurement has in its hands: logging as it is compared elsewhere, rounds that are timed, lines that are counted."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unified_logger import LoggingContext, flush_logging, get_logger, init_logging

PATIENCE = 120.0  # s
LONGEST = 2.0  # s that the rounds of one point may take, once there were three


class Bench:
    """One measurement, in a process of its own."""

    def __init__(self, folder: Path, rounds: int) -> None:
        self.folder = folder
        self.rounds = rounds
        self.expected = 0  # lines in app.log
        self.logger = get_logger("wechat_backend.api")

    def start(self, **options: Any) -> None:
        """Three files, the console to /dev/null, the black box and a context on; options say otherwise."""
        sys.stderr.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        init_logging(**{"log_dir": str(self.folder), "max_bytes": 1 << 40, "ai_max_bytes": 1 << 40, **options})
        LoggingContext(trace_id="abc-123-xyz", span_id="def-456").__enter__()

    def finish(self) -> None:
        """Returns when all is on disk."""
        assert flush_logging(PATIENCE)

    def calls(self, work: Callable[[int], object], calls: int, *, written: bool = False) -> float:
        """The best round of `work(calls)`, ns per call: of the calls alone, or, `written`, until their last line is on disk."""
        best = float("inf")
        begun = time.monotonic()
        self.once(work, calls)  # what is worked out once
        for number in range(self.rounds):
            started = time.perf_counter_ns()
            work(calls)
            called = time.perf_counter_ns()
            self.finish()
            ended = time.perf_counter_ns() if written else called
            self.expected += calls
            best = min(best, (ended - started) / calls)
            if number >= 2 and time.monotonic() - begun > LONGEST:
                break
        return best

    def once(self, work: Callable[[int], object], calls: int) -> None:
        """A round that is not timed."""
        work(calls)
        self.expected += calls
        self.finish()

    def lines(self) -> int:
        """Lines in app.log and the files it was rotated to, without those in which the library tells of itself."""
        total = 0
        for path in self.folder.glob("app.log*"):
            with path.open("rb") as file:
                total += sum(b'"logger":"unified_logger"' not in line[:200] for line in file)
        return total


def in_burst(size: int) -> int:
    """Calls of a round with records of about `size` bytes: what a program may do at once, 5,000 or 2 MiB."""
    return max(4, min(5_000, (2 << 20) // max(size, 1)))
