"""More threads that log at once."""

from __future__ import annotations

import threading
import time

from ..bench import Bench
from ..curve import Curve

RECORDS = 200_000


def sustained(bench: Bench, threads: int) -> float:
    bench.start()
    logger = bench.logger
    each = RECORDS // threads

    def work(count: int) -> None:
        for number in range(count):
            logger.info("API 请求处理", endpoint="/api/ai/chat", status_code=200, number=number)

    bench.once(work, 5_000)
    best = float("inf")
    for _ in range(max(2, bench.rounds // 3)):
        ready = threading.Barrier(threads + 1)

        def one(ready: threading.Barrier = ready) -> None:
            ready.wait()
            work(each)

        running = [threading.Thread(target=one) for _ in range(threads)]
        [thread.start() for thread in running]
        ready.wait()
        started = time.perf_counter_ns()
        [thread.join() for thread in running]
        bench.finish()
        best = min(best, (time.perf_counter_ns() - started) / (each * threads))
        bench.expected += each * threads
    return best


CURVES = [
    Curve(
        name="threads",
        title="Threads that log at once",
        axis="threads",
        points=(1, 2, 4, 8, 16, 32, 64),
        few=(1, 8, 64),
        series={"until on disk": sustained},
        factor=2,
        cost="ns per record",
        unit="ns per record",
        why="Threads of one interpreter take turns, so they log no more together than one does; what they share takes no lock. "
        "200,000 records in all, from the first call until the last byte is in the files.",
        log="x",
    )
]
