"""A queue that is nearly full."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..bench import Bench
from ..curve import Curve

if TYPE_CHECKING:
    from collections.abc import Iterator

QUEUE = 10_000
TIMED = 100


@contextmanager
def held_up(bench: Bench) -> Iterator[None]:
    """Keeps the writer waiting for the directory's lock; a second is its patience."""
    descriptor = os.open(bench.folder / ".unified_logger.lock", os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(descriptor)


def at_level(bench: Bench, percent: int) -> float:
    bench.start(queue_size=QUEUE, overflow="drop_new")
    logger = bench.logger

    def work(count: int) -> None:
        for _ in range(count):
            logger.info("API 请求处理", endpoint="/api/ai/chat", status_code=200)

    bench.once(work, QUEUE // 2)
    best = float("inf")
    wanted = QUEUE * percent // 100
    for _ in range(bench.rounds):
        with held_up(bench):
            work(wanted)
            started = time.perf_counter_ns()
            work(TIMED)
            best = min(best, (time.perf_counter_ns() - started) / TIMED)
        bench.finish()
        bench.expected += min(wanted + TIMED, QUEUE)
    return best


CURVES = [
    Curve(
        name="queue",
        title="Fill of the queue",
        axis="% of queue_size, default 10,000 records; at 100 every call is refused",
        points=(0, 10, 25, 50, 75, 90, 99, 100),
        few=(0, 50, 99, 100),
        series={"a call, overflow=drop_new": at_level},
        factor=3,
        why="Taking a place in the queue costs the same wherever it is; the buffers of a fuller queue are ones that were not "
        "touched lately. A call that finds it full is counted and refused.",
        log="",
    )
]
