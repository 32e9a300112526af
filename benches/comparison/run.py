"""Runs the benches: every contender in a process of its own, in turn, in passes; compares with what was recorded last.

python -m comparison.run           measure everything within minutes; writes nothing
python -m comparison.run --full    take the time it takes, and write docs/performance.md, both READMEs and docs/benchmarks/
python -m comparison.run --short   one short round of a few contenders; writes nothing
python -m comparison.run --page    measure nothing; write the pages and plots from what was recorded last
"""

from __future__ import annotations

import argparse
import sys
import time

from contenders import ALL
from shared import constant, install

from . import measure, recorded, report
from .goals import Result, changes
from .goals import table as goal_table

SHORT = ["native_call", "ours", "stdlib_file", "orjson_literal"]
# Those that the figures to reach compare ours with.
RIVALS = ["native_call", "ours", "stdlib_queue", "stdlib_file", "orjson_literal", "rust_tracing", "cpp_spdlog"]

AMOUNTS = {
    "short": measure.Amount(rounds=4, records=5_000, seconds=0.1, budget=0.1, timeout=60),
    "minutes": measure.Amount(rounds=30, records=200_000, seconds=2.0, budget=1.0, timeout=120),
    "full": measure.Amount(rounds=30, records=200_000, seconds=3.0, budget=2.0, timeout=240),
}
# Shows whether a program runs, which may have to be built first.
TRIAL = measure.Amount(rounds=1, records=200, seconds=0.01, budget=0.01, timeout=900)


def is_program(name: str) -> bool:
    """Whether a contender measures itself."""
    return constant("contenders", name, "KIND") == "program"


def prepare(names: list[str]) -> dict[str, str]:
    """Installs the contenders. Returns why those failed that did."""
    failures = install(names)
    for name in filter(is_program, names):
        _, reason = measure.program(f"contenders.{name}", TRIAL)
        if reason:
            failures[name] = f"does not run: {reason}"
    return failures


def passes(mode: str) -> list[list[str]]:
    """Who is measured in each pass. What is compared with each other takes turns, so that it meets the same disturbances."""
    if mode == "short":
        return [SHORT]
    if mode == "full":
        return [ALL, ALL, ALL]
    return [ALL, [name for name in ALL if name in RIVALS]]


def measured(turns: list[list[str]], amount: measure.Amount, failures: dict[str, str]) -> recorded.Run:
    """All passes of all contenders; `failures` has those that cannot be installed."""
    results: dict[str, dict[str, Result]] = {name: {} for names in turns for name in names}
    failures = dict(failures)
    for turn, names in enumerate(turns, 1):
        for name in names:
            if name in failures:
                continue
            began = time.monotonic()
            if is_program(name):
                found, reason = measure.program(f"contenders.{name}", amount)
            else:
                found, reason = measure.contender(name, amount)
            measure.merge(results[name], found)
            print(f"pass {turn}  {name:<18} {time.monotonic() - began:5.1f} s  {reason or 'ok'}", flush=True)
            if reason and not results[name]:
                failures[name] = f"does not run: {reason}"
            elif reason:
                results[name].setdefault("notes", {"group": "notes", "min": 0.0, "reason": reason})
    return recorded.Run.here(failures, results)


def failed(run: recorded.Run) -> list[str]:
    """Which contenders of ours have no figures, only some, or fewer lines than records."""
    ours = [name for name in run.results if name.startswith(("ours", "native_call", "stdlib_native", "stdlib_through"))]
    counts = {name: report.total(run.results[name], "expected", "lines") for name in ours}
    lost = [name for name, (asked, lines) in counts.items() if lines < asked]
    return [name for name in ours if name in run.failures or "notes" in run.results[name] or name in lost]


def publish(run: recorded.Run) -> None:
    """Writes the pages and the plots."""
    from . import draw  # the only module that needs a plotting library

    report.write(run)
    draw.draw(run)


def main() -> int:
    """Run the command.

    Returns:
        The exit code: other than 0 when a bench of ours failed or lost a line; never for its figures.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--full", dest="mode", action="store_const", const="full", default="minutes")
    which.add_argument("--short", dest="mode", action="store_const", const="short")
    which.add_argument("--page", dest="mode", action="store_const", const="page")
    mode: str = parser.parse_args().mode
    began, before = time.monotonic(), recorded.last()
    if mode == "page":
        assert before is not None, "nothing was recorded yet"
        publish(before)
        return 0
    turns = passes(mode)
    print(f"installing {len(turns[0])} contenders", flush=True)
    failures = prepare(turns[0])
    print(f"installed in {time.monotonic() - began:.0f} s", flush=True)
    began = time.monotonic()
    run = measured(turns, AMOUNTS[mode], failures)
    print(f"\n{report.table(run)}\n")
    if mode != "short":  # whose figures say nothing
        print(f"{goal_table(run.goals(), run.figures())}\n")
        if before is not None:
            print(changes(run.goals(), before.figures(), run.figures(), run.same_machine(before)))
    print(f"\nmeasured in {time.monotonic() - began:.0f} s", flush=True)
    if broken := failed(run):
        print(f"failed: {', '.join(broken)}")
    elif mode == "full":
        run.record()
        publish(run)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
