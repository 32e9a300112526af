"""The tables and plots of `docs/tails.md`, and the results behind them."""

from __future__ import annotations

import json
from typing import Any

import plots
from comparison.report import title
from shared import DOCS, fill, machine

from .scenarios import CONTROL, OURS, SCENARIOS

# By scenario, by contender; a text says why there is nothing.
Results = dict[str, dict[str, dict[str, Any] | str]]
SHARES = ("p50", "p99", "p99.9", "p99.99", "p99.999", "max")
REACH = {"p99": (2.0, 0.5), "p99.9": (10.0, 1.0), "p99.99": (50.0, 10.0)}  # µs: to reach, and stretch
ALSO = ["stdlib_queue", "spdlog_file"]


def micro(nanoseconds: float) -> str:
    """A time for a table."""
    value = nanoseconds / 1_000
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def percentiles(results: Results) -> str:
    """Each run's, of what calls took and of how late they were done."""
    heads = " | ".join(SHARES)
    rows = [f"| µs | | {heads} | lines on disk |", f"| --- | --- |{' ---: |' * (len(SHARES) + 1)}"]
    for name, row in results.items():
        for contender, seen in row.items():
            what = f"**{SCENARIOS[name].title}**, {title(contender)}"
            if isinstance(seen, str):
                rows.append(f"| {what} | {seen} |{' |' * (len(SHARES) + 1)}")
                continue
            written = "–" if seen["lines"] is None else f"{seen['lines']:,} of {seen['calls']:,}"
            if rotations := seen["counts"]["rotations"]:
                written += f", {rotations + 1} files"
            for kind, label in (("service", "in the call"), ("response", "since it was due")):
                times = " | ".join(micro(seen[kind][share]) for share in SHARES)
                rows.append(f"| {what} | {label} | {times} | {written} |")
                what, written = "", ""
    return "\n".join(rows)


def goals(results: Results) -> str:
    """What calls took in the scenario "alone", beside what is to be reached."""
    seen = results.get("alone", {}).get(OURS)
    if not isinstance(seen, dict):
        return ""
    rows = ["| 20,000/s alone, in the call, µs | reach | stretch | seen |", "| --- | ---: | ---: | ---: |"]
    rows += [
        f"| {share} | ≤ {reach:g} | {stretch:g} | {micro(seen['service'][share])} |"
        for share, (reach, stretch) in REACH.items()
    ]
    return "\n".join(rows)


def causes(results: Results) -> str:
    """The ten calls that lost most, of this library and of the call that does nothing."""
    rows = [
        "| the ten calls that lost most, µs | lost, and to what | page faults, waits and preemptions of the whole run |",
        "| --- | --- | ---: |",
    ]
    for name, row in results.items():
        for contender in (OURS, CONTROL):
            seen = row.get(contender)
            if not isinstance(seen, dict):
                continue
            told: dict[str, list[int]] = {}
            for one in seen["worst"]:
                told.setdefault(one["cause"], []).append(one["lost"])
            lost = "; ".join(
                f"{cause}: {', '.join(f'{value / 1_000:,.0f}' for value in values)}" for cause, values in told.items()
            )
            counts = seen["counts"]
            rows.append(
                f"| {SCENARIOS[name].title}, {title(contender)} | {lost} "
                f"| {counts['page faults']:,} / {counts['waits']:,} / {counts['preemptions']:,} |"
            )
    return "\n".join(rows)


def plot(results: Results, name: str, kind: str) -> None:
    """Curves of the contenders of a scenario, log-log: what the slowest of so many calls takes."""
    series = {
        title(contender): [(1 / part, value / 1_000) for part, value in seen[kind]["curve"]]
        for contender, seen in results.get(name, {}).items()
        if isinstance(seen, dict)
    }
    axes = ("one call in so many takes longer", "µs in the call" if kind == "service" else "µs since it was due")
    path = DOCS / "benchmarks" / f"tails-{name}.svg"
    plots.curves(path, f"20,000 calls a second, {SCENARIOS[name].title}", axes, series, log="xy")


def write(results: Results) -> None:
    """Fills the page, draws the plots and keeps the results."""
    taken = machine([*ALSO, "tails"])
    fill(DOCS / "tails.md", "tails", f"{taken}\n\n{goals(results)}\n\n{percentiles(results)}\n\n{causes(results)}")
    plot(results, "alone", "service")
    plot(results, "process", "response")
    kept = {"taken": taken, "scenarios": results}
    text = json.dumps(kept, indent=1, ensure_ascii=False) + "\n"
    (DOCS / "benchmarks" / "tails.json").write_text(text, encoding="utf-8")
