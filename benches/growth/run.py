"""Measures how cost grows, each point in a process of its own.

python -m growth.run            every curve at a few points, within a minute; writes nothing
python -m growth.run --full     every point, several passes in turn, the best of each; writes docs/growth.md and docs/benchmarks/
python -m growth.run --short    a few points of two curves; writes nothing
python -m growth.run --curve NAME   this one only, all of its points; writes nothing
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

from shared import HERE, install

from .curve import Curve
from .curves import ALL, SHORT
from .page import Results, table, write

TIMEOUT = 300.0  # s for one point


def measure(curve: Curve, series: str, point: int, rounds: int) -> tuple[float | None, str]:
    """The cost of one point, ns, or what went wrong."""
    done = subprocess.run(
        [sys.executable, "-m", "growth.child", curve.name, series, str(point), str(rounds)],
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    if done.returncode:
        return None, (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    told = json.loads(done.stdout)
    if told["lines"] != told["expected"]:
        return None, f"{told['lines']:,} lines on disk of {told['expected']:,}"
    return told["cost"], ""


def run(curves: list[Curve], *, full: bool, few: bool, rounds: int, passes: int) -> tuple[Results, list[str]]:
    """The best pass of every point, and what went wrong: what disturbs a measurement only ever makes it slower."""
    results: Results = {curve.name: {} for curve in curves}
    wrong: list[str] = []
    for number in range(passes):
        for curve in curves:
            for series in [*curve.series, *(curve.beside if full else ())]:
                costs = results[curve.name].setdefault(series, {})
                for point in curve.few if few else curve.points:
                    cost, reason = measure(curve, series, point, rounds)
                    if cost is None:
                        wrong.append(f"{curve.name}, {series}, {point}: {reason}")
                    else:
                        costs[point] = min(cost, costs.get(point, cost))
            print(f"pass {number + 1}  {curve.name}", flush=True)
    return results, wrong


def main() -> int:
    """Runs the command.

    Returns:
        The exit code: 1 when a point could not be measured or lines are missing; never for what a point costs.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--full", action="store_true")
    which.add_argument("--short", action="store_true")
    which.add_argument("--curve", action="append", choices=list(ALL))
    chosen = parser.parse_args()
    curves = [ALL[name] for name in chosen.curve or (SHORT if chosen.short else ALL)]
    if chosen.full:
        for name, reason in install(["stdlib_queue"]).items():
            print(f"{name}: {reason}")
    results, wrong = run(
        curves,
        full=chosen.full,
        few=not (chosen.full or chosen.curve),
        rounds=12 if chosen.full or chosen.curve else 2 if chosen.short else 3,
        passes=3 if chosen.full else 1,
    )
    for curve in curves:
        print(f"\n{curve.title}, {curve.cost} ({curve.unit})\n{table(curve, results[curve.name])}")
    broken = [
        f"{curve.name}, {series}: {spread:.1f} × between its best and its worst point, to be {curve.factor} at most"
        for curve in curves
        for series in curve.series
        if (costs := results[curve.name][series]) and (spread := curve.spread(series, costs)) > curve.factor
    ]
    if broken:
        print(
            "\nBEYOND THEIR FACTOR:" if chosen.full else "\nbeyond their factor, in a run that is too short to say so:"
        )
        print("\n".join(broken))
    if chosen.full:
        write(results)
    if wrong:
        print("\nwrong:", *wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
