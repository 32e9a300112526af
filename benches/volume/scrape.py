"""A scrape of many processes, living and dead, beside `prometheus_client`'s own collector of processes, over the same increments."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

# Milliseconds that a scrape may take, and how many times faster it has to be.
MOST, TIMES = 10.0, 30.0
SERIES = 50
ROUNDS = 9


def compare(live: int, dead: int) -> bool:
    """Starts processes that count, all but `live` of which end, scrapes them, and prints how long that takes.

    Args:
        live: How many processes live on.
        dead: How many end.

    Returns:
        Whether it takes longer than it may.
    """
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder + "/theirs"
        (Path(folder) / "theirs").mkdir()
        from prometheus_client import CollectorRegistry, Counter, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        from unified_logger import flush_logging, get_logger, init_logging, shutdown_logging
        from unified_logger.process import exposition

        counter = Counter("requests", "Requests, as both count them.", ["endpoint"])
        metrics = {
            "requests_total": {
                "type": "count",
                "labels": {"endpoint": {"field": "endpoint", "values": [f"/{number}" for number in range(SERIES)]}},
            }
        }
        options = {"log_dir": folder + "/ours", "console_format": "off", "record_metrics": metrics, "black_box": "dir"}
        init_logging(**options)  # type: ignore[arg-type]
        logger = get_logger("bench")

        def count() -> None:
            for number in range(SERIES):
                counter.labels(f"/{number}").inc()
                logger.info("request", endpoint=f"/{number}")
            assert flush_logging(30)

        def end() -> None:
            count()
            shutdown_logging()

        go_on, stop = os.pipe()
        children = [_fork(lambda: (count(), os.close(stop), os.read(go_on, 1))) for _ in range(live - 1)]
        count()
        for _ in range(dead):
            os.waitpid(_fork(end), 0)
        while _total(exposition.text()) < SERIES * (live + dead):
            time.sleep(0.05)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        theirs_text = generate_latest(registry).decode()
        ours, theirs = _time(exposition.text), _time(lambda: generate_latest(registry))
        counted = _total(exposition.text()), _total(theirs_text)
        files = [len(list((Path(folder) / whose).rglob("*"))) for whose in ("ours", "theirs")]
        lines = sum(not line.startswith("#") for line in exposition.text().splitlines())
        os.close(stop)
        os.close(go_on)
        for child in children:
            os.waitpid(child, 0)
        shutdown_logging()
    expected = SERIES * (live + dead)
    assert counted == (expected, expected), f"{counted}, not {expected}"
    times = theirs / ours
    print(f"\nA scrape of {live} living and {dead} ended processes, {lines} series: {ours:.2f} ms ({MOST:.0f} asked),")
    print(
        f"prometheus_client {theirs:.1f} ms: {times:.0f} x ({TIMES:.0f} asked); {files[0]} files, {files[1]} of theirs."
    )
    return ours > MOST or times < TIMES


def _fork(work: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            sys.stdout.flush()
            os._exit(code)
    return child


def _total(text: str) -> int:
    return sum(int(float(line.split()[-1])) for line in text.splitlines() if line.startswith("requests_total{"))


def _time(scrape: Callable[[], object]) -> float:
    """Milliseconds, the median of some."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        scrape()
        taken.append((time.perf_counter() - began) * 1_000)
    return median(taken)
