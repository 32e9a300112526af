"""A run as plots for docs/performance.md."""

from __future__ import annotations

import plots
from shared import DOCS

from .goals import per_call, rate
from .recorded import Run
from .report import PACED, title

FOLDER = DOCS / "benchmarks"
# What becomes slower than so much, as a share of all calls: the percentiles on an axis that gives each nine the same room.
PLACES = {"p50": 2.0, "p99": 100.0, "p99.9": 1_000.0, "p99.99": 10_000.0}


def draw(run: Run) -> None:
    """Call costs, rates to disk and the latency of paced calls, each as an SVG file."""
    calls = {name: per_call(run.results, name, "call") for name in run.results}
    rates = {name: rate(run.results, name, "throughput") for name in run.results}
    plots.bars(
        FOLDER / "call.svg",
        "What a call costs its caller, ns (logarithmic; shorter is better)",
        ranked(calls),
        log=True,
    )
    plots.bars(
        FOLDER / "throughput.svg",
        "Records a second to disk, one thread (longer is better)",
        dict(reversed(ranked(rates).items())),
    )
    paced = {name: benches["paced"] for name, benches in run.results.items() if "paced" in benches}
    plots.curves(
        FOLDER / "paced.svg",
        "Calls at 20,000 a second: so many percent take no longer than this",
        ("percentile", "µs"),
        {
            title(name): [(PLACES[key], found[key] / 1e3) for key in PACED if key in found]
            for name, found in paced.items()
        },
        log="xy",
        ticks={place: key for key, place in PLACES.items()},
    )


def ranked(figures: dict[str, float | None]) -> dict[str, float]:
    """Titles and figures, the smallest first, without those that were not measured."""
    known = {title(name): figure for name, figure in figures.items() if figure is not None}
    return dict(sorted(known.items(), key=lambda item: item[1]))
