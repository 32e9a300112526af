"""More processes that log into one directory."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from ..bench import Bench
from ..curve import Curve

RECORDS = 200_000
BENCHES = Path(__file__).resolve().parents[2]


def main(folder: str, count: str) -> None:
    """One of the processes: says that it is ready, begins when it is told, says when all is on disk."""
    bench = Bench(Path(folder), 1)
    bench.start()

    def work(count: int) -> None:
        for number in range(count):
            bench.logger.info("API 请求处理", endpoint="/api/ai/chat", status_code=200, number=number)

    bench.once(work, 1_000)
    print("ready", flush=True)
    sys.stdin.readline()
    work(int(count))
    bench.finish()
    print("done", flush=True)
    sys.stdin.readline()


def sustained(bench: Bench, processes: int) -> float:
    each = RECORDS // processes
    best = float("inf")
    for _ in range(max(1, bench.rounds // 5)):
        running = [
            subprocess.Popen(
                [sys.executable, "-m", "growth.curves.processes", str(bench.folder), str(each)],
                cwd=BENCHES,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            for _ in range(processes)
        ]
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        started = time.perf_counter_ns()
        for process in running:
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == b"done\n"
        best = min(best, (time.perf_counter_ns() - started) / (each * processes))
        for process in running:
            process.communicate(b"\n")
            assert process.returncode == 0
        bench.expected += (each + 1_000) * processes
    return best


CURVES = [
    Curve(
        name="processes",
        title="Processes that log into one directory at once",
        axis="processes",
        points=(1, 2, 4, 8, 16),
        few=(1, 4),
        series={"until on disk": sustained},
        factor=3,
        cost="ns per record",
        unit="ns per record",
        why="With two cores, two processes log faster than one; beyond that they share the cores, and take turns at the "
        "directory's lock batch by batch. 200,000 records in all, from the first call until the last byte is in the files.",
        log="x",
    )
]


if __name__ == "__main__":
    main(*sys.argv[1:])
