"""Measure: `python -m middleware.run [flask …]`; the CPU time of a request with and without the middleware, and of a call in a context."""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from statistics import median

from unified_logger import flush_logging, init_logging

from . import call_in_context

FRAMEWORKS = ["flask", "fastapi", "asgi"]
# Microseconds of CPU that a middleware may add to a request.
BUDGET = 15.0
# How much a call may cost within a context of five fields, beside one without.
RATIO = 1.15
# Logging calls of a round.
CALLS = 5_000


def measure(
    plain: Callable[[int], None], ours: Callable[[int], None], rounds: int, calls: int
) -> tuple[list[float], ...]:
    """CPU time of this thread for a request, in microseconds, of each round; the two take turns at being first."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(-1, rounds):
        order = (0, 1) if number % 2 else (1, 0)
        for which in order:
            serve = (plain, ours)[which]
            gc.collect()
            began = time.thread_time_ns()
            serve(calls)
            spent = time.thread_time_ns() - began
            assert flush_logging(30)
            if number >= 0:  # The first round warms up.
                times[which].append(spent / calls / 1_000)
    return times


def main() -> int:
    """Measure each framework, and a call within a context; tell whether one is over what it may cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frameworks", nargs="*", default=FRAMEWORKS, metavar="framework")
    parser.add_argument("--calls", type=int, default=500, help="requests of a round")
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--short", action="store_const", const=2, dest="rounds", help="only see that it runs")
    amount.add_argument("--full", action="store_const", const=60, dest="rounds", help="for longer")
    options = parser.parse_args()
    rounds, over = options.rounds or 20, False
    with tempfile.TemporaryDirectory() as directory:
        init_logging(log_dir=directory, console_format="off", overflow_timeout=60)
        # First: what frameworks leave in the caches would be measured too.
        plain, ours = measure(call_in_context.plain(), call_in_context.ours(), rounds, CALLS)
        ratio = median(b / a for a, b in zip(plain, ours, strict=True))
        over |= ratio > RATIO
        print(
            f"a call: without a context {median(plain) * 1_000:.0f} ns, in one of five fields {median(ours) * 1_000:.0f} ns, "
            f"{ratio:.2f} times as much (of the least {min(ours) / min(plain):.2f}), may be {RATIO}"
        )
        for framework in options.frameworks:
            module = import_module(f"{__package__}.{framework}_app")
            plain, ours = measure(module.plain(), module.ours(), rounds, options.calls)
            added = median(b - a for a, b in zip(plain, ours, strict=True))
            over |= added > BUDGET
            print(
                f"{framework}: without {median(plain):.1f} us (least {min(plain):.1f}), with {median(ours):.1f} us "
                f"(least {min(ours):.1f}), added {added:.1f} us (of the least {min(ours) - min(plain):.1f}), may add {BUDGET:.0f}"
            )
    return 1 if over and not options.rounds else 0


if __name__ == "__main__":
    raise SystemExit(main())
