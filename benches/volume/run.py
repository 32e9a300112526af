"""Measure: `python -m volume.run`; what metrics, sampling and the flight recorder add to a call, and how long a scrape takes."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from unified_logger import LoggingContext, flush_logging, get_logger, init_logging

from . import scrape

# Traces of a round, and calls of a trace; between rounds the queue is emptied.
TRACES, CALLS = 20, 100
HISTOGRAM = {
    "latency_seconds": {
        "type": "histogram",
        "field": "latency_ms",
        "scale": 0.001,
        "buckets": [0.01, 0.1, 1],
        "labels": {"endpoint": {"field": "endpoint", "values": ["/chat", "/order"]}},
    }
}
# The options of each row, the level of its calls, and the row that it is compared with, with the most that it may be: a ratio, or nanoseconds
# more where it is above 10.
ROWS: dict[str, tuple[dict[str, Any], str, str, float]] = {
    "a call": ({}, "info", "", 0),
    "a call, scraped at a port": ({"metrics": {"port": 0}}, "info", "a call", 1.05),
    "a call, with a histogram of its field": ({"record_metrics": HISTOGRAM}, "info", "a call", 60),
    "a call, with rules that leave nothing out": (
        {"sampling": {"rules": [{"logger": "other", "rate": 0.1}]}},
        "info",
        "a call",
        1.05,
    ),
    "a call, with the recorder on": ({"recorder": True}, "info", "a call", 1.05),
    "a call that waits": ({"recorder": True}, "debug", "a call", 1.25),
    "a call whose level is off": ({}, "debug", "", 0),
    "the same, with the recorder on and no trace": ({"recorder": True}, "outside", "a call whose level is off", 1.3),
    "a call that a rule leaves out": (
        {"sampling": {"rules": [{"logger": "bench", "keep": "none"}]}},
        "info",
        "a call whose level is off",
        1.2,
    ),
    "a call of a trace that is not sampled": (
        {"sampling": {"traces": {"ratio": 0.0}}},
        "info",
        "a call whose level is off",
        1.2,
    ),
}


def measure(name: str, rounds: int) -> float:
    """Nanoseconds of a call: the least of the rounds."""
    options, level, *_ = ROWS[name]
    best = float("inf")
    with tempfile.TemporaryDirectory() as folder:
        init_logging(log_dir=folder, log_level="INFO", console_format="off", overflow_timeout=60, **options)
        call = getattr(get_logger("bench"), "debug" if level == "outside" else level)
        context = nullcontext if level == "outside" else LoggingContext
        for _ in range(rounds):
            spent = 0
            for _ in range(TRACES):
                with context():
                    spent += loop(call)
            best = min(best, spent / (TRACES * CALLS))
            flush_logging(30)
    return best


def loop(call: Callable[..., None]) -> int:
    """Nanoseconds of the calls of a trace, with two fields each, the loop included."""
    began = time.perf_counter_ns()
    for _ in range(CALLS):
        call("request", endpoint="/chat", latency_ms=12)
    return time.perf_counter_ns() - began


def main() -> int:
    """Measure each row in a process of its own, in turns, then the scrape. Tell whether one is over what it may cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="rounds in each of the passes")
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--short", action="store_const", const=1, dest="passes", help="only see that it runs")
    amount.add_argument("--full", action="store_const", const=10, dest="passes", help="for longer")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.rounds)))
        return 0
    is_short = options.passes == 1
    found: dict[str, float] = {}
    for _ in range(options.passes or 3):
        for name in ROWS:
            command = [
                sys.executable,
                "-m",
                "volume.run",
                f"--rounds={2 if is_short else options.rounds}",
                "--one",
                name,
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[name] = min(float(json.loads(done.stdout.splitlines()[-1])), found.get(name, float("inf")))
    over = False
    print("| call | ns | beside | |\n| --- | ---: | ---: | --- |")
    for name, (_, _, beside, most) in ROWS.items():
        if not beside:
            print(f"| {name} | {found[name]:,.0f} | | |")
            continue
        more, ratio = found[name] - found[beside], found[name] / found[beside]
        is_over = more > most if most > 10 else ratio > most
        over |= is_over
        bound = f"{most:.0f} ns more" if most > 10 else f"{most:.2f} x"
        verdict = "over" if is_over else "reached"
        print(f"| {name} | {found[name]:,.0f} | {ratio:.2f} x {beside} ({more:+.0f} ns) | {bound} asked: {verdict} |")
    over |= scrape.compare(*((2, 20) if is_short else (16, 1_000)))
    return 1 if over and not is_short else 0


if __name__ == "__main__":
    sys.exit(main())
