"""A log directory with more files."""

from __future__ import annotations

import time

from unified_logger import init_logging, shutdown_logging

from ..bench import Bench
from ..curve import Curve

# A rotation costs about as much as renaming this many files.
CALL = 10


def others(bench: Bench, files: int) -> None:
    """Old files that are not this library's to rename."""
    for number in range(files):
        (bench.folder / f"app.log.2025-{number:05d}.gz").touch()


def start(bench: Bench, files: int) -> float:
    others(bench, files)
    bench.start()
    best = float("inf")
    for _ in range(bench.rounds):
        assert shutdown_logging()
        started = time.perf_counter_ns()
        init_logging(log_dir=str(bench.folder), max_bytes=1 << 40)
        bench.logger.info("first")
        bench.finish()
        best = min(best, time.perf_counter_ns() - started)
        bench.expected += 1
    return best


def rotation(bench: Bench, files: int, backups: int) -> float:
    """Until a record that crosses the bound is on disk."""
    bench.start(max_bytes=1_000, backup_count=backups)
    text = "x" * 900  # a file to each record
    best = float("inf")
    bench.once(lambda count: bench.logger.info(text), 1)
    for _ in range(bench.rounds):
        started = time.perf_counter_ns()
        bench.logger.info(text)
        bench.finish()
        best = min(best, time.perf_counter_ns() - started)
    bench.expected = bench.lines()  # older ones are gone
    return best


def beside_others(bench: Bench, files: int) -> float:
    others(bench, files)
    return rotation(bench, files, 7)


def kept(bench: Bench, files: int) -> float:
    for number in range(1, files + 1):
        (bench.folder / f"app.log.{number}").touch()
    return rotation(bench, files, max(files, 1))


FILES = (0, 10, 100, 1_000, 10_000)

CURVES = [
    Curve(
        name="directory",
        title="Old files in the log directory",
        axis="files",
        points=FILES,
        few=(0, 1_000),
        series={"start, until the first record is on disk": start, "a rotation, 7 files kept": beside_others},
        factor=2.5,
        cost="ns each time",
        unit="ns each time",
        why="Neither a start nor a rotation lists the directory. The files that they need have known names, and the\n"
        "[catalogue](files.md#how-files-are-known) says what they are. Only the upkeep behind the writer lists it.",
        log="y",
    ),
    Curve(
        name="kept",
        title="Rotated files that are kept",
        axis="backup_count, all of them there",
        points=(1, 10, 100, 1_000, 10_000),
        few=(1, 1_000),
        series={"a rotation": kept},
        factor=12,
        cost="ns for each rotation",
        weight=lambda series, files: CALL + files,
        unit=f"ns per file kept, a rotation counted as {CALL}",
        why="Numbers in names are ages, as in `logging.handlers`: each rotation looks for and renames every file it keeps, on the writer's "
        "thread. What a rename costs is the file system's affair, and more in a directory of thousands. Callers go on meanwhile. Whoever keeps thousands of files does better with fewer, larger ones.",
    ),
]
